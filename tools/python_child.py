"""The other side of `run_python`: a process of its own, which gives up its rights and only then runs the program.

It is started with the folder of the request as its one argument, and leaves a report there. Nothing but the standard
library may be imported: there is nothing else on its path.
"""

from __future__ import annotations

import ast
import ctypes
import json
import linecache
import os
import resource
import sys
import traceback
import types
from typing import Any, Final

from tools import python_landlock, python_seccomp

__all__ = ["main"]

PROGRAM: Final = "<program>"
"""What the program is called in a traceback."""

_SET_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38
_KILL: Final = 9
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_TRACE_LINES: Final = 30
_TRACE_CHARS: Final = 4_000


def main() -> None:
    """Run what the request in the folder asks for."""
    place = sys.argv[1]
    with open(os.path.join(place, "request"), encoding="utf-8") as file:
        request = json.load(file)
    report = os.open(os.path.join(place, "report"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue]
    walls = _walled_in(request)
    missing = [name for name in request["promised"] if not walls.get(name)]
    if missing:
        _tell(report, {"end": "refused", "text": f"{', '.join(missing)}: {walls.get('why', '')}"})
        return
    _tell(report, {"end": "begun"})
    _tell(report, _run(request["code"], request["value_chars"]))


def _tell(report: int, said: dict[str, Any]) -> None:
    os.write(report, f"{json.dumps(said)}\n".encode())


# --- giving up rights -------------------------------------------------------------------------------------------------


def _walled_in(request: dict[str, Any]) -> dict[str, Any]:
    """Which walls stand now. What cannot be had is left out, and the other side says what it needs."""
    walls: dict[str, Any] = {"why": ""}
    sys.set_int_max_str_digits(0)  # the processor's time is limited, so a long number may be written out
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        # So that nothing goes on when the worker is killed; and if it is dead already, nobody waits for this.
        library.prctl(_SET_DEATH_SIGNAL, _KILL, 0, 0, 0)
        if os.getppid() != request["parent"]:
            os._exit(1)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _drop_capabilities(library)
    walls["memory"] = _limited(request)
    try:
        walls["files"] = python_landlock.fence(request["read"], request["write"], _DEVICES) > 0
        if python_seccomp.available():
            python_seccomp.close()
            walls["network"] = walls["processes"] = True
    except OSError as problem:
        walls["why"] = str(problem)
    return walls


def _drop_capabilities(library: ctypes.CDLL) -> None:
    """What makes a root more than the owner of its files."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    library.capset(header, nothing)


def _limited(request: dict[str, Any]) -> bool:
    """Set limits; whether the one of memory holds (macOS has it, and does not keep to it)."""
    own_processes = 0 if not python_seccomp.available() else None
    for name, most in (
        ("RLIMIT_CORE", 0),
        ("RLIMIT_CPU", request["seconds"]),
        ("RLIMIT_FSIZE", request["file_bytes"]),
        ("RLIMIT_NOFILE", request["open_files"]),
        ("RLIMIT_MEMLOCK", 0),
        ("RLIMIT_MSGQUEUE", 0),
        ("RLIMIT_NPROC", own_processes),
        ("RLIMIT_AS", request["memory_bytes"]),
    ):
        which = getattr(resource, name, None)
        if which is None or most is None:
            continue
        _, hard = resource.getrlimit(which)
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(which, (lowest, lowest))
        except (OSError, ValueError):
            if name == "RLIMIT_AS":
                return False
    return sys.platform == "linux"


# --- running ----------------------------------------------------------------------------------------------------------


def _run(code: str, value_chars: int) -> dict[str, Any]:
    """Run the program; what it came to."""
    linecache.cache[PROGRAM] = (len(code), None, code.splitlines(keepends=True), PROGRAM)
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = [""]
    try:
        before, last = _parts(code)
        exec(before, module.__dict__)
        if last is None:
            return {"end": "done"}
        value: object = eval(last, module.__dict__)
        return {"end": "done"} if value is None else {"end": "value", **_written(value, value_chars)}
    except SystemExit as left:
        return {"end": "exit", "text": "" if left.code in (None, 0) else _short(str(left.code))}
    except MemoryError:
        module.__dict__.clear()
        return {"end": "memory"}
    except BaseException as error:
        return {"end": "raised", "kind": type(error).__name__, "text": _traced(error)}


def _parts(code: str) -> tuple[types.CodeType, types.CodeType | None]:
    """The program, and its last expression apart: its value is what came out."""
    tree = ast.parse(code, PROGRAM)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return compile(tree, PROGRAM, "exec", dont_inherit=True), None
    tree.body.pop()
    return (
        compile(tree, PROGRAM, "exec", dont_inherit=True),
        compile(ast.Expression(last.value), PROGRAM, "eval", dont_inherit=True),
    )


def _written(value: object, chars: int) -> dict[str, Any]:
    text = repr(value)
    try:
        plain = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        plain = ""
    cut = len(text) > chars
    return {"text": text[:chars], "cut": cut, "json": plain if len(plain) <= chars else ""}


def _traced(error: BaseException) -> str:
    """The trace, without our own lines and those of the library."""
    told = traceback.TracebackException.from_exception(error, limit=-200)
    each: traceback.TracebackException | None = told
    while each is not None:
        each.stack = traceback.StackSummary.from_list([step for step in each.stack if step.filename == PROGRAM])
        each = each.__cause__ or each.__context__
    lines = "".join(told.format()).rstrip().splitlines()
    if len(lines) > _TRACE_LINES:
        lines = [*lines[:5], "  ...", *lines[5 - _TRACE_LINES :]]
    return _short("\n".join(lines))


def _short(text: str) -> str:
    half = _TRACE_CHARS // 2
    return text if len(text) <= _TRACE_CHARS else f"{text[:half]} ... {text[-half:]}"
