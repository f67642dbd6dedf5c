"""`run_python`, with real processes: what it gives, what it stops, and what its walls keep away."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.ports import Progress, Result, Tool
from orchestrator.testing import check_tool
from orchestrator.testing.tool_checks import AloneContext
from tools import python_landlock, python_process, python_seccomp, run_python
from tools.python_isolation import Isolation
from tools.run_python import PythonLimits, isolation, python_tool

anyio_test = pytest.mark.anyio
walled = pytest.mark.skipif(not isolation().whole, reason="this system does not hold all walls")


async def chunks(code: str, tool: Tool | None = None) -> list[Progress | Result]:
    return [chunk async for chunk in (tool or python_tool()).call({"code": code}, AloneContext())]


async def ran(code: str, **limits: Any) -> Result:
    last = (await chunks(code, python_tool(PythonLimits(**limits))))[-1]
    assert isinstance(last, Result)
    return last


def error(result: Result) -> str:
    assert not result.ok
    return str(result.data["error"])


@pytest.fixture(autouse=True)
def _place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of this test run in a place of its own: another process of the test run has some as well."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("programs")))


def processes() -> list[str]:
    """Our programs that are alive, as the system lists them, and what they have started."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if b"tools.python_child" in line and tempfile.gettempdir().encode() in line:
            found.append(line.decode(errors="replace"))
    return found


def folders() -> set[str]:
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("duologue-python-")}


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


# --- what its walls keep away -----------------------------------------------------------------------------------------


@anyio_test
async def test_no_secret_of_ours_is_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    result = await ran("import os\nsorted(os.environ)")
    assert set(result.data["value"]) <= {"HOME", "LANG", "LC_CTYPE", "PATH", "TMPDIR", "TZ", "__CF_USER_TEXT_ENCODING"}


@walled
@anyio_test
async def test_a_server_of_this_machine_sees_no_connection(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as local,
    ):
        udp.bind(("127.0.0.1", 0))
        local.bind(str(tmp_path / "local"))
        local.listen()
        for each in (tcp, udp, local):
            each.setblocking(False)
        result = await ran(
            "import socket\ntold = []\n"
            f"for kind, how, where in ((2, 1, ('127.0.0.1', {tcp.getsockname()[1]})), "
            f"(2, 2, ('127.0.0.1', {udp.getsockname()[1]})), (1, 1, {str(tmp_path / 'local')!r})):\n"
            "    try:\n        s = socket.socket(kind, how)\n        s.connect(where)\n        s.send(b'x')\n"
            "        told.append('sent')\n"
            "    except OSError as error:\n        told.append(type(error).__name__)\n"
            "try: told.append(socket.gethostbyname('localhost.example'))\n"
            "except OSError as error: told.append(type(error).__name__)\ntold"
        )
        assert result.data["value"] == ["PermissionError", "PermissionError", "PermissionError", "gaierror"]
        for listening in (tcp, local):
            with pytest.raises(BlockingIOError):
                listening.accept()
        with pytest.raises(BlockingIOError):
            udp.recv(1)


