"""How long the person waits for the program, and what it puts on their disk."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.measuring import Report, at_most, in_turns, ratio, shown

__all__ = ["run"]

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"[A-Za-z0-9._-]+")
MB = 1e6


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works, and builds no wheel."""
    found = in_turns(
        {
            "python": lambda: _took(sys.executable, "-c", "pass"),
            "help": lambda: _took(*_duologue(), "--help"),
            "frame": _first_frame,
        },
        1 if small else 9,
    )
    rows = [
        shown("python -c pass", median(found["python"]) * 1e3, "ms"),
        at_most("duologue --help", median(found["help"]) * 1e3, "ms", 300),
        shown("  against python -c pass", ratio(found["help"], found["python"]), "x"),
        at_most("duologue chat --plain to its first output", median(found["frame"]) * 1e3, "ms", 1_500),
        shown("  against python -c pass", ratio(found["frame"], found["python"]), "x"),
        at_most("installed: the packages and all they need", sum(_installed("duologue").values()) / MB, "MB", 130),
    ]
    if not small:
        rows.append(shown("the wheel", _wheel_bytes() / 1e3, "kB"))
    return Report(
        "startup",
        "the command from the shell, and the size of an install",
        tuple(rows),
        (
            "Every start is a new process; the files are in the disk cache. chat runs on a pseudo-terminal.",
            (
                "Installed is the sum of the files of the distributions that `duologue` needs, with their bytecode,"
                " without Python itself, pip and what developers need."
            ),
        ),
    )


def _duologue() -> tuple[str, ...]:
    """The installed command, or the same without one."""
    beside = Path(sys.executable).parent / "duologue"
    return (str(beside),) if beside.exists() else (sys.executable, "-m", "orchestrator")


def _took(*command: str) -> float:
    begun = perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - begun


def _first_frame() -> float:
    """On a terminal, until the first byte of the greeting is there. Then the person leaves by Ctrl-D."""
    terminal, theirs = pty.openpty()
    begun = perf_counter()
    chat = subprocess.Popen(
        # Whoever runs the benchmark may have a Redis set up in the environment; that is not what is measured.
        (*_duologue(), "chat", "--plain"),
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "REDIS_URL"},
        start_new_session=True,
    )
    os.close(theirs)
    there, took = b"", 0.0
    try:
        there = _read(terminal)
        took = perf_counter() - begun
        os.write(terminal, b"\x04")
        while _read(terminal):
            pass
    finally:
        os.close(terminal)
        if chat.wait() != 0 or not there:
            raise SystemExit("duologue chat --plain did not come to a good end")
    return took


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4_096)
    except OSError:
        # What Linux says when the other end of a terminal has closed.
        return b""


def _installed(name: str, *, seen: dict[str, int] | None = None) -> dict[str, int]:
    """The bytes on disk of a distribution and of each that it needs. Ours is taken from the source tree."""
    sizes = {} if seen is None else seen
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain in sizes:
        return sizes
    try:
        found = distribution(plain)
    except PackageNotFoundError:
        # Asked for under a condition that does not hold here, such as another system.
        return sizes
    sizes[plain] = _own_bytes() if plain == "duologue" else _file_bytes(found)
    for needed in _own_needs() if plain == "duologue" else found.requires or ():
        match = NAME.match(needed)
        if match is not None and "extra ==" not in needed:
            _installed(match.group(), seen=sizes)
    return sizes


def _own_needs() -> list[str]:
    """From the source tree too: an editable install may be older than the last dependency."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


def _file_bytes(found: Distribution) -> int:
    paths = [Path(str(found.locate_file(file))) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _own_bytes() -> int:
    """What our own packages take, with the bytecode that an installer adds."""
    packages = ("orchestrator", "interaction", "background", "tools")
    return sum(path.stat().st_size for package in packages for path in (ROOT / package).rglob("*") if path.is_file())


def _wheel_bytes() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.stat().st_size
