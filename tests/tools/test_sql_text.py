"""Addresses of databases, and the text of queries: what is known of them without a database."""

from __future__ import annotations

import pytest

from orchestrator.errors import ConfigError, ToolFailed, ToolRetry
from tools.from_environment import filled, scrubbed
from tools.sql import SqlLimits, sql_tools
from tools.sql_rows import Gathered, cell
from tools.sql_text import numbered, one_statement
from tools.sql_url import parse_database_url


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///shop.db", "shop.db"),
        ("sqlite:////var/lib/shop.db", "/var/lib/shop.db"),
        ("SQLite:///a%20b.db", "a b.db"),
        ("sqlite:///../shop.db", "../shop.db"),
    ],
)
def test_files(url: str, path: str) -> None:
    assert parse_database_url(url).file() == path


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql://db/shop", {"host": "db", "dbname": "shop"}),
        (
            "postgres://reader:p%40ss@db.intern:5433/shop?sslmode=verify-full",
            {
                "host": "db.intern",
                "port": "5433",
                "user": "reader",
                "password": "p@ss",
                "dbname": "shop",
                "sslmode": "verify-full",
            },
        ),
        ("postgresql+psycopg://[::1]/shop", {"host": "::1", "dbname": "shop"}),
        ("postgresql:///shop?host=/var/run/postgresql", {"dbname": "shop", "host": "/var/run/postgresql"}),
        ("postgresql:///?service=shop&options=", {"service": "shop", "options": ""}),
        (
            "postgresql://r:${THE_WORD}@${THE_HOST}:5/x",
            {"user": "r", "password": "a@b:c/%41", "host": "Db", "port": "5", "dbname": "x"},
        ),
    ],
)
def test_servers(url: str, parts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_WORD", "a@b:c/%41\n")
    monkeypatch.setenv("THE_HOST", "Db")
    assert parse_database_url(url).connection() == parts


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.db",
        "mysql://hidden@db/shop",
        "sqlite://shop.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///shop.db?mode=rwc",
        "sqlite:///a%00b",
        "postgresql:shop",
        "postgresql://hidden:hidden@db:port/shop",
        "postgresql://hidden:hidden@[db/shop",
        "postgresql://reader:hidden#hidden@db/shop",
        "postgresql://a,hidden:5,b:6/shop",
    ],
)
def test_what_is_no_address_is_refused_at_once_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sql_tools(url)
    assert "hidden" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_no_user_and_no_password_is_shown() -> None:
    address = parse_database_url("postgresql://hidden:hidden@db/shop?password=hidden")
    assert f"{address!r} {address} {address.shown}".count("hidden") == 0
    assert address.shown == "the PostgreSQL database shop at db"


def test_limits_that_let_nothing_through_are_refused() -> None:
    with pytest.raises(ConfigError, match="rows=0"):
        sql_tools("sqlite:///x.db", limits=SqlLimits(rows=0))


def test_names_and_what_models_are_told() -> None:
    box = sql_tools("sqlite:///x.db", prefix="shop_", about="orders of the shop", limits=SqlLimits(rows=5))
    query, tables = box
    assert (query.info.name, tables.info.name) == ("shop_query", "shop_tables")
    assert "a database of orders of the shop" in query.info.description
    assert "At most 5 rows" in query.info.description
    assert "`shop_tables`" in query.info.description
    assert set(query.info.schema["properties"]) == {"sql", "params"}
    assert query.info.schema["required"] == ["sql"]


def test_a_variable_that_is_missing_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "x")
    monkeypatch.setenv("EMPTY", " \n")
    assert filled("a ${THERE} b $THERE", what="it", needs="this") == "a x b $THERE"
    with pytest.raises(ToolFailed, match="EMPTY and GONE are not set"):
        filled("${EMPTY}${GONE}${THERE}", what="it", needs="this")


def test_secrets_are_blotted_out_the_longest_first() -> None:
    assert scrubbed("Bearer abcdef and abcd, not abc", "abc", "abcd", "abcdef") == "Bearer *** and ***, not abc"


@pytest.mark.parametrize(
    ("sql", "plain"),
    [
        (" select 1 ; ", "select 1"),
        ("select ';' ; -- end\n;", "select ';'"),
        ("/* a */ select 1 /* b */", "/* a */ select 1"),
        ("select '--x'", "select '--x'"),
        ('select "a;b" ;', 'select "a;b"'),
        ("select $$a;$$;", "select $$a;$$"),
        ("select $x$a; $$ ;$x$;", "select $x$a; $$ ;$x$"),
        ("select E'a\\';' ;", "select E'a\\';'"),
        ("select 1; select 2;", "select 1; select 2"),
        ("select 'open", "select 'open"),
    ],
)
def test_what_stands_around_a_statement_goes(sql: str, plain: str) -> None:
    assert one_statement(sql) == plain


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        ("select :a", {"a": 1}, ("select $1", [1])),
        ("select ':a' || :a || \":a\" -- :a", {"a": 1}, ("select ':a' || $1 || \":a\" -- :a", [1])),
        ("select x::a, y[1:a], :b", {"b": 2}, ("select x::a, y[1:a], $1", [2])),
        ("select $$:a$$, :a, :ab", {"ab": 2, "a": 1}, ("select $$:a$$, $1, $2", [1, 2])),
    ],
)
def test_names_become_numbers(sql: str, params: dict[str, object], expected: tuple[str, list[object]]) -> None:
    assert numbered(sql, params) == expected


def test_a_parameter_that_is_not_named_is_told() -> None:
    with pytest.raises(ToolRetry, match="no :b"):
        numbered("select :a", {"a": 1, "b": 2})


def test_whole_numbers_beyond_64_bits_are_text() -> None:
    assert cell(2**63 - 1, 100) == (2**63 - 1, False)
    assert cell(2**63, 100) == (str(2**63), False)
    assert cell("\ud800", 100) == ("?", False)


def test_the_head_says_what_is_missing() -> None:
    gathered = Gathered(["a"], SqlLimits(rows=2))
    assert gathered.next_most == 3
    assert not gathered.add([[1], [2], [3]])
    assert gathered.result(untrusted=True).text == '2 of more than 2 rows. Columns: ["a"]\n[1]\n[2]'
