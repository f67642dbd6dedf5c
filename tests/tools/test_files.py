"""The files tools on real files: what is found, what is read, and what nobody gets to see."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.finding import Source
from orchestrator.ports import Progress, Result, Tool
from orchestrator.testing.tool_checks import AloneContext, check_tool
from tools.files import FileLimits, files
from tools.folder import Folder
from tools.matching import parse_query, search_text

pytestmark = pytest.mark.anyio


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small project, and a secret beside it."""
    root = tmp_path / "project"
    (root / "docs").mkdir(parents=True)
    (root / "src").mkdir()
    (root / "docs" / "architecture.md").write_text(
        "# Architecture\n\nA finding waits.\n\n## Timing policy\n\n"
        "The timing policy decides when. A moment is\ngood or not.\n"
    )
    (root / "docs" / "DESIGN.md").write_text("fakeredis is not used: its blocking\nreads do not block.\n")
    (root / "src" / "timing.py").write_text(
        "class TimingPolicy:\n    def decide(self) -> None: ...\n\n\ndef drive():\n"
    )
    (root / "src" / "other.py").write_text("# nothing about fakeredis in here\ndriver = 'drives def'\n")
    (root / "README.md").write_text("A project.\n")
    (tmp_path / "secret.txt").write_text("the timing policy of a stranger\n")
    return root


def named(root: Path, name: str, limits: FileLimits | None = None) -> Tool:
    return next(tool for tool in files(root, limits=limits) if tool.info.name == name)


async def chunks(made: Tool, **arguments: Any) -> list[Progress | Result]:
    return [chunk async for chunk in made.call(arguments, AloneContext())]


async def call(made: Tool, **arguments: Any) -> Result:
    last = (await chunks(made, **arguments))[-1]
    assert isinstance(last, Result)
    return last


async def search(root: Path, query: str, **arguments: Any) -> Result:
    return await call(named(root, "search_files"), query=query, **arguments)


def places(result: Result) -> list[str]:
    return [f"{hit['path']}:{hit['line']}" for hit in result.data["hits"]]


# --- search ----------------------------------------------------------------------------------------------------------


async def test_the_best_place_is_said_and_the_others_are_there(tree: Path) -> None:
    result = await search(tree, "the timing policy")
    assert result == Result(
        'Found "timing policy" in 2 places; the best is docs/architecture.md line 5: "Timing policy". '
        "Also: docs/architecture.md line 7.",
        data={
            "hits": [
                {"path": "docs/architecture.md", "line": 5, "text": "## Timing policy"},
                {
                    "path": "docs/architecture.md",
                    "line": 7,
                    "text": "The timing policy decides when. A moment is",
                },
            ],
            "found": 2,
            "exact": True,
            "files": 5,
            "skipped": {},
            "stopped": "",
        },
        sources=(
            Source("docs/architecture.md, line 5", "docs/architecture.md:5"),
            Source("docs/architecture.md, line 7", "docs/architecture.md:7"),
        ),
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("def drive", ["src/timing.py:5"]),  # as a whole word: not "drives def", not "driver"
        ("DEF DRIVE", ["src/timing.py:5"]),
        ("fakered", ["docs/DESIGN.md:1", "src/other.py:1"]),  # within a word, where nobody wrote it alone
        ("where DESIGN says 'fakeredis'", ["docs/DESIGN.md:1", "src/other.py:1"]),
        ("where is drive defined?", ["src/timing.py:5", "src/other.py:2"]),  # no little words, and a plural
        ("moment is good", ["docs/architecture.md:7"]),  # over the end of a line
        ("blocking reads", ["docs/DESIGN.md:1"]),
        ("policy moment", ["docs/architecture.md:7"]),  # close together, in any order
        ("architecture.md", ["docs/architecture.md:0"]),  # the file as such
        ("timing_policy", ["src/timing.py:1", "docs/architecture.md:5", "docs/architecture.md:7"]),  # spelled loosely
        ("readme", ["README.md:0"]),
    ],
)
async def test_queries_find_what_is_meant(tree: Path, query: str, expected: list[str]) -> None:
    assert places(await search(tree, query)) == expected


async def test_loose_spelling_counts_only_where_nobody_wrote_it_so(tree: Path) -> None:
    (tree / "docs" / "architecture.md").unlink()
    result = await search(tree, "the timing policy")
    assert places(result) == ["src/timing.py:1"]
    assert result.text == 'Found "timing policy" in 1 place: src/timing.py line 1: "class TimingPolicy:".'


