"""SQLite files, read and never written, whatever a query tries."""

from __future__ import annotations

import hashlib
import sqlite3
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from orchestrator.ports import Progress, Result
from orchestrator.testing import check_toolbox
from tests.tools.asking_sql import asking
from tools.sql import sql_tools

pytestmark = pytest.mark.anyio

ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) "


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A shop with two customers."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "create table customers (id integer primary key, name text not null);"
            "create table orders (id integer primary key, customer int references customers (id), price real);"
            "create view dear as select * from orders where price > 5;"
            "create virtual table notes using fts5 (body);"
            "create trigger counted after insert on orders begin select 1; end;"
            "insert into customers values (1, 'Ann'), (2, 'Bob'); insert into orders values (1, 1, 9.5), (2, 2, 1.5);"
            "insert into notes values ('the parcel is late');"
        )
    return path


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def fingerprint(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


async def test_rows_come_with_their_columns_and_are_of_strangers(file: Path) -> None:
    async with asking(url(file)) as shop:
        result = await shop.query("select id, name from customers order by id")
        assert result.text == '2 rows. Columns: ["id", "name"]\n[1, "Ann"]\n[2, "Bob"]'
        assert result.data == {"columns": ["id", "name"], "rows": [[1, "Ann"], [2, "Bob"]], "whole": True, "cut": ""}
        assert result.untrusted
        assert (await shop.query("select 1 where 0")).text == 'No rows. Columns: ["1"]'
    async with asking(url(file), untrusted=False) as shop:
        assert not (await shop.query("select 1")).untrusted


async def test_tables_are_told_with_types_keys_and_what_leads_where(file: Path) -> None:
    async with asking(url(file)) as shop:
        assert (await shop.tables()).text == (
            "4 tables:\n"
            "customers (table): id INTEGER primary key, name TEXT not null\n"
            "notes (virtual): body\n"
            "orders (table): id INTEGER primary key, customer INT -> customers(id), price REAL\n"
            "dear (view): id INTEGER, customer INT, price REAL"
        )
        assert (await shop.tables("ORD")).text.startswith("1 table:\norders")
        assert "no table called 'x'" in (await shop.tables("x")).text


async def test_a_view_of_what_is_gone_does_not_hide_the_tables(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("create table gone (a); create view broken as select a from gone; drop table gone;")
    async with asking(url(file)) as shop:
        said = (await shop.tables()).text
        assert "customers (table)" in said
        assert said.endswith("broken (view: its columns cannot be told)\ndear (view: its columns cannot be told)")


@pytest.mark.parametrize(
    "sql",
    [
        "delete from customers",
        "insert into customers values (3, 'Eve')",
        "insert into customers values (3, 'Eve') returning id",
        "update customers set name = 'x'",
        "replace into customers values (1, 'x')",
        "with x as (select 1) delete from customers",
        "with x as (select 1) insert into customers select 3, 'x' from x returning *",
        "/* select */ drop table customers",
        "-- select\ndelete from customers",
        "select 1; delete from customers",
        "select 1;;delete from customers;--",
        "create table t (a)",
        "create temp table t (a)",
        "create table t as select * from customers",
        "alter table customers rename to c",
        "pragma query_only = off",
        "pragma writable_schema = on",
        "pragma journal_mode = delete",
        "select * from pragma_journal_mode",
        "pragma user_version = 7",
        "attach ':memory:' as other",
        "attach database '{folder}/new.db' as other",
        "detach main",
        "vacuum",
        "vacuum into '{folder}/copy.db'",
        "reindex",
        "analyze",
        "begin immediate",
        "savepoint x",
        "commit",
        "select load_extension('x')",
        "select writefile('{folder}/x', 'y')",
        "select readfile('/etc/passwd')",
        "select fts3_tokenizer('x', x'00')",
        "insert into notes (notes) values ('optimize')",
        "update sqlite_master set sql = 'x'",
        "explain delete from customers",
        "dеlete from customers",  # noqa: RUF001 (a letter of another alphabet)
    ],
)
async def test_nothing_is_written_in_any_dress(file: Path, sql: str) -> None:
    before = fingerprint(file.parent)
    async with asking(url(file)) as shop:
        result = await shop.query(sql.replace("{folder}", str(file.parent)))
        assert (result.ok, result.retry) == (False, True), result.text
        assert await shop.rows("select count(*) from customers") == [[2]]
    assert fingerprint(file.parent) == before


def lets_all_pass(*asked: object) -> int:
    return sqlite3.SQLITE_OK


@pytest.mark.parametrize("sql", ["delete from customers returning id", "create table t (a)", "drop table customers"])
async def test_the_file_itself_is_not_for_writing(file: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the authorizer let everything pass, `mode=ro` and `query_only` would still hold."""
    monkeypatch.setattr("tools.sql_sqlite._authorize", lets_all_pass)
    async with asking(url(file)) as shop:
        result = await shop.query(sql)
        assert (result.ok, result.retry) == (False, True)
        assert "attempt to write a readonly database" in result.text or "It brings no rows" in result.text
        assert await shop.rows("select count(*) from customers") == [[2]]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select name from customers order by id limit 1;", [["Ann"]]),
        ("select 'a;b' -- done;", [["a;b"]]),
        ("/* first */ select 1", [[1]]),
        ("values (1, 'x')", [[1, "x"]]),
        ("with n (x) as (select 2) select x from n", [[2]]),
        ("select body from notes where notes match 'parcel'", [["the parcel is late"]]),
        ("select name from pragma_table_info('customers')", [["id"], ["name"]]),
        ("select id from dear", [[1]]),
        ("select 9223372036854775807, 1e999, -1e999, null, x'00ff'", [[2**63 - 1, "inf", "-inf", None, "\\x00ff"]]),
        ("select cast(x'ff41' as text)", [["\ufffdA"]]),
        ("select zeroblob(100)", [["\\x" + "00" * 32 + "... (100 bytes)"]]),
    ],
)
async def test_reading_is_answered(file: Path, sql: str, rows: object) -> None:
    async with asking(url(file)) as shop:
        assert await shop.rows(sql) == rows


async def test_parameters_by_place_and_by_name(file: Path) -> None:
    async with asking(url(file)) as shop:
        assert await shop.rows("select id from customers where name = ?", ["Bob"]) == [[2]]
        assert await shop.rows("select id from customers where name = :who", {"who": "Bob"}) == [[2]]
        hurt = "x' or 1=1; delete from customers --"
        assert await shop.rows("select id from customers where name = ?", [hurt]) == []
        for wrong in ([], ["a", "b"], [2**70], [{"a": 1}], ["\ud800"]):
            result = await shop.query("select ?", wrong)
            assert (result.ok, result.retry) == (False, True), wrong


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select nam from customers", "no such column: nam"),
        ("selec 1", 'near "selec": syntax error'),
        ("", "It is empty"),
        ("-- nothing", "It is empty"),
        ("select 1 \u200b", "nobody can see"),
        ("select '\u202e'", "nobody can see"),
        ("select 1\0", "nobody can see"),
        (f"select '{'x' * 20_000}'", "too long"),
    ],
)
async def test_what_is_wrong_is_said_so_that_it_can_be_mended(file: Path, sql: str, said: str) -> None:
    async with asking(url(file)) as shop:
        result = await shop.query(sql)
        assert (result.ok, result.retry, result.untrusted) == (False, True, False)
        assert said in result.text


async def test_words_of_a_row_are_not_passed_on_as_ours(file: Path) -> None:
    async with asking(url(file)) as shop:
        result = await shop.query("select json_extract(name, '$.x') from customers")
        assert (result.ok, result.retry, result.untrusted) == (False, True, True)


async def test_many_rows_long_values_and_long_answers_are_cut_and_said_to_be(file: Path) -> None:
    numbers = ENDLESS + "select x from n"
    async with asking(url(file), rows=7) as shop:
        result = await shop.query(numbers)
        assert result.text.startswith("7 of more than 7 rows. ")
        assert len(result.data["rows"]) == 7
        assert not result.data["whole"]
        assert (await shop.query(f"{numbers} limit 7")).text.startswith("7 rows. ")
    async with asking(url(file), cell_chars=10) as shop:
        result = await shop.query("select 'short', hex(zeroblob(1000000))")
        assert result.data["rows"] == [["short", "0000000000..."]]
        assert result.text.startswith("1 row; 1 value is cut at 10 characters.")
    async with asking(url(file), total_chars=100) as shop:
        result = await shop.query(f"{ENDLESS} select x, 'twenty characters...' from n limit 50")
        assert result.text.startswith("3 of more than 3 rows, since they are long.")
    async with asking(url(file)) as shop:
        huge = await shop.query("select zeroblob(1000000000)")
        assert (huge.ok, huge.retry) == (False, True)
        assert "too big" in huge.text
        wide = await shop.query(f"select {', '.join(['zeroblob(5000000)'] * 300)}")
        assert (wide.ok, wide.retry) == (False, True)
        assert "too many columns" in wide.text


async def test_what_is_fetched_at_once_is_bounded(file: Path) -> None:
    """A hundred rows of five megabytes are not held side by side."""
    tracemalloc.start()
    try:
        async with asking(url(file), rows=100) as shop:
            result = await shop.query(f"{ENDLESS} select hex(zeroblob(2000000)) from n limit 100")
        assert len(result.data["rows"]) == 49  # more would be over the bound of all characters
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


async def test_a_wide_table_and_long_values_that_are_not_asked_for_do_no_harm(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"create table wide ({', '.join(f'c{n}' for n in range(400))})")
        connection.execute("insert into wide (c0, c1) values (1, zeroblob(6000000))")
        connection.commit()
    async with asking(url(file)) as shop:
        assert await shop.rows("select c0, length(c1) from wide") == [[1, 6_000_000]]
        assert "too many columns" in (await shop.query("select * from wide")).text
        assert "too big" in (await shop.query("select c1 from wide")).text
        assert await shop.rows("select count(*) from customers") == [[2]]


async def test_rows_are_told_as_they_come(file: Path) -> None:
    async with asking(url(file), rows=250, tell_every_s=0.0) as shop:
        *told, last = await shop.steps(f"{ENDLESS} select x from n")
        assert [step.text for step in told] == [
            "100 rows so far, the last: [100]",
            "200 rows so far, the last: [200]",
        ]
        assert all(isinstance(step, Progress) for step in told)
        assert isinstance(last, Result)


@pytest.mark.parametrize(
    "sql",
    [
        f"{ENDLESS} select count(*) from n",
        f"{ENDLESS} select x from n where x < 0",
        f"{ENDLESS} select max(x) over (order by -x) from n",
        "select count(*) from customers a, customers b, (select 1 from sqlite_master) "
        + "".join(f", pragma_table_info('orders') p{place}" for place in range(18)),
    ],
)
async def test_an_endless_query_ends_with_its_time(file: Path, sql: str) -> None:
    async with asking(url(file), seconds=0.3) as shop:
        started = anyio.current_time()
        result = await shop.query(sql)
        assert (result.ok, result.retry) == (False, True)
        assert "took more than 0.3 seconds" in result.text
        assert anyio.current_time() - started < 2.0
        assert await shop.rows("select 1") == [[1]]


async def test_what_had_come_by_then_is_not_lost(file: Path) -> None:
    slow = f"{ENDLESS} select x from n where x <= 150 or x < 0"
    async with asking(url(file), seconds=0.5) as shop:
        result = await shop.query(slow)
        assert result.ok
        assert result.text.startswith("the first 100 rows only, since the query was stopped after 0.5 seconds.")


async def test_a_query_that_nobody_waits_for_stops(file: Path) -> None:
    """Its connection is closed behind it, and that waits for its thread."""
    async with asking(url(file), seconds=30.0, at_once=1) as shop:
        started = time.monotonic()
        for _ in range(4):
            with anyio.move_on_after(0.1):
                await shop.query(f"{ENDLESS} select count(*) from n")
        assert await shop.rows("select 1") == [[1]]
        assert time.monotonic() - started < 4.0


async def test_a_file_that_is_missing_broken_or_locked_is_told_and_may_come_back(file: Path, tmp_path: Path) -> None:
    other, whole = tmp_path / "other.db", file.read_bytes()  # noqa: ASYNC240 (a test may prepare its files)
    async with asking(url(other), seconds=3.0) as shop:
        missing = await shop.query("select 1")
        assert (missing.ok, missing.retry) == (False, False)
        assert missing.text.startswith("the SQLite file other.db cannot be read.\nSQLite says: unable to open")
        assert str(tmp_path) not in missing.text
        other.write_bytes(b"this is no database" * 100)
        assert "is not a database" in (await shop.query("select 1")).text
        other.write_bytes(whole)
        assert await shop.rows("select count(*) from customers") == [[2]]
        with closing(sqlite3.connect(other, isolation_level=None)) as writer:
            writer.execute("begin exclusive")
            assert "locked" in (await shop.query("select * from customers")).text
            writer.execute("rollback")
        assert await shop.rows("select count(*) from customers") == [[2]]


async def test_a_path_with_odd_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a b?mode=rwc#é%41.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (a)")
    monkeypatch.setenv("ODD_PATH", str(path))
    async with asking("sqlite:///${ODD_PATH}") as shop:
        assert "t (table): a" in (await shop.tables()).text


async def test_it_keeps_the_contract_of_a_tool(file: Path) -> None:
    box = sql_tools(url(file))
    results = await check_toolbox(box, {"sql_query": {"sql": "select 1"}, "sql_tables": {}})
    assert all(result.untrusted for result in results.values())
    assert not any(tool.info.limits.effects for tool in box)
