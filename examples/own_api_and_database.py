"""Tools on a team's own JSON API and its database, each declared in a few lines. Both are played here."""

import asyncio
import json
import sqlite3
import tempfile
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pydantic import BaseModel

from orchestrator import Assistant, Bundle, Desk, Emit, ToolCall
from tools.http_json import http_json
from tools.sql import sql_tools


class Stock(BaseModel):
    """What we want to know of an article; the API says more."""

    left: int


async def agent(bundle: Bundle, desk: Desk) -> str:
    """What a language model would do: ask both, and put it together."""
    stock, sold = await desk.call(
        ToolCall("stock", {"article": "lamp"}),
        ToolCall("sql_query", {"sql": "select sum(count) from orders where article = :a", "params": {"a": "lamp"}}),
    )
    if not (stock.ok and sold.ok):
        return stock.text if sold.ok else sold.text
    return f"There are {stock.data['left']} lamps left, and {sold.data['rows'][0][0]} have been sold."


class Answers(BaseHTTPRequestHandler):
    """The API, played."""

    def do_GET(self) -> None:
        body = json.dumps({"left": 7, "shelf": "B3", "asked": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library calls it so)
        """Nothing on the screen."""


@contextmanager
def played() -> Generator[tuple[str, Path]]:
    """An API and a database, while it lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "shop.db")
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(
                "create table orders (article text, count int); insert into orders values ('lamp', 2), ('lamp', 3);"
            )
        yield f"http://127.0.0.1:{server.server_port}", file
    server.shutdown()
    server.server_close()


async def main() -> None:
    """Ask, and print what is said."""
    with played() as (address, file):
        shop = http_json(address)

        @shop.get("/stock/{article}", returns=Stock)
        async def stock(article: str) -> None:
            """How many of an article are left."""

        orders = sql_tools(f"sqlite:///{file}", about="orders of the shop")
        assistant = Assistant(tools=[shop, orders], background=agent)
        async with assistant.session() as talk:
            await talk.type("please find out how the lamps sell")
            await talk.finish()
            async for event in talk.events():
                if isinstance(event, Emit):
                    print(event.text, end="\n" if event.ends else "", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