async def test_words_far_apart_are_said_to_be(tree: Path) -> None:
    (tree / "long.txt").write_text("apples\n" + "\n" * 20 + "pears\n")
    result = await search(tree, "pears apples")
    assert result.text.startswith('Nobody wrote "pears apples" like that, but 1 file has all its words')
    assert not result.data["exact"]
    assert places(result) == ["long.txt:1"]


async def test_only_some_of_the_words_is_said_too(tree: Path) -> None:
    result = await search(tree, "fakeredis unicorn")
    assert result.text.startswith('Found nothing with all the words of "fakeredis unicorn"; the closest is ')
    assert len(result.sources) == 1


async def test_nothing_found_is_an_answer(tree: Path) -> None:
    result = await search(tree, "unicorn")
    assert result.ok
    assert result.text == 'Found no "unicorn"; 5 files were read.'
    assert result.sources == ()


async def test_a_search_keeps_to_the_folder_or_file_that_was_named(tree: Path) -> None:
    assert places(await search(tree, "fakeredis", path="src")) == ["src/other.py:1"]
    assert places(await search(tree, "fakeredis", path="docs/DESIGN.md")) == ["docs/DESIGN.md:1"]
    assert places(await search(tree, "fakeredis", path="design")) == ["docs/DESIGN.md:1"]


async def test_no_more_places_than_asked_for(tree: Path) -> None:
    (tree / "many.txt").write_text("needle\n" * 1000)
    result = await search(tree, "needle", limit=3)
    assert len(result.data["hits"]) == 3
    assert result.data["found"] == 1000
    assert "in 1,000 places" in result.text


async def test_matches_stream_while_the_walk_goes_on(tree: Path) -> None:
    for number in range(300):
        (tree / f"file{number:03}.txt").write_text("a needle\n" if number == 10 else "hay\n")
    *progress, result = await chunks(named(tree, "search_files"), query="needle")
    assert progress
    assert isinstance(progress[0], Progress)
    assert progress[0].text.endswith("files read, 1 hit, the best so far in file010.txt")
    assert int(progress[0].text.split()[0]) < 300
    assert isinstance(result, Result)
    assert result.data["files"] == 305


async def test_what_programs_make_is_passed_over(tree: Path) -> None:
    for folder in (".git", "node_modules/x", ".venv/lib", "__pycache__"):
        (tree / folder).mkdir(parents=True)
        (tree / folder / "found.txt").write_text("needle")
    (tree / "my-env").mkdir()
    (tree / "my-env" / "pyvenv.cfg").touch()
    (tree / "my-env" / "found.txt").write_text("needle")
    assert places(await search(tree, "needle")) == []


async def test_binary_huge_and_private_files_are_counted_and_not_shown(tree: Path) -> None:
    (tree / "image.bin").write_bytes(b"needle\0\1\2")
    (tree / "huge.log").write_text("needle\n" * 200_000)
    (tree / ".env").write_text("PASSWORD=needle")
    (tree / ".env.example").write_text("PASSWORD=your needle")
    result = await call(named(tree, "search_files", FileLimits(largest_file=1_000_000)), query="needle")
    assert places(result) == [".env.example:1"]
    assert result.data["skipped"] == {"binary": 1, "large": 1, "private": 1}


async def test_odd_bytes_and_enormous_lines_are_read(tree: Path) -> None:
    (tree / "latin.txt").write_bytes("Grüße an needle\n".encode("latin-1"))
    (tree / "windows.txt").write_bytes("\ufeffeine needle\r\n".encode("utf-16"))
    (tree / "minified.js").write_text("x" * 1_000_000 + " needle " + "y" * 1_000_000)
    result = await search(tree, "needle")
    assert sorted(places(result)) == ["latin.txt:1", "minified.js:1", "windows.txt:1"]
    assert max(len(hit["text"]) for hit in result.data["hits"]) <= 206


async def test_names_that_are_no_text_do_not_break_the_result(tree: Path) -> None:
    odd = tree / os.fsdecode(b"bad\xff\nname.txt")
    odd.write_text("needle")
    (hit,) = (await search(tree, "needle")).data["hits"]
    assert hit["path"] == "bad\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}name.txt"


async def test_a_huge_tree_ends_with_an_honest_word(tree: Path) -> None:
    result = await call(named(tree, "search_files", FileLimits(files=2)), query="fakeredis")
    assert result.data["files"] == 2
    assert "The search stopped after 2 files, because that is as many as it may read; there may be more." in result.text


async def test_a_long_search_ends_with_an_honest_word(tree: Path) -> None:
    for number in range(200):
        (tree / f"{number}.txt").write_text("hay\n")
    result = await call(named(tree, "search_files", FileLimits(seconds=-1.0)), query="needle")
    assert result.data["files"] < 200
    assert "because its -1 seconds were up" in result.text


