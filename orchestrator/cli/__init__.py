"""The command `duologue`. Together with `orchestrator.assistant` the only place that sees all four packages.

`commands` holds what `--help` tells and imports nothing but click; each command's machinery is imported when it runs.

Exit codes: 0 done, 1 a bug of ours (for `tools call`: the tool failed), 2 wrong use or settings, 3 something outside is
missing or broken, 4 a model failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NoReturn, cast

__all__ = ["guarded", "main"]

_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command with `arguments` (default: those of the process) and exit."""
    from orchestrator.cli.commands import duologue

    sys.exit(guarded(lambda: duologue.main(arguments, prog_name="duologue", standalone_mode=False)))


def guarded(run: Callable[[], object]) -> int:
    """Call `run` and return the exit code of what came of it: what it returns, or what it raises, told on stderr.

    For programs that put an assistant of their own into the terminal.
    """
    import click

    from orchestrator.errors import DuologueError

    try:
        code = run()
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more, which is not our failure; the interpreter must not find that out once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("DUOLOGUE_DEBUG"):
            raise
        # A task group wraps what its children raise; a person wants to read what went wrong, not where it passed.
        for problem in _leaves(error):
            if isinstance(problem, DuologueError):
                _tell(problem.what, problem.why, problem.todo)
                return problem.exit_code
        cause = next(_leaves(error))
        _tell(
            "something broke that should not: a bug in Duologue, or in what was plugged in",
            f"{type(cause).__name__}: {cause}",
            "run it again with DUOLOGUE_DEBUG=1 to see where, and report it",
        )
        return 1
    return code if isinstance(code, int) else 0


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for child in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(child)
    else:
        yield error


def _tell(what: str, why: str, todo: str) -> None:
    """One line each, whatever they hold: an error may quote a stranger's bytes."""
    for text in (what, why, todo):
        line = "".join(letter if letter.isprintable() else " " for letter in text)
        if line.strip():
            sys.stderr.write(f"{' '.join(line.split())}\n")
