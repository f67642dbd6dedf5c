"""arq. Its worker and its client poll; how often is a setting (half a second by default)."""

from __future__ import annotations

import asyncio
from time import perf_counter

from arq import create_pool, func
from arq.connections import RedisSettings
from arq.worker import run_worker
from speaking import HOLD, NOTHING, Counter, given, next_order, say

GIVEN = given()
COUNTER = Counter(GIVEN.tasks)
POLLING = {"poll_delay": GIVEN.poll_s} if GIVEN.poll_s else {}


async def work(ctx, kind: str, task: str) -> str:
    if kind == HOLD:
        say(begun=True)
        await asyncio.sleep(3600)
    COUNTER.add()
    return GIVEN.answer


async def ready(ctx) -> None:
    say(ready=True)


class Settings:
    # The key that says who is at it lives for the longest time a task may take, and ten seconds.
    functions = [func(work, timeout=max(1, GIVEN.patience_s), keep_result=60)]  # noqa: RUF012
    redis_settings = RedisSettings.from_dsn(GIVEN.url)
    on_startup = ready
    max_jobs = GIVEN.slots
    poll_delay = GIVEN.poll_s or 0.5


async def client() -> None:
    pool = await create_pool(RedisSettings.from_dsn(GIVEN.url))
    while (order := await asyncio.to_thread(next_order)) is not None:
        times = order.get("times", 1)
        if order["do"] == "ask":
            seconds = []
            for _ in range(times):
                begun = perf_counter()
                while True:
                    try:
                        job = await pool.enqueue_job("work", NOTHING, GIVEN.task)
                        await job.result(timeout=30, **POLLING)
                        break
                    except Exception:
                        await asyncio.sleep(0.01)
                seconds.append(perf_counter() - begun)
            say(seconds=seconds)
        elif order["do"] == "fill":
            for _ in range(times):
                await pool.enqueue_job("work", NOTHING, GIVEN.task)
            say(filled=times)
        else:
            await pool.enqueue_job("work", HOLD, GIVEN.task)
            say(held=True)


if GIVEN.role == "worker":
    run_worker(Settings)
else:
    asyncio.run(client())
