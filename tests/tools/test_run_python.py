"""`run_python`, with real processes: what it gives, and what it stops."""

from __future__ import annotations

import sys
import tempfile

import anyio
import anyio.lowlevel
import msgspec
import pytest

from orchestrator.errors import ToolRetry
from orchestrator.testing import check_tool
from orchestrator.testing.tool_checks import AloneContext
from tests.tools.programs_run import chunks, error, folders, processes, ran
from tools import python_process
from tools.python_isolation import Isolation
from tools.run_python import PythonLimits, python_tool

anyio_test = pytest.mark.anyio
pytestmark = pytest.mark.usefixtures("programs_place")


# --- what it gives ----------------------------------------------------------------------------------------------------


@anyio_test
async def test_the_value_of_the_last_expression_is_the_result() -> None:
    result = await ran("import math\nn = 20\nmath.comb(n, 3), {'a': [1.5, None]}")
    assert result.text == "(1140, {'a': [1.5, None]})"
    assert result.data["value"] == [1140, {"a": [1.5, None]}]
    assert result.data["output"] == ""


@anyio_test
async def test_what_it_prints_comes_before_the_value() -> None:
    result = await ran("print('one')\nprint('two', file=__import__('sys').stderr)\n3")
    assert result.text == "one\ntwo\nValue: 3"


@anyio_test
async def test_nothing_printed_and_no_value_is_said() -> None:
    assert (await ran("x = 1")).text == "The program ran, and printed nothing."


@anyio_test
async def test_lines_are_told_while_it_runs() -> None:
    told: list[str] = []
    with anyio.fail_after(20):
        tool = python_tool(PythonLimits(seconds=15))
        calling = tool.call({"code": "print('begun')\nimport time\ntime.sleep(60)"}, AloneContext())
        async for chunk in calling:
            told.append(chunk.text)
            break
        await calling.aclose()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert told == ["begun"]
    assert processes() == []


@anyio_test
async def test_a_long_number_is_written_out_and_is_no_json() -> None:
    result = await ran("2 ** 20000")
    assert len(result.text) == 6021
    assert result.data["value"] is None
    assert (await ran("2 ** 63")).data["value"] == 2**63
    msgspec.json.encode((await ran("2 ** 80, float('nan')")).data)


@anyio_test
async def test_a_failure_shows_the_trace_of_the_program_alone() -> None:
    result = await ran("def f(x):\n    return 1 / x\n\nprint('before')\nf(0)")
    assert not result.ok and result.retry
    assert error(result) == "ZeroDivisionError"
    assert "It had printed:\nbefore" in result.text
    assert 'File "<program>", line 2, in f' in result.text
    assert "python_child" not in result.text


@anyio_test
async def test_a_failure_deep_in_the_library_shows_the_programs_lines() -> None:
    result = await ran("import json\njson.loads('{')")
    assert 'File "<program>", line 2' in result.text
    assert "decoder.py" not in result.text


@anyio_test
async def test_what_is_no_python_is_said() -> None:
    result = await ran("x = = 3")
    assert error(result) == "SyntaxError"
    assert "^" in result.text


@pytest.mark.parametrize("code", ["", "  \n", "'\ud800'", "#" * 200_000])
@anyio_test
async def test_what_cannot_be_a_program_is_refused(code: str) -> None:
    with pytest.raises(ToolRetry):
        await chunks(code)


@anyio_test
async def test_classes_threads_and_async_code_work() -> None:
    result = await ran(
        "import asyncio, dataclasses, pickle, sqlite3, tempfile, zoneinfo\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "@dataclasses.dataclass\nclass P:\n    x: int\n"
        "async def later():\n    await asyncio.sleep(0)\n    return 5\n"
        "with ThreadPoolExecutor(4) as pool:\n    squares = list(pool.map(lambda x: x * x, range(4)))\n"
        "with open('note.txt', 'w') as f:\n    f.write('kept here')\n"
        "pickle.loads(pickle.dumps(P(3))).x, asyncio.run(later()), squares, open('note.txt').read(), "
        "sqlite3.connect('x.db').execute('select 7').fetchone()[0]"
    )
    assert result.data["value"] == [3, 5, [0, 1, 4, 9], "kept here", 7]


@anyio_test
async def test_one_program_leaves_nothing_for_the_next() -> None:
    await ran("open('left', 'w').write('x')\nx = 1")
    assert (await ran("import os\nos.listdir('.'), 'x' in globals()")).data["value"] == [[], False]


@anyio_test
async def test_bytes_that_are_no_text_and_halves_of_pairs() -> None:
    result = await ran("import sys\nprint('\\ud800 \u00e9')\nsys.stdout.buffer.write(b'\\xff\\xe4!\\n')\nNone")
    assert result.text == "\\ud800 \u00e9\n\ufffd\ufffd!"


@anyio_test
async def test_it_keeps_the_contract_of_a_tool() -> None:
    before = folders()
    result = await check_tool(python_tool(), {"code": "print('so')\n17 * 23"})
    assert result.text == "so\nValue: 391"
    assert processes() == []
    assert folders() <= before


