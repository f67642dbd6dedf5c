"""Celery on Redis, acknowledging late (else a task dies with its worker), with its results by publish and subscribe."""

from __future__ import annotations

import time
from time import perf_counter

from celery import Celery
from celery.signals import worker_ready
from speaking import HOLD, NOTHING, Counter, given, next_order, say

GIVEN = given()
COUNTER = Counter(GIVEN.tasks)

app = Celery("celery_side", broker=GIVEN.url, backend=GIVEN.url)
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": GIVEN.patience_s,
        # By default it looks for abandoned tasks every hundred seconds.
        "unacked_restore_interval": max(1, int(GIVEN.patience_s)),
        "unacked_restore_throttle": 1,
    },
    result_expires=60,
)


@worker_ready.connect
def ready(**_) -> None:
    say(ready=True)


@app.task(name="work")
def work(kind: str, task: str) -> str:
    if kind == HOLD:
        say(begun=True)
        time.sleep(3600)
    COUNTER.add()
    return GIVEN.answer


def client() -> None:
    while (order := next_order()) is not None:
        times = order.get("times", 1)
        if order["do"] == "ask":
            seconds = []
            for _ in range(times):
                begun = perf_counter()
                while True:
                    try:
                        work.delay(NOTHING, GIVEN.task).get(timeout=30)
                        break
                    except Exception:
                        time.sleep(0.01)
                seconds.append(perf_counter() - begun)
            say(seconds=seconds)
        elif order["do"] == "fill":
            for _ in range(times):
                work.delay(NOTHING, GIVEN.task)
            say(filled=times)
        else:
            work.delay(HOLD, GIVEN.task)
            say(held=True)


if GIVEN.role == "worker":
    # Threads, since the tasks wait more than they compute; processes would add a pipe to each.
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR")
    app.worker_main(["worker", "--pool", "threads", "--concurrency", str(GIVEN.slots), *quiet])
else:
    client()
