"""Run a Python program of the model's, in a separate and limited process.

What keeps it in is the operating system, and not a list of forbidden words: `isolation()` says what holds here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result, Tool
from tools.python_isolation import Isolation, isolation
from tools.python_process import Outcome, PythonLimits, run

__all__ = ["Isolation", "PythonLimits", "isolation", "python_tool"]

_SPARE_S = 10.0
"""Beyond a program's own time: to start it and to clear up."""


def python_tool(limits: PythonLimits | None = None, *, approval: bool | None = None) -> Tool:
    """The tool `run_python`.

    Args:
        limits: What one program may take.
        approval: Whether the person is asked before each. `None`: where the system does not hold all of `isolation()`.
    """
    most = limits or PythonLimits()
    walls = isolation()

    @tool(
        timeout=most.seconds + _SPARE_S,
        needs_approval=not walls.whole if approval is None else approval,
        idempotent=walls.whole,
        read_only=walls.whole,
        concurrency=4,
        question="May I run this Python program: {code}?",
    )
    async def run_python(code: str) -> AsyncGenerator[Progress | Result]:
        """Run a Python program: for what needs steps, loops, data or text worked on, beyond what a calculator does.

        It has the standard library, and neither network, nor the person's files, nor a keyboard. What it prints and the
        value of its last line come back. Nothing is left of it: each program begins anew.

        Args:
            code: The whole program. Print what is wanted, or end with an expression.
        """
        if not code.strip():
            raise ToolRetry("There is no program.", "The code is empty.", "Give one.")
        if len(code) > most.code_chars or (not code.isascii() and _unwritable(code)):
            raise ToolRetry(
                "That program is not run.", f"It is no text, or longer than {most.code_chars:,} characters.", ""
            )
        async with aclosing(run(code, most, walls)) as steps:
            async for told in steps:
                if isinstance(told, str):
                    yield Progress(told)
                else:
                    yield _result(told, most)

    return run_python


def _unwritable(code: str) -> bool:
    """Half of a pair of surrogates, which no file can hold."""
    try:
        code.encode()
    except UnicodeEncodeError:
        return True
    return False


def _result(outcome: Outcome, limits: PythonLimits) -> Result:
    output = outcome.output.rstrip("\n")
    printed = f" It had printed:\n{output}" if output.strip() else ""
    data = {"end": outcome.end, "output": output}
    match outcome.end:
        case "value":
            text = f"{outcome.text}{' ... (it goes on)' if outcome.cut else ''}"
            value = _plain(outcome.json)
            return Result(f"{output}\nValue: {text}" if output else text, data={**data, "value": value, "repr": text})
        case "done":
            return Result(output or "The program ran, and printed nothing.", data=data)
        case "exit":
            if not outcome.text:
                return Result(output or "The program ended itself, and printed nothing.", data=data)
            return Result(f"The program ended itself with: {outcome.text}.{printed}", data=data, ok=False, retry=True)
        case "raised":
            text = f"{printed.lstrip()}\n{outcome.text}".lstrip()
            return Result(text, data={**data, "error": outcome.kind}, ok=False, retry=True)
        case "memory":
            text = f"The program wanted more than its {limits.memory_mb:,} MB of memory.{printed}"
            return Result(text, data=data, ok=False)
        case "timeout":
            return Result(f"The program was ended after {limits.seconds:g} seconds.{printed}", data=data, ok=False)
        case "flood":
            text = f"The program was ended: it printed more than {limits.output_mb:,} MB.{printed}"
            return Result(text, data=data, ok=False)
        case "broken":
            text = f"The program ended without a result, by {outcome.text}{printed}"
            return Result(text, data=data, ok=False)
        case "refused":
            raise ToolFailed("The program was not run.", f"The system did not hold what it promised: {outcome.text}")


def _plain(written: str) -> object:
    """The value itself where JSON can hold it, and whoever reads it gets the same number."""
    if not written:
        return None
    try:
        value: object = json.loads(written)
        msgspec.json.encode(value)
    except (OverflowError, ValueError, RecursionError):
        return None
    return value
