"""streaQ. Streams, and results by publish and subscribe."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from time import perf_counter

import anyio
from speaking import HOLD, NOTHING, Counter, given, next_order, say
from streaq import Worker

GIVEN = given()
COUNTER = Counter(GIVEN.tasks)


@asynccontextmanager
async def lifespan():
    say(ready=True)
    yield None


worker = Worker(redis_url=GIVEN.url, concurrency=GIVEN.slots, lifespan=lifespan, idle_timeout=GIVEN.patience_s)


@worker.task
async def work(kind: str, task: str) -> str:
    if kind == HOLD:
        say(begun=True)
        await asyncio.sleep(3600)
    COUNTER.add()
    return GIVEN.answer


async def client() -> None:
    async with worker:
        while (order := await asyncio.to_thread(next_order)) is not None:
            times = order.get("times", 1)
            if order["do"] == "ask":
                seconds = []
                for _ in range(times):
                    begun = perf_counter()
                    while True:
                        try:
                            sent = await work.enqueue(NOTHING, GIVEN.task)
                            await sent.result(30)
                            break
                        except Exception:
                            await asyncio.sleep(0.01)
                    seconds.append(perf_counter() - begun)
                say(seconds=seconds)
            elif order["do"] == "fill":
                for _ in range(times):
                    await work.enqueue(NOTHING, GIVEN.task)
                say(filled=times)
            else:
                await work.enqueue(HOLD, GIVEN.task)
                say(held=True)


if GIVEN.role == "worker":
    worker.run_sync()
else:
    anyio.run(client)