def test_what_vanishes_during_the_walk_is_counted(tree: Path) -> None:
    skipped: Counter[str] = Counter()
    folder = Folder(tree)
    walk = folder.walk(folder.root, skipped)
    found = [next(walk), next(walk)]
    shutil.rmtree(tree / "src")
    found += walk
    assert [file.name for file in found if file] == ["README.md", "docs/DESIGN.md", "docs/architecture.md"]
    assert skipped == {"unreadable": 1}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
async def test_what_may_not_be_read_is_counted_and_said(tree: Path) -> None:
    (tree / "docs" / "DESIGN.md").chmod(0)
    result = await search(tree, "fakeredis")
    assert places(result) == ["src/other.py:1"]
    assert result.text.endswith("1 file or folder could not be read.")
    with pytest.raises(ToolRetry, match="Permission denied"):
        await call(named(tree, "read_file"), path="docs/DESIGN.md")


async def test_a_cancelled_search_stops(tree: Path) -> None:
    made = named(tree, "search_files")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await chunks(made, query="needle")
    assert scope.cancelled_caught


@given(st.text(max_size=40), st.text(max_size=200))
def test_any_query_on_any_text_gives_places_of_that_text(query: str, text: str) -> None:
    asked = parse_query(query)
    if asked is None:
        return
    for hit in search_text(asked, "a/file.txt", text):
        assert 0 <= hit.line <= text.count("\n") + 1


@given(st.text(alphabet="ab \n", min_size=1, max_size=30), st.text(alphabet="xy \n", max_size=60))
def test_a_phrase_that_is_there_as_a_whole_is_found_in_its_line(phrase: str, before: str) -> None:
    asked = parse_query(f'"{phrase}"')
    if asked is None:
        return
    text = f"{before}\n{asked.said}\n"
    assert before.count("\n") + 2 in [hit.line for hit in search_text(asked, "x", text)]


# --- the allowed folder ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "docs/../../secret.txt",
        "/etc/passwd",
        "~/secret.txt",
        "link.txt",
        "linked/secret.txt",
        "nul\0.txt",
        "x" * 5_000,
    ],
)
async def test_no_path_leads_out_of_the_folder(tree: Path, path: str) -> None:
    (tree / "link.txt").symlink_to(tree.parent / "secret.txt")
    (tree / "linked").symlink_to(tree.parent)
    for name in ("read_file", "list_files", "search_files"):
        arguments = {"path": path} | ({"query": "stranger"} if name == "search_files" else {})
        with pytest.raises(ToolRetry) as raised:
            await call(named(tree, name), **arguments)
        assert "stranger" not in str(raised.value)


async def test_a_walk_follows_no_link(tree: Path) -> None:
    (tree / "linked").symlink_to(tree.parent)
    (tree / "link.txt").symlink_to(tree.parent / "secret.txt")
    (tree / "loop").symlink_to(tree)
    assert places(await search(tree, "stranger")) == []


async def test_a_link_within_the_folder_may_be_read(tree: Path) -> None:
    (tree / "link.md").symlink_to(tree / "README.md")
    result = await call(named(tree, "read_file"), path="link.md")
    assert result.sources == (Source("README.md", "README.md"),)


async def test_an_absolute_path_within_the_folder_is_fine(tree: Path) -> None:
    assert (await call(named(tree, "read_file"), path=str(tree / "README.md"))).text == "README.md:\nA project."


async def test_a_root_that_is_a_link_is_the_folder_it_leads_to(tree: Path) -> None:
    link = tree.parent / "link"
    link.symlink_to(tree)
    assert places(await search(link, "def drive")) == ["src/timing.py:5"]


async def test_a_root_that_is_gone_is_a_failure_with_its_name(tree: Path) -> None:
    with pytest.raises(ToolFailed, match="There is no folder"):
        await search(tree / "nowhere", "x")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
async def test_a_pipe_does_not_hold_up_anybody(tree: Path) -> None:
    os.mkfifo(tree / "pipe.txt")
    with anyio.fail_after(20):
        assert places(await search(tree, "fakeredis", path="docs")) == ["docs/DESIGN.md:1"]
        with pytest.raises(ToolRetry):
            await call(named(tree, "read_file"), path="pipe.txt")


# --- read and list ---------------------------------------------------------------------------------------------------


