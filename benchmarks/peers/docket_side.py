"""docket (the distribution is called pydocket). Streams, with results by publish and subscribe."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import perf_counter

from docket import Docket, Worker
from speaking import HOLD, NOTHING, Counter, given, next_order, say

GIVEN = given()
COUNTER = Counter(GIVEN.tasks)


async def work(kind: str, task: str) -> str:
    if kind == HOLD:
        say(begun=True)
        await asyncio.sleep(3600)
    COUNTER.add()
    return GIVEN.answer


async def worker(docket: Docket) -> None:
    options = {"concurrency": GIVEN.slots, "redelivery_timeout": timedelta(seconds=GIVEN.patience_s)}
    if GIVEN.poll_s:
        # With more tasks than slots it waits for as long before it looks again: 250 ms by default.
        options["minimum_check_interval"] = timedelta(seconds=GIVEN.poll_s)
        # When Redis was away: 5 s by default.
        options["reconnection_delay"] = timedelta(seconds=0.1)
    async with Worker(docket, **options) as working:
        say(ready=True)
        await working.run_forever()


async def client(docket: Docket) -> None:
    while (order := await asyncio.to_thread(next_order)) is not None:
        times = order.get("times", 1)
        if order["do"] == "ask":
            seconds = []
            for _ in range(times):
                begun = perf_counter()
                while True:
                    try:
                        sent = await docket.add(work)(NOTHING, GIVEN.task)
                        await sent.get_result(timeout=timedelta(seconds=30))
                        break
                    except Exception:
                        await asyncio.sleep(0.01)
                seconds.append(perf_counter() - begun)
            say(seconds=seconds)
        elif order["do"] == "fill":
            for _ in range(times):
                await docket.add(work)(NOTHING, GIVEN.task)
            say(filled=times)
        else:
            await docket.add(work)(HOLD, GIVEN.task)
            say(held=True)


async def main() -> None:
    async with Docket(name="bench", url=GIVEN.url) as docket:
        docket.register(work)
        await (worker if GIVEN.role == "worker" else client)(docket)


asyncio.run(main())
