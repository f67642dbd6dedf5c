"""`duologue tools`: the tools of a person, listed, described, and called without a model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from orchestrator.cli.tool_call import arguments_of
from orchestrator.errors import UsageError
from orchestrator.tool_port import ToolInfo
from tests.cli.conftest import Duologue, Start

SHOP = '''
from typing import Annotated

import anyio
from pydantic import Field

from orchestrator import Toolbox, ToolContext, ToolFailed, tool

box = Toolbox("shop", prefix="shop_")


@box.tool(needs_approval=True, idempotent=False)
async def order(number: Annotated[int, Field(ge=1)], note: str | None = None):
    """Order an article. It comes tomorrow.

    Args:
        number: Which.
        note: A word.
    """
    yield "asking the store"
    yield {"ordered": number, "note": note}


@tool
def hello(name: str) -> str:
    """Say hello."""
    return f"hello {name}"


@tool
async def broken() -> str:
    """Does not work."""
    raise ToolFailed("the store is closed")


@tool
async def which(ctx: ToolContext) -> str:
    """Ask."""
    return f"you said {await ctx.ask('Which one?')}"


@tool(timeout=None)
async def endless():
    """Never ends."""
    yield "begun"
    try:
        await anyio.sleep_forever()
    finally:
        print("ended in order", flush=True)
    yield ""
'''


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A file with tools, where the command is run."""
    file = tmp_path / "shop.py"
    file.write_text(SHOP)
    return file


def test_the_list_names_what_is_used_and_from_where(duologue: Duologue, shop: Path) -> None:
    listed = duologue("tools", "list", "--tools", "shop.py")
    assert listed.returncode == 0
    lines = listed.stdout.splitlines()
    assert lines[0].split() == ["NAME", "WHAT", "IT", "DOES", "FROM"]
    (order,) = (line for line in lines if line.startswith("shop_order"))
    assert order.split("  ")[0] == "shop_order"
    assert "Order an article" in order
    assert "asks first, changes things" in order
    assert order.endswith("shop.py")
    assert any(line.startswith("calculate") and line.endswith("bundled") for line in lines)


def test_the_list_as_json_without_ours(duologue: Duologue, shop: Path) -> None:
    told = json.loads(duologue("tools", "list", "--tools", "shop.py:box", "--no-bundled", "--json").stdout)
    assert told["tools"] == [
        {
            "name": "shop_order",
            "description": "Order an article. It comes tomorrow.",
            "where": "shop.py:box",
            "asks": True,
            "changes": True,
            "timeout": 30.0,
        }
    ]
    assert told["problems"] == []