async def test_a_file_is_read_whole_or_in_part(tree: Path) -> None:
    (tree / "five.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    read = named(tree, "read_file")
    whole = await call(read, path="five.txt")
    assert whole.text == "five.txt:\none\ntwo\nthree\nfour\nfive"
    assert whole.sources == (Source("five.txt", "five.txt"),)
    part = await call(read, path="five.txt", start=2, lines=2)
    assert part.text == "five.txt, lines 2 to 3, more follows:\ntwo\nthree"
    assert part.data == {"path": "five.txt", "start": 2, "end": 3, "more": True, "text": "two\nthree", "utf8": True}
    assert part.sources == (Source("five.txt, lines 2 to 3", "five.txt:2"),)
    last = await call(read, path="five.txt", start=5)
    assert last.text == "five.txt, line 5:\nfive"


async def test_one_name_is_enough_where_it_is_the_only_one(tree: Path) -> None:
    read = named(tree, "read_file")
    assert (await call(read, path="design")).data["path"] == "docs/DESIGN.md"
    (tree / "docs" / "readme.txt").write_text("not the one of the project")
    assert (await call(read, path="readme")).data["path"] == "README.md"
    (tree / "src" / "design.md").write_text("another")
    with pytest.raises(ToolRetry, match=r"docs/DESIGN\.md, src/design\.md"):
        await call(read, path="design.md")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere.txt", "There is no file nowhere.txt."),
        ("docs", "docs is a folder."),
        ("", "No file was named."),
        ("image.bin", "image.bin is not text."),
        (".env", ".env is not read."),
        ("looks-harmless.txt", ".env is not read."),
    ],
)
async def test_what_cannot_be_read_is_said_plainly(tree: Path, path: str, why: str) -> None:
    (tree / "image.bin").write_bytes(bytes(range(256)))
    (tree / ".env").write_text("PASSWORD=1")
    (tree / "looks-harmless.txt").symlink_to(tree / ".env")
    with pytest.raises(ToolRetry) as raised:
        await call(named(tree, "read_file"), path=path)
    assert raised.value.what == why


async def test_reading_is_bounded(tree: Path) -> None:
    (tree / "wide.txt").write_text("a" * 100_000 + "\nnext\n")
    (tree / "long.txt").write_text("".join(f"{number:0100}\n" for number in range(10_000)))
    wide = await call(named(tree, "read_file"), path="wide.txt")
    assert wide.data["text"].splitlines()[1] == "next"
    assert len(wide.data["text"]) < 2_100
    long = await call(named(tree, "read_file"), path="long.txt", lines=2_000)
    assert long.data["more"]
    assert len(long.text) < 20_000
    with pytest.raises(ToolRetry, match=r"long\.txt has no line 10001"):
        await call(named(tree, "read_file"), path="long.txt", start=10_001)


async def test_empty_and_odd_files_can_be_read(tree: Path) -> None:
    (tree / "empty.txt").touch()
    (tree / "odd.txt").write_bytes(b"\xef\xbb\xbfGr\xfc\xdfe\r\n")
    (tree / "windows.txt").write_bytes("eins\r\nzwei\r\n".encode("utf-16"))
    read = named(tree, "read_file")
    assert (await call(read, path="empty.txt")).text == "empty.txt is empty."
    assert (await call(read, path="odd.txt")).data["text"] == "Grüße"
    assert (await call(read, path="windows.txt", lines=1)).data["text"] == "eins"


async def test_folders_are_listed(tree: Path) -> None:
    listing = named(tree, "list_files")
    assert (await call(listing)).text == "The folder has 2 folders and 1 file: docs/, src/, README.md."
    assert (await call(listing, path="src")).data["names"] == ["other.py", "timing.py"]
    found = await call(listing, pattern="*.MD")
    assert found.data["names"] == ["README.md", "docs/DESIGN.md", "docs/architecture.md"]
    assert (await call(listing, pattern="docs/*")).data["names"] == ["docs/DESIGN.md", "docs/architecture.md"]
    assert (await call(listing, pattern="*.exe")).text == 'The folder has nothing that fit "*.exe".'
    with pytest.raises(ToolRetry, match="There is no folder nowhere"):
        await call(listing, path="nowhere")


async def test_a_long_listing_is_cut_and_says_so(tree: Path) -> None:
    result = await call(named(tree, "list_files", FileLimits(listed=2)), pattern="*")
    assert result.data["names"] == ["docs/", "src/"]
    assert not result.data["complete"]
    assert result.text.endswith("docs/, src/ and more.")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("search_files", {"query": "fakeredis"}), ("read_file", {"path": "README.md"}), ("list_files", {})],
)
async def test_they_keep_the_contract_of_a_tool(tree: Path, name: str, arguments: dict[str, Any]) -> None:
    assert (await check_tool(named(tree, name), arguments)).ok
