"""A real PostgreSQL, read and never written, whatever a query tries."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import anyio
import anyio.to_thread
import psycopg
import pytest

from orchestrator.ports import Progress
from orchestrator.resources import Resources
from orchestrator.testing import AloneContext, check_toolbox
from tests.plugins.postgres_server import PostgresServer
from tests.tools.asking_sql import asking, named
from tools.sql import SqlLimits, sql_tools

pytestmark = pytest.mark.anyio

SHOP = """
create table customers (id int primary key, name text not null); comment on table customers is 'who buys';
create table orders (id int primary key, customer int references customers, price numeric(10, 2));
comment on column orders.price is 'in euros';
create view dear as select * from orders where price > 5;
create table secret (word text); revoke all on secret from reader;
create sequence numbers; grant usage on sequence numbers to reader;
create function harmless() returns int language plpgsql as
    $$ begin insert into customers values (9, 'Eve'); return 1; end $$;
create function silent() returns int language sql as $$ delete from customers returning id $$;
insert into customers values (1, 'Ann'), (2, 'Bob'); insert into orders values (1, 1, 9.5), (2, 2, 1.5);
"""


@pytest.fixture
def shop(postgres: PostgresServer) -> PostgresServer:
    postgres.run(SHOP)
    return postgres


async def test_rows_come_with_their_columns_and_are_of_strangers(shop: PostgresServer) -> None:
    async with asking(shop.reader) as here:
        result = await here.query("select id, name from customers order by id desc;")
        assert result.text == '2 rows. Columns: ["id", "name"]\n[2, "Bob"]\n[1, "Ann"]'
        assert result.untrusted
        assert (await here.query("select 1 where false")).text == 'No rows. Columns: ["?column?"]'


async def test_tables_are_those_that_the_role_may_read(shop: PostgresServer) -> None:
    async with asking(shop.reader) as here:
        assert (await here.tables()).text == (
            "3 tables:\n"
            "customers (table: who buys): id integer primary key, name text not null\n"
            "dear (view): id integer, customer integer, price numeric(10,2)\n"
            "orders (table): id integer primary key, customer integer -> customers(id), "
            "price numeric(10,2) (in euros)"
        )
        assert (await here.tables("ORD")).text.startswith("1 table:\norders")


NUMBERS = "with recursive n(x) as (select 1 union all select x + 1 from n)"
WRITES = [
    "delete from customers",
    "insert into customers values (3, 'Eve') returning id",
    "update customers set name = 'x'",
    "merge into customers using orders on false when not matched then insert values (3, 'x')",
    "truncate customers",
    "with x as (delete from customers returning *) select * from x",
    "with x as (insert into customers values (3, 'Eve') returning id) select * from x",
    "with x as (select 1) delete from customers",
    "/* select */ delete from customers",
    "-- select\ndelete from customers",
    "select 1; delete from customers",
    "select 1; commit; delete from customers",
    "select 1; rollback; begin read write; delete from customers; commit",
    "select 1) as q(c0); delete from customers; --",
    "select * into copied from customers",
    "create table copied as select * from customers",
    "create temp table copied as select 1",
    "copy customers to stdout",
    "copy customers to program 'true'",
    "copy (select 1) to '/tmp/duologue-never'",
    "copy customers from stdin",
    "set transaction read write",
    "set session characteristics as transaction read write",
    "set default_transaction_read_only = off",
    "select set_config('transaction_read_only', 'off', true)",
    "select set_config('transaction_read_only', 'off', false), * from customers",
    "begin",
    "commit",
    "rollback",
    "commit and chain",
    "prepare transaction 'x'",
    "prepare p as delete from customers",
    "execute p",
    "do $$ begin delete from customers; end $$",
    "call harmless()",
    "declare d cursor for select 1",
    "explain analyze delete from customers",
    "explain select 1",
    "lock table customers",
    "listen news",
    "notify news",
    "vacuum",
    "grant select on secret to reader",
    "select * from customers for update",
    "select harmless()",
    "select silent()",
    "select nextval('numbers')",
    "select setval('numbers', 7)",
    "select pg_notify('news', 'x') from nowhere",
]


@pytest.mark.parametrize("sql", WRITES)
@pytest.mark.parametrize("role", ["reader", "owner"])
async def test_nothing_is_written_in_any_dress(shop: PostgresServer, sql: str, role: str) -> None:
    """Not even with the rights of a superuser."""
    before = shop.rows("select c.*, (select last_value from numbers) from customers c order by id")
    async with asking(getattr(shop, role)) as here:
        result = await here.query(sql)
        assert (result.ok, result.retry) == (False, True), result.text
        assert await here.rows("select count(*) from customers") == [[2]]
        assert await here.rows("select current_setting('transaction_read_only')") == [["on"]]
        assert await here.rows("select current_setting('default_transaction_read_only')") == [["on"]]
    assert shop.rows("select c.*, (select last_value from numbers) from customers c order by id") == before


@pytest.mark.parametrize("sql", ["select harmless()", "select silent()", "select nextval('numbers')"])
async def test_the_transaction_alone_holds_it(shop: PostgresServer, sql: str) -> None:
    """As behind a PgBouncer that takes no `options`."""
    async with asking(f"{shop.owner}?options=") as here:
        assert await here.rows("select current_setting('default_transaction_read_only')") == [["off"]]
        result = await here.query(sql)
        assert (result.ok, result.retry) == (False, True), result.text
        assert "in a read-only transaction" in result.text
        assert await here.rows("select count(*) from customers") == [[2]]


@pytest.mark.parametrize(
    "sql",
    [
        "select set_config('default_transaction_read_only', 'off', false)",
        "select set_config('statement_timeout', '0', false)",
        "select set_config('search_path', 'pg_temp', false)",
        "select pg_advisory_lock(42)",
        "select lo_create(4711)",  # what older servers let a READ ONLY transaction do
    ],
)
async def test_what_a_query_sets_or_locks_is_gone_after_it(shop: PostgresServer, sql: str) -> None:
    async with asking(shop.owner, seconds=5.0) as here:
        assert (await here.query(sql)).ok
        assert await here.rows(
            "select current_setting('default_transaction_read_only'), current_setting('statement_timeout') <> '0', "
            "current_setting('search_path'), (select count(*) from pg_locks where locktype = 'advisory'), "
            "(select count(*) from pg_largeobject_metadata)"
        ) == [["on", True, '"$user", public', 0, 0]]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select 'a;b' -- done;", [["a;b"]]),
        ("select $$it's; fine$$", [["it's; fine"]]),
        ("table customers", [[1, "Ann"], [2, "Bob"]]),
        ("with n (x) as (select 2) select x from n", [[2]]),
        ("select 1 as a, 2 as a", [[1, 2]]),
        ("select 'x' like '%x%'", [[True]]),
        ("select true, 9223372036854775807, 1.50::numeric, 'NaN'::float8", [[True, 2**63 - 1, "1.50", "nan"]]),
        ("select 'infinity'::date, '12026-01-01'::timestamp", [["infinity", "12026-01-01 00:00:00"]]),
        ("select '2026-11-26T09:12:00Z'::timestamptz at time zone 'utc'", [["2026-11-26 09:12:00"]]),
        ("select '\\x00ff'::bytea, null::bytea", [["\\x00ff", None]]),
        ("""select '{"a": [1]}'::jsonb, array['x', null]""", [[{"a": [1]}, ["x", None]]]),
        ("select '11111111-1111-1111-1111-111111111111'::uuid", [["11111111-1111-1111-1111-111111111111"]]),
        ("select row(1, 'x'), int4range(1, 3), '1 day'::interval", [["(1,x)", "[1,3)", "1 day"]]),
        ("select pg_sleep(0)", [[""]]),
    ],
)
async def test_reading_is_answered(shop: PostgresServer, sql: str, rows: object) -> None:
    async with asking(shop.reader) as here:
        assert await here.rows(sql) == rows


async def test_parameters_by_place_and_by_name(shop: PostgresServer) -> None:
    async with asking(shop.reader) as here:
        assert await here.rows("select id from customers where name = $1", ["Bob"]) == [[2]]
        assert await here.rows("select id from customers where name = :who or :who = ''", {"who": "Bob"}) == [[2]]
        assert await here.rows("select (array[1, 2, 3])[1:2], ':who', 1::int, $1::jsonb", [{"a": 1}]) == [
            [[1, 2], ":who", 1, {"a": 1}]
        ]
        hurt = "x' or true; delete from customers --"
        assert await here.rows("select id from customers where name = $1", [hurt]) == []
        for params in ([], ["\0"], ["\ud800"], [[1, "x"]], {"other": 1}):
            result = await here.query("select $1::int", params)
            assert (result.ok, result.retry) == (False, True), (params, result.text)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select nam from customers", 'column "nam" does not exist. Perhaps you meant'),
        ("selec 1", 'syntax error at or near "selec"'),
        ("select * from secret", "permission denied for table secret"),
        ("select 1 /* x", "unterminated"),
        ("select '\u202e'", "nobody can see"),
    ],
)
async def test_what_is_wrong_is_said_so_that_it_can_be_mended(shop: PostgresServer, sql: str, said: str) -> None:
    async with asking(shop.reader) as here:
        result = await here.query(sql)
        assert (result.ok, result.retry, result.untrusted) == (False, True, False)
        assert said in result.text


async def test_words_of_a_row_are_not_passed_on_as_ours(shop: PostgresServer) -> None:
    async with asking(shop.reader) as here:
        result = await here.query("select name::int from customers")
        assert (result.ok, result.retry, result.untrusted) == (False, True, True)
        assert '"Ann"' in result.text


async def test_long_values_are_cut_by_the_server(shop: PostgresServer) -> None:
    """So they never come here whole: 200 MB of text, bytes, JSON and arrays."""
    async with asking(shop.reader, cell_chars=10, seconds=30.0) as here:
        result = await here.query(
            "select 'short', repeat('é', 50000000), decode(repeat('00', 20000000), 'hex'), "
            "to_jsonb(repeat('x', 20000000)), array[repeat('y', 20000000)]"
        )
        assert result.ok, result.text
        assert result.data["rows"] == [
            ["short", "é" * 10 + "...", "\\x" + "0" * 8 + "...", '"xxxxxxxxx...', '["yyyyyyyy...']
        ]
        assert "4 values are cut at 10 characters" in result.text


async def test_many_rows_are_not_all_computed(shop: PostgresServer) -> None:
    async with asking(shop.reader, rows=250, tell_every_s=0.0) as here:
        *told, last = await here.steps(f"{NUMBERS} select x from n")
        assert [step.text for step in told] == ["100 rows so far, the last: [100]", "200 rows so far, the last: [200]"]
        assert all(isinstance(step, Progress) for step in told)
        assert last.text.startswith("250 of more than 250 rows.")


ENDLESS = [
    f"{NUMBERS} select count(*) from n",
    "select count(*) from generate_series(1, 1000000000000)",
    "select pg_sleep(3600)",
    "select set_config('statement_timeout', '0', true), pg_sleep(3600)",
    "select * from customers a, generate_series(1, 1000000000) where pg_sleep(0.001) is null",
]


@pytest.mark.parametrize("sql", ENDLESS)
async def test_an_endless_query_ends_with_its_time(shop: PostgresServer, sql: str) -> None:
    async with asking(shop.reader, seconds=1.0) as here:
        result = await here.query(sql)
        assert (result.ok, result.retry) == (False, True)
        assert "took more than 1 seconds" in result.text
        assert shop.running() == []
        assert await here.rows("select 1") == [[1]]


async def test_a_server_that_does_not_keep_the_time_is_told_to_stop(shop: PostgresServer) -> None:
    """A function may give itself more time; then we do not wait for it."""
    shop.run(
        "create function sly() returns int language plpgsql set statement_timeout = 0 as "
        "$$ begin perform pg_sleep(3600); return 1; end $$"
    )
    async with asking(shop.reader, seconds=1.0) as here:
        result = await here.query("select sly()")
        assert (result.ok, result.retry) == (False, True)
        shop.waits_for(running=0)
        assert await here.rows("select 1") == [[1]]


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("sql", ENDLESS)
async def test_a_query_that_nobody_waits_for_stops_on_the_server(
    shop: PostgresServer, sql: str, older: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if older:
        # As with the libpq of an older system, which can only cancel in ways that block.
        monkeypatch.setattr(psycopg.capabilities, "has_cancel_safe", lambda: False)
    async with asking(shop.reader, seconds=60.0, at_once=1) as here:
        async with anyio.create_task_group() as group:
            group.start_soon(here.query, sql)
            await anyio.to_thread.run_sync(lambda: shop.waits_for(running=1))
            group.cancel_scope.cancel()
        shop.waits_for(running=0)
        assert await here.rows("select 1") == [[1]]


async def test_rows_that_nobody_reads_on_are_left(shop: PostgresServer) -> None:
    box = list(sql_tools(shop.reader, limits=SqlLimits(tell_every_s=0.0)))
    async with Resources() as resources:
        chunks = named(box, "sql_query").call({"sql": f"{NUMBERS} select x from n"}, AloneContext(resources=resources))
        assert isinstance(await anext(chunks), Progress)
        await chunks.aclose()  # type: ignore[attr-defined]
        idle = shop.rows("select state, query from pg_stat_activity where application_name = 'duologue'")
        assert [state for state, _ in idle] == ["idle"]


async def test_calls_that_are_left_at_any_moment_leave_no_connection(shop: PostgresServer) -> None:
    async with asking(shop.reader, at_once=2) as here:
        for microseconds in range(0, 6_000, 150):
            with anyio.move_on_after(microseconds / 1e6):
                await here.query("select * from customers")
        assert await here.rows("select count(*) from customers") == [[2]]
        assert shop.connections() <= 2
    shop.waits_for_nobody()


async def test_no_more_connections_than_said_and_each_used_again(shop: PostgresServer) -> None:
    async with asking(shop.reader, at_once=2) as here:
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(here.query, "select pg_sleep(0.02)")
        assert shop.connections() == 2
    shop.waits_for_nobody()


async def test_a_server_that_dies_is_told_and_one_that_is_back_is_asked(shop: PostgresServer) -> None:
    async with asking(shop.reader, seconds=20.0) as here:
        assert await here.rows("select 1") == [[1]]
        async with anyio.create_task_group() as group:

            async def in_the_middle() -> None:
                cut = await here.query("select pg_sleep(60)")
                assert (cut.ok, cut.retry) == (False, False)
                assert cut.text.startswith("the PostgreSQL database shop at 127.0.0.1 cannot be asked just now.")

            group.start_soon(in_the_middle)
            await anyio.to_thread.run_sync(lambda: shop.waits_for(running=1))
            shop.kill()
        away = await here.query("select 1")
        assert (away.ok, away.retry) == (False, False)
        assert "refused" in away.text
        await anyio.to_thread.run_sync(shop.start)
        assert await here.rows("select count(*) from customers") == [[2]]
        # Connections that were kept, and are dead since the server was started anew, are not noticed by whoever asks.
        shop.kill()
        await anyio.to_thread.run_sync(shop.start)
        assert await here.rows("select count(*) from customers") == [[2]]


async def test_a_server_that_hangs_holds_nobody_up_for_long(shop: PostgresServer) -> None:
    async with asking(shop.reader, seconds=1.5, at_once=1) as here:
        assert await here.rows("select 1") == [[1]]
        with shop.hanging():
            started = anyio.current_time()
            for _ in range(2):
                # The first finds a connection that is dead without knowing, the second none.
                away = await here.query("select 1")
                assert not away.ok
            assert anyio.current_time() - started < 15.0
        shop.waits_for(running=0)
        assert await here.rows("select 1") == [[1]]
        with ExitStack() as meanwhile:
            async with anyio.create_task_group() as group:
                group.start_soon(here.query, "select pg_sleep(60)")
                await anyio.to_thread.run_sync(lambda: shop.waits_for(running=1))
                meanwhile.enter_context(shop.hanging())
                started = anyio.current_time()
                group.cancel_scope.cancel()
            assert anyio.current_time() - started < 10.0


async def test_the_password_is_told_nowhere(
    shop: PostgresServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SHOP_PASSWORD", "wrong secret")
    url = shop.reader.replace("read%20only", "${SHOP_PASSWORD}")
    said = [repr(sql_tools(url)), repr(list(sql_tools(shop.reader)))]
    async with asking(url) as here:
        refused = await here.query("select 1")
        assert (refused.ok, refused.retry) == (False, False)
        assert "password authentication failed" in refused.text
        said.append(refused.text)
        monkeypatch.setenv("SHOP_PASSWORD", "read only\n")
        assert await here.rows("select 1") == [[1]]
        said.append((await here.query("select 'read only'::int")).text)
        monkeypatch.delenv("SHOP_PASSWORD")
    async with asking(url) as here:
        missing = await here.query("select 1")
        assert missing.text == (
            "the PostgreSQL database shop at 127.0.0.1 cannot be asked.\n"
            "SHOP_PASSWORD is not set, and its password needs it.\n"
            "Whoever runs this has to set it in the environment of the worker, and start it again."
        )
    for text in [*said, caplog.text]:
        assert "wrong secret" not in text
        assert "read only" not in text.replace("***", "")
        assert "read%20only" not in text


async def test_nobody_there_and_nobody_answering(unused_port: int) -> None:
    async with asking(f"postgresql://reader:x@127.0.0.1:{unused_port}/shop", seconds=1.0) as here:
        assert "cannot be asked just now" in (await here.query("select 1")).text
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with asking(f"postgresql://reader:x@127.0.0.1:{port}/shop", seconds=0.5) as here:
            assert "does not answer" in (await here.query("select 1")).text


async def test_it_keeps_the_contract_of_a_tool(shop: PostgresServer) -> None:
    box = sql_tools(shop.reader)
    results = await check_toolbox(box, {"sql_query": {"sql": "select 1"}, "sql_tables": {}})
    assert all(result.untrusted for result in results.values())


async def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> object:
        raise ImportError("No module named 'psycopg'")

    monkeypatch.setattr("tools.sql._postgres", missing)
    async with asking("postgresql://reader@127.0.0.1/shop") as here:
        result = await here.query("select 1")
        assert result.text == (
            "PostgreSQL cannot be asked here yet.\n"
            "What speaks with it is missing: No module named 'psycopg'.\n"
            "Install it: pip install 'duologue[postgres]'."
        )


def test_the_server_of_the_tests_refuses_a_wrong_password(shop: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(shop.reader.replace("only", "write"))
