"""The same assistant with its workers in other processes, over Redis; one of them dies in the middle of the work.

Uses the Redis at REDIS_URL, or starts a redis-server of its own for as long as it runs.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from orchestrator import Assistant, Emit, tool
from orchestrator.events import DelegationUpdate


@tool
async def count_slowly(to: int) -> AsyncIterator[str]:
    """Count slowly up to a number.

    Args:
        to: The number to count to.
    """
    for number in range(1, to):
        yield f"at {number}"
        await asyncio.sleep(0.4)
    yield f"I have counted to {to}."


def assistant(url: str) -> Assistant:
    """What both sides are made of: the front end knows the tools, the workers run them."""
    return Assistant(tools=[count_slowly], bus=url)


@asynccontextmanager
async def redis_url() -> AsyncGenerator[str]:
    """The URL of a Redis that is there."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    if shutil.which("redis-server") is None:
        sys.exit("There is no redis-server here.\nThis example starts one.\nInstall redis-server, or set REDIS_URL.")
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        options = ["--port", str(port), "--save", "", "--dir", folder, "--loglevel", "warning", "--bind", "127.0.0.1"]
        server = await asyncio.create_subprocess_exec("redis-server", *options, stdout=asyncio.subprocess.DEVNULL)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            await server.wait()


async def worker(url: str) -> asyncio.subprocess.Process:
    """One more worker, in a process of its own."""
    return await asyncio.create_subprocess_exec(sys.executable, __file__, "work", url)


async def main() -> None:
    """Ask for something long, kill the worker that does it, and start another."""
    async with redis_url() as url:
        workers = [await worker(url)]
        async with assistant(url).session() as talk:
            await talk.type("count slowly to 8")
            await talk.finish()
            async for event in talk.events():
                match event:
                    case DelegationUpdate(state="running") if len(workers) == 1:
                        print("   [a worker has begun: it is killed, and another one started]")
                        await asyncio.sleep(1)
                        workers[0].send_signal(signal.SIGKILL)
                        workers.append(await worker(url))
                    case Emit(text=text, ends=ends):
                        print(text, end="\n" if ends else "", flush=True)
                    case _:
                        pass
        workers[1].terminate()
        for process in workers:
            await process.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        asyncio.run(assistant(sys.argv[2]).work())
    else:
        asyncio.run(main())