def test_a_tool_that_another_one_hides_is_told(duologue: Duologue, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from orchestrator import tool\n@tool\ndef calculate() -> str:\n    return 'x'\n")
    assert "! calculate of mine.py is not used: bundled has that name too" in (
        duologue("tools", "list", "--tools", "mine.py").stdout
    )
    checks = json.loads(duologue("doctor", "--tools", "mine.py", "--json").stdout)["checks"]
    (told,) = (check for check in checks if check["name"] == "tools")
    assert told["state"] == "warn"
    assert "calculate of mine.py" in told["found"]


def test_where_they_are_can_stand_in_the_file_and_in_the_environment(
    duologue: Duologue, shop: Path, tmp_path: Path
) -> None:
    assert "hello bob" in duologue("tools", "call", "hello", "bob", DUOLOGUE_TOOLS="shop.py").stdout
    (tmp_path / "duologue.toml").write_text('tools = ["shop.py:hello"]\nbundled = false\n')
    assert duologue("tools", "list").stdout.split()[-2:] == ["hello", "shop.py:hello"]


def test_the_schema_is_what_models_are_told(duologue: Duologue, shop: Path) -> None:
    told = json.loads(duologue("tools", "schema", "--tools", "shop.py", "shop_order").stdout)
    assert told["name"] == "shop_order"
    assert told["parameters"]["required"] == ["number"]
    assert told["parameters"]["properties"]["number"] == {"type": "integer", "minimum": 1, "description": "Which."}
    every = json.loads(duologue("tools", "schema", "--tools", "shop.py", "--no-bundled").stdout)
    assert [each["name"] for each in every] == ["shop_order", "hello", "broken", "which", "endless"]


def test_a_call_shows_progress_beside_the_result(duologue: Duologue, shop: Path) -> None:
    done = duologue("tools", "call", "--tools", "shop.py", "shop_order", "number=5", "note=12", "--yes")
    assert (done.returncode, done.stdout) == (0, '{"ordered": 5, "note": "12"}\n')
    assert done.stderr.splitlines() == [
        "? May I run shop order with number 5, note 12?",
        "> yes",
        "... asking the store",
    ]


def test_a_call_as_json(duologue: Duologue, shop: Path) -> None:
    done = duologue("tools", "call", "--tools", "shop.py", "shop_order", "--args", "-", "--yes", "--json",
                    piped='{"number": 7}')  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [next(iter(line)) for line in lines] == ["question", "answer", "progress", "result"]
    assert lines[-1]["result"]["data"] == {"ordered": 7, "note": None}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["hello"], 2, "name: is missing"),
        (["hello", "--args", "[]"], 2, "--args is no JSON object"),
        (["hello", "--args", "{"], 2, "--args is no JSON"),
        (["helo", "bob"], 2, "did you mean 'hello'?"),
        (["broken"], 1, "the store is closed"),
        (["shop_order", "5"], 1, "--yes gives it"),
        (["shop_order", "number=5", "numbr=6", "--yes"], 2, "numbr"),
    ],
)
def test_what_does_not_work_ends_with_its_own_code(
    duologue: Duologue, shop: Path, arguments: list[str], code: int, says: str
) -> None:
    done = duologue("tools", "call", "--tools", "shop.py", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stdout == ""


def test_wherever_tools_can_be_named_a_mistake_is_told_before_anything_starts(duologue: Duologue) -> None:
    for command in (["chat"], ["worker", "--redis", "redis://localhost:1"], ["tools", "list"]):
        done = duologue(*command, "--tools", "nowhere.py")
        assert done.returncode == 2
        assert done.stderr.startswith("there is no file 'nowhere.py'\n")
    checks = json.loads(duologue("doctor", "--tools", "nowhere.py", "--json").stdout)["checks"]
    assert [check["state"] for check in checks if check["name"] == "tools"] == ["fail"]


def test_a_person_at_a_terminal_is_asked(environment: dict[str, str], shop: Path) -> None:
    def call(name: str, *more: str) -> pexpect.spawn[str]:
        command = ["-m", "orchestrator.cli", "tools", "call", "--tools", "shop.py", name, *more]
        return pexpect.spawn(sys.executable, command, cwd=shop.parent, env=environment, encoding="utf-8", timeout=30)

    terminal = call("shop_order", "5")
    terminal.expect_exact("May I run shop order with number 5?")
    terminal.sendline("hm, what does it cost")
    terminal.expect_exact("?")
    terminal.sendline("go ahead")
    terminal.expect_exact('{"ordered": 5')
    terminal.expect(pexpect.EOF)
    terminal = call("which")
    terminal.expect_exact("Which one?")
    terminal.sendline("the red one")
    terminal.expect_exact("you said the red one")
    terminal.expect(pexpect.EOF)


def test_ctrl_c_ends_the_tool_in_order(start: Start, shop: Path) -> None:
    program = start("-m", "orchestrator.cli", "tools", "call", "--tools", "shop.py", "endless")
    assert program.stdout is not None
    assert program.stdout.readline() == "... begun\n"
    program.send_signal(signal.SIGINT)
    assert program.stdout.read().strip() == "ended in order"
    assert program.wait(timeout=30) == 130


@pytest.mark.parametrize(
    ("pairs", "given", "arguments"),
    [
        (["number=5"], None, {"number": 5}),
        (["5"], None, {"number": 5}),
        (["number=5", "note=5"], None, {"number": 5, "note": "5"}),
        (["number=5", "tags=[1, 2]"], None, {"number": 5, "tags": [1, 2]}),
        (["number=five"], None, {"number": "five"}),
        (["6"], '{"note": "x"}', {"note": "x", "number": 6}),
        (["number=6"], '{"number": 5}', {"number": 6}),
        (["a=b=c"], None, {"number": "a=b=c"}),
    ],
)
def test_arguments_are_read_as_the_schema_wants_them(
    pairs: list[str], given: str | None, arguments: dict[str, object]
) -> None:
    info = ToolInfo(
        "order",
        "Order.",
        {
            "type": "object",
            "properties": {
                "number": {"type": "integer"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "tags": {"type": "array"},
            },
            "required": ["number"],
        },
    )
    assert arguments_of(info, pairs, given) == arguments


def test_a_value_alone_is_refused_where_it_could_be_several() -> None:
    info = ToolInfo("between", "Between.", {"properties": {"start": {}, "end": {}}, "required": ["start", "end"]})
    with pytest.raises(UsageError, match="it takes start, end"):
        arguments_of(info, ["Ulm"], None)


def test_the_help_imports_nothing_heavy(environment: dict[str, str]) -> None:
    code = "import sys, orchestrator.cli.commands; print('anyio' in sys.modules, 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "False False\n"
