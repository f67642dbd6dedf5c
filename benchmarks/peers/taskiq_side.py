"""taskiq with its streams broker. Its client polls for results (every 0.2 s by default); its worker does not poll."""

from __future__ import annotations

import asyncio
import os
import sys
from time import perf_counter

from speaking import HOLD, NOTHING, Counter, given, next_order, say
from taskiq import TaskiqEvents
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

GIVEN = given()
COUNTER = Counter(GIVEN.tasks)
POLLING = {"check_interval": GIVEN.poll_s} if GIVEN.poll_s else {}

broker = RedisStreamBroker(
    GIVEN.url,
    # Else what was sent before the first worker is never seen.
    consumer_id="0",
    # After this long a task counts as abandoned, also when its worker is still at it: nothing renews it.
    idle_timeout=int(GIVEN.patience_s * 1000),
    # Else what a busy worker has read ahead of its slots, and not begun, waits for it.
    xread_count=GIVEN.slots,
    # Else the lock under which a worker that died was looking for abandoned tasks may stay for ever.
    unacknowledged_lock_timeout=max(1.0, GIVEN.patience_s),
).with_result_backend(RedisAsyncResultBackend(GIVEN.url, result_ex_time=60))


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def ready(state) -> None:
    say(ready=True)


@broker.task(task_name="work")
async def work(kind: str, task: str) -> str:
    if kind == HOLD:
        say(begun=True)
        await asyncio.sleep(3600)
    COUNTER.add()
    return GIVEN.answer


async def client() -> None:
    await broker.startup()
    while (order := await asyncio.to_thread(next_order)) is not None:
        times = order.get("times", 1)
        if order["do"] == "ask":
            seconds = []
            for _ in range(times):
                begun = perf_counter()
                while True:
                    try:
                        sent = await work.kiq(NOTHING, GIVEN.task)
                        await sent.wait_result(timeout=30, **POLLING)
                        break
                    except Exception:
                        await asyncio.sleep(0.01)
                seconds.append(perf_counter() - begun)
            say(seconds=seconds)
        elif order["do"] == "fill":
            for _ in range(times):
                await work.kiq(NOTHING, GIVEN.task)
            say(filled=times)
        else:
            await work.kiq(HOLD, GIVEN.task)
            say(held=True)


if __name__ == "__main__":
    if GIVEN.role == "worker":
        os.environ["BENCH_GIVEN"] = sys.argv[1]
        os.chdir(os.path.dirname(os.path.abspath(__file__)))
        options = ("--workers", "1", "--max-async-tasks", str(GIVEN.slots), "--log-level", "ERROR")
        os.execv(sys.executable, [sys.executable, "-m", "taskiq", "worker", "taskiq_side:broker", *options])
    asyncio.run(client())
