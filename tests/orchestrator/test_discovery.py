"""Tools are found where a person says they are, and what is wrong there is said with its place."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.discovery import found_at, installed, tools_from
from orchestrator.equipment import sorted_out
from orchestrator.errors import ConfigError, ToolDefinitionError

Write = Callable[..., Path]

SHOP = '''
from pathlib import Path

from orchestrator import Toolbox, resource, tool

HERE = Path(__file__)
box = Toolbox("shop", prefix="shop_")


@resource
async def database():
    yield "open"


@box.tool
def order(number: int) -> str:
    """Order."""
    return str(number)


@tool
def hours() -> str:
    """When it is open."""
    return "nine to five"


def plain(word: str) -> str:
    """A plain function."""
    return word


class Thing:
    """No tool."""


several = [hours, plain]
'''


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write files in a folder that is the current one; what they bring into the interpreter goes again."""
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)

    def write(text: str, name: str = "shop_of_ours.py") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    yield write
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def names(spec: str) -> list[str]:
    return [tool.info.name for tool in sorted_out(tools_from(spec))[0]]


@pytest.mark.parametrize(
    ("spec", "tools"),
    [
        ("shop_of_ours.py", ["shop_order", "hours"]),
        ("shop_of_ours", ["shop_order", "hours"]),
        ("./shop_of_ours.py:box", ["shop_order"]),
        ("shop_of_ours:hours", ["hours"]),
        ("shop_of_ours:order", ["order"]),
        ("shop_of_ours:several", ["hours", "plain"]),
        ("shop_of_ours.py:plain", ["plain"]),
    ],
)
def test_by_file_and_by_module(write: Write, spec: str, tools: list[str]) -> None:
    write(SHOP)
    assert names(spec) == tools
    assert names(spec) == tools, "a second time, with the module there"


def test_only_what_the_module_says_it_offers(write: Write) -> None:
    write(f'{SHOP}\n__all__ = ["hours", "plain"]\n')
    assert names("shop_of_ours.py") == ["hours"]


def test_a_package_and_its_parts(write: Write) -> None:
    write("", "our_team/__init__.py")
    write(SHOP, "our_team/shop.py")
    write("from our_team.shop import hours\n", "our_team/desk.py")
    found = found_at("our_team.desk")
    assert [Path(file).name for file in found.files] == ["desk.py", "__init__.py", "shop.py"]
    assert names("our_team.desk") == ["hours"]


def test_a_file_with_neighbours(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("PRICE = 4\n", "elsewhere/our_prices.py")
    lines = "import our_prices", "from orchestrator import tool", "@tool", "def price() -> int:", "    return 4", ""
    write("\n".join(lines), "elsewhere/our_tools.py")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert [path.name for path in found_at("our_tools.py").files] == ["our_tools.py", "our_prices.py"]
    assert names("our_tools.py") == ["price"]


@pytest.mark.parametrize("name", ["tools.py", "calendar.py", "my-tools.py"])
def test_a_file_named_as_a_module_that_is_something_else(write: Write, name: str) -> None:
    write(SHOP, name)
    assert names(name) == ["shop_order", "hours"]
    import calendar

    import tools.bundled

    assert calendar.isleap(2028)
    assert tools.bundled.bundled()


def test_by_what_a_package_offers(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(SHOP, "site/their_shop.py")
    offered = "[duologue.tools]\nshop = their_shop:box\nall = their_shop\n"
    write(offered, "site/their_shop-1.2.dist-info/entry_points.txt")
    write("Metadata-Version: 2.1\nName: their-shop\nVersion: 1.2\n", "site/their_shop-1.2.dist-info/METADATA")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert installed() == {"all": "their-shop 1.2", "shop": "their-shop 1.2"}
    assert names("shop") == ["shop_order"]
    assert names("all") == ["shop_order", "hours"]


def test_an_empty_box_is_no_box_of_tools(write: Write) -> None:
    write("from orchestrator import Toolbox\n\nbox = Toolbox('shop')\n")
    with pytest.raises(ConfigError, match="there are no tools in 'shop_of_ours:box'"):
        tools_from("shop_of_ours:box")


@pytest.mark.parametrize(
    ("spec", "what", "why"),
    [
        ("nowhere.py", "there is no file 'nowhere.py'", "looked for it in"),
        ("shop_of_our", "there are no tools called 'shop_of_our'", "did you mean 'shop_of_ours'?"),
        ("shop_of_ours:bx", "has no 'bx'", "did you mean 'box'?"),
        ("shop_of_ours:Thing", "there are no tools in", "Thing is a class"),
        ("shop_of_ours:HERE", "there are no tools in", "Path is neither a tool"),
        ("shop_of_ours:", "names no tools", "MODULE:NAME"),
        ("", "names no tools", "MODULE:NAME"),
    ],
)
def test_what_is_not_there(write: Write, spec: str, what: str, why: str) -> None:
    write(SHOP)
    with pytest.raises(ConfigError) as raised:
        tools_from(spec)
    assert what in raised.value.what
    assert why in raised.value.why
    assert raised.value.todo


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def plain(): ...\n", "at its top there are plain, none a tool"),
        ("x = 1 +\n", "SyntaxError: invalid syntax"),
        ("x = 1\ny = x / 0\n", "shop_of_ours.py:2)"),
        ("import what_is_not_installed\n", "No module named 'what_is_not_installed'"),
        ("import sys\nsys.exit(3)\n", "it calls exit with 3"),
        ("def f():\n    raise ValueError\nf()\n", "shop_of_ours.py:2)"),
    ],
)
def test_what_cannot_be_imported_is_said_with_its_place(write: Write, text: str, says: str) -> None:
    write(text)
    for spec in ("shop_of_ours.py", "shop_of_ours"):
        with pytest.raises(ConfigError) as raised:
            tools_from(spec)
        assert says in raised.value.why
        assert "shop_of_ours" not in sys.modules


def test_what_cannot_be_a_tool_is_told_as_everywhere(write: Write) -> None:
    write("from orchestrator import tool\n@tool\ndef bad(word) -> str:\n    'Bad.'\n    return word\n")
    with pytest.raises(ToolDefinitionError, match=r"shop_of_ours\.py:"):
        tools_from("shop_of_ours.py")


def test_a_program_that_runs_its_assistant_when_imported_says_so(write: Write) -> None:
    write(f"{SHOP}\nfrom orchestrator import Assistant\nAssistant(tools=[hours]).run()\n")
    with pytest.raises(ConfigError) as raised:
        tools_from("shop_of_ours.py")
    assert "__main__" in raised.value.todo


def test_anew(write: Write) -> None:
    file = write("from our_words import WORD\nfrom orchestrator import tool\n@tool\ndef a() -> str:\n    return WORD\n")
    words = write("WORD = 'one'\n", "our_words.py")
    first = found_at("shop_of_ours.py")
    before = dict(sys.modules)
    file.write_text(file.read_text().replace("def a(", "def b("))
    words.write_text("WORD = 'two'\n")  # as long as before, and perhaps within the same second
    second = found_at("shop_of_ours.py", again=first.modules)
    (tool,) = sorted_out(second.tools)[0]
    assert tool.info.name == "b"
    assert sys.modules["our_words"].WORD == "two"
    file.write_text("oh no")
    kept = sys.modules["shop_of_ours"]
    with pytest.raises(ConfigError):
        found_at("shop_of_ours.py", again=second.modules)
    assert sys.modules["shop_of_ours"] is kept, "what cannot be read leaves what was there"
    assert isinstance(before["shop_of_ours"], types.ModuleType)