@walled
@anyio_test
async def test_files_of_others_are_neither_read_nor_written_nor_changed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    secret.chmod(0o600)
    before = secret.stat()
    attempts = {
        "read": f"open({str(secret)!r}).read()",
        "write": f"open({str(secret)!r}, 'w')",
        "append": f"open({str(secret)!r}, 'a')",
        "truncate": f"os.truncate({str(secret)!r}, 0)",
        "remove": f"os.remove({str(secret)!r})",
        "rename": f"os.rename({str(secret)!r}, 'mine')",
        "hard link": f"os.link({str(secret)!r}, 'mine')",
        "through a link": f"(os.symlink({str(secret)!r}, 'link'), open('link').read())",
        "mode": f"os.chmod({str(secret)!r}, 0o777)",
        "times": f"os.utime({str(secret)!r}, (0, 0))",
        "attribute": f"os.setxattr({str(secret)!r}, 'user.x', b'y')",
        "make": f"open({str(tmp_path / 'new')!r}, 'w')",
        "folder": f"os.mkdir({str(tmp_path / 'sub')!r})",
        "list": f"os.listdir({str(tmp_path)!r})",
        "passwords": "open('/etc/passwd').read()",
        "own memory": "open('/proc/self/environ').read()",
        "ours": f"open('/proc/{os.getpid()}/environ').read()",
        "the request": "open('../request').read()",
        "a terminal": "open('/dev/tty')",
    }
    result = await ran(
        f"import os\ntold = {{}}\nfor name, what in {attempts!r}.items():\n"
        "    try:\n        eval(what)\n        told[name] = 'done'\n"
        "    except OSError as error:\n        told[name] = type(error).__name__\ntold"
    )
    assert {name: said for name, said in result.data["value"].items() if said == "done"} == {}
    assert secret.read_text() == "the secret"
    assert (secret.stat().st_mode, secret.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert os.listdir(tmp_path) == ["secret.txt"]


@walled
@anyio_test
async def test_no_process_is_started_and_none_is_reached() -> None:
    attempts = {
        "fork": "os.fork()",
        "program": "subprocess.run(['/bin/true'])",
        "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
        "become another": "os.execv('/bin/true', ['true'])",
        "parent": "os.kill(os.getppid(), 0)",
        "group": "os.killpg(os.getpgid(os.getppid()), 0)",
        "everybody": "os.kill(-1, 0)",
        "priority": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "limits": "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))",
        "new walls": "ctypes_call(272 if platform.machine() == 'x86_64' else 97, 0x10000000)",
        "trace": "ctypes_call(101 if platform.machine() == 'x86_64' else 117, 16, os.getppid(), 0, 0)",
        "signals by a file": "fcntl.fcntl(socket.socketpair()[0], fcntl.F_SETOWN, os.getppid())",
        "another signal by a file": "fcntl.fcntl(socket.socketpair()[0], 10, 9)",
        "signals by a socket": "fcntl.ioctl(socket.socketpair()[0], 0x8901, os.getppid().to_bytes(4, 'little'))",
        "memory that is not counted": "os.memfd_create('x')",
        "more memory": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    }
    result = await ran(
        "import ctypes, fcntl, os, platform, resource, socket, subprocess\n"
        "def ctypes_call(*numbers):\n    library = ctypes.CDLL(None, use_errno=True)\n"
        "    if library.syscall(*numbers) < 0: raise OSError(ctypes.get_errno(), 'refused')\n"
        f"told = {{}}\nfor name, what in {attempts!r}.items():\n"
        "    try:\n        eval(what)\n        told[name] = 'done'\n"
        "    except (OSError, ValueError) as error:\n        told[name] = type(error).__name__\ntold"
    )
    assert set(result.data["value"].values()) <= {"PermissionError", "ValueError"}, result.data["value"]
    assert set(result.data["value"]) == set(attempts)


@walled
@anyio_test
async def test_a_fork_bomb_does_not_go_off() -> None:
    # Bounded: it would stop by itself after a thousand, if it could begin.
    result = await ran("import os\nfor _ in range(10):\n    os.fork()")
    assert error(result) == "PermissionError"


@walled
@anyio_test
async def test_calls_of_another_kind_of_machine_end_it() -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the old way to call a system is one of x86")
    # mov eax, 20 (getpid of 32 bit); int 0x80; ret
    code = (
        "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()"
    )
    result = await ran(code)
    assert result.text == "The program ended without a result, by SIGSYS."


@walled
@anyio_test
async def test_a_wall_that_was_promised_and_does_not_stand_stops_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    start = (
        "import sys; sys.path.append({home!r}); from tools import python_child as child; sys.path.pop(); "
        "child.python_landlock.fence = lambda *paths: 0; child.main()"
    )
    monkeypatch.setattr(python_process, "_START", start)
    with pytest.raises(ToolFailed, match="files"):
        await ran("print('never')")


# --- what is said of it -----------------------------------------------------------------------------------------------


def told(network: bool, files: bool) -> Mapping[str, Any]:
    walls = Isolation(network=network, files=files, processes=network, memory=True)
    return {"whole": walls.whole, "told": walls.told}


def test_what_does_not_hold_is_said_aloud() -> None:
    whole = told(network=True, files=True)
    assert whole == {
        "whole": True,
        "told": "network: off; files: its own folder only; other processes: out of reach; memory: limited",
    }
    assert told(network=False, files=True)["told"].startswith("network: ON; files: its own folder only")
    assert "Landlock" in told(network=True, files=False)["told"] or sys.platform != "linux"
    assert not told(network=True, files=False)["whole"]


def test_without_walls_the_person_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    open_air = Isolation(network=False, files=False, processes=False, memory=True)
    monkeypatch.setattr(run_python, "isolation", lambda: open_air)
    limits = python_tool().info.limits
    assert (limits.needs_approval, limits.effects, limits.idempotent) == (True, True, False)
    assert not python_tool(approval=False).info.limits.needs_approval


@walled
def test_with_all_walls_nobody_needs_to_be_asked() -> None:
    limits = python_tool().info.limits
    assert (limits.needs_approval, limits.effects, limits.idempotent) == (False, False, True)
    assert python_tool(approval=True).info.limits.needs_approval


def test_a_system_without_landlock_or_seccomp_promises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert python_landlock.version() == 0
    assert not python_seccomp.available()
