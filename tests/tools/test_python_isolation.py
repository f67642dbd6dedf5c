"""The walls about the programs of `run_python`: what they keep away, with real processes, and what is said of them."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ToolFailed
from tests.tools.programs_run import error, ran
from tools import python_landlock, python_process, python_seccomp, run_python
from tools.python_isolation import Isolation
from tools.run_python import isolation, python_tool

anyio_test = pytest.mark.anyio
pytestmark = pytest.mark.usefixtures("programs_place")
walled = pytest.mark.skipif(not isolation().whole, reason="this system does not hold all walls")


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
