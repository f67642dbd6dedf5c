"""A worker process for tests that kill it: it has one tool, which appends a line to a file and must not do so twice.

Run as `python paying_worker.py URL LEASE_MS FILE WHERE`. It hangs in the tool after the line is written (`inside`), or
when the tool has ended (`after`), each with a finding that says so; with any other WHERE it goes through to the answer.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator

import anyio

from background import Worker, as_reasoner
from orchestrator.bundle import Bundle
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from orchestrator.ports import Desk, ToolCall

URL, LEASE_MS, FILE, WHERE = sys.argv[1:]


@tool(idempotent=False)
async def pay(to: str) -> AsyncGenerator[str]:
    """Pay somebody."""
    async with await anyio.open_file(FILE, "a") as file:
        await file.write(f"paid {to}\n")
    if WHERE == "inside":
        yield "in the middle of it"
        await anyio.sleep_forever()
    yield f"{to} has been paid"


async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
    (result,) = await desk.call(ToolCall("pay", {"to": "Ada"}))
    if WHERE == "after":
        yield Finding.partial("it is over")
        await anyio.sleep_forever()
    yield Finding.final(result.text)


async def main() -> None:
    bus = RedisBus(URL, settings=RedisSettings(lease_ms=int(LEASE_MS)))
    async with bus.worker() as side:
        await Worker(side, as_reasoner(agent), [pay]).run()


if __name__ == "__main__":
    anyio.run(main)