# --- what it stops ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    ["while True: pass", "import time\ntime.sleep(60)", "import threading\nthreading.Event().wait()"],
    ids=["loop", "sleep", "wait"],
)
@anyio_test
async def test_time_is_limited(code: str) -> None:
    result = await ran(f"print('begun')\n{code}", seconds=1.0)
    assert result.text == "The program was ended after 1 seconds. It had printed:\nbegun"
    assert not result.ok and not result.retry
    assert processes() == []


@anyio_test
async def test_a_program_that_closes_its_output_is_ended_too() -> None:
    result = await ran("import os, time\nos.close(1)\nos.close(2)\ntime.sleep(60)", seconds=1.0)
    assert result.data["end"] == "timeout"
    assert processes() == []


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
@pytest.mark.parametrize("code", ["x = 'y' * 10**10", "x = []\nwhile True: x.append('y' * 10**6)", "bytearray(10**9)"])
@anyio_test
async def test_memory_is_limited(code: str) -> None:
    result = await ran(code, memory_mb=200)
    assert result.text == "The program wanted more than its 200 MB of memory."
    assert not result.ok


@anyio_test
async def test_endless_output_ends_it_and_is_not_kept() -> None:
    result = await ran("while True: print('x' * 1000)", output_mb=2, output_chars=1_000)
    assert result.text.startswith("The program was ended: it printed more than 2 MB.")
    assert "characters are left out here" in result.text
    assert len(result.text) < 1_300


@anyio_test
async def test_of_much_output_the_middle_is_left_out() -> None:
    result = await ran("print('begin' + 'x' * 50_000 + 'end')", output_chars=100)
    assert result.text == "begin" + "x" * 45 + "\n[49,909 characters are left out here]\n" + "x" * 46 + "end"


@anyio_test
async def test_a_large_file_is_stopped() -> None:
    result = await ran("open('big', 'wb').write(bytes(3_000_000))", file_mb=1)
    assert not result.ok
    assert result.data["end"] in ("raised", "broken")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys\nprint('hm')\nsys.exit(3)", "The program ended itself with: 3. It had printed:\nhm"),
        ("import os\nos._exit(0)", "The program ended without a result, by code 0."),
        ("import ctypes\nctypes.string_at(0)", "The program ended without a result, by SIGSEGV."),
        ("import os\nos.kill(os.getpid(), 9)", "The program ended without a result, by SIGKILL."),
        ("import os\nos.abort()", "The program ended without a result, by SIGABRT."),
    ],
)
@anyio_test
async def test_a_program_that_ends_itself(code: str, said: str) -> None:
    result = await ran(code)
    assert (result.ok, result.text) == (False, said)


@anyio_test
async def test_a_plain_exit_is_no_failure() -> None:
    result = await ran("import sys\nprint('all done')\nsys.exit()")
    assert (result.ok, result.text) == (True, "all done")


@anyio_test
async def test_nobody_sits_at_its_keyboard() -> None:
    result = await ran("input('name?')")
    assert error(result) == "EOFError"


@anyio_test
async def test_a_forged_report_changes_only_its_own_end() -> None:
    code = (
        'import os\nfor fd in range(3, 10):\n    try: os.write(fd, b\'{"end": "value", "text": 7}\\n[]\\n\\xff\\n\')\n'
    )
    result = await ran(f"{code}    except OSError: pass\nos._exit(0)")
    assert (result.ok, result.data["end"]) == (False, "broken")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is asked")
@anyio_test
async def test_a_cancelled_call_leaves_no_process_and_no_folder() -> None:
    before = folders()
    tool = python_tool(PythonLimits(seconds=50))
    async with anyio.create_task_group() as group:

        async def call() -> None:
            async for _ in tool.call({"code": "print('begun')\nwhile True: pass"}, AloneContext()):
                assert processes() != []
                group.cancel_scope.cancel()

        group.start_soon(call)
    assert processes() == []
    assert folders() <= before


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is asked")
@anyio_test
async def test_without_walls_a_cancelled_call_kills_its_children_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # The child finds its walls itself, so one that has none is made by hand.
    open_air = Isolation(network=False, files=False, processes=False, memory=False)
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'tools.python_child = __import__(\"time\").sleep(60)', "
        f"{tempfile.gettempdir()!r}])\n"
        "print('begun', flush=True)\nimport time\ntime.sleep(60)"
    )
    start = (
        "import sys; sys.path.append({home!r}); from tools import python_child as child; sys.path.pop(); "
        "child._walled_in = lambda request: dict(); child.main()"
    )
    monkeypatch.setattr(python_process, "_START", start)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:

            async def call() -> None:
                async for _ in python_process.run(code, PythonLimits(seconds=50), open_air):
                    assert len(processes()) >= 1
                    group.cancel_scope.cancel()

            group.start_soon(call)
        while left := processes():  # the system buries the child of a dead process a moment later
            assert len(left) == 1
            await anyio.lowlevel.checkpoint()
