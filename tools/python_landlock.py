"""Landlock, by which a Linux process takes from itself what it may do with files. Also what this kernel has of it.

Runs in the child as well, before its limits: nothing but the standard library may be imported.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["CONNECTIONS", "SIGNALS", "TRUNCATION", "fence", "version"]

TRUNCATION: Final = 3
"""The first version that keeps files from being emptied; before it there is no fence that holds."""
CONNECTIONS: Final = 4
SIGNALS: Final = 6

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every kind of machine
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

_EXECUTE, _WRITE, _READ, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_OF_A_FILE: Final = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_TO_MAKE: Final = sum(1 << bit for bit in (4, 5, 7, 8, 12, 13))
"""Remove and make files, folders and links; no devices, pipes or sockets."""
_ALL_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights each version knows; later ones know as many as the last."""


def version() -> int:
    """The version of Landlock that this kernel has; 0 where there is none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE, None, 0, _ASK_VERSION))


def fence(read: Sequence[str], write: Sequence[str], devices: Sequence[str] = ()) -> int:
    """From now on this process reads below `read`, writes below `write`, and reads and writes `devices`; nothing else.

    What is not there is left out. Also keeps it from TCP, from abstract sockets and from signals to others, where the
    kernel has that. Returns the version that holds; 0: there is none, or one that is too old.

    Raises `OSError` where the kernel refuses.
    """
    import ctypes

    has = version()
    if has < TRUNCATION:
        return 0
    rights = (1 << _ALL_RIGHTS.get(has, 16)) - 1
    attributes = (ctypes.c_uint64 * 3)(rights, 3 if has >= CONNECTIONS else 0, 3 if has >= SIGNALS else 0)
    size = 8 if has < CONNECTIONS else 16 if has < SIGNALS else 24
    ruleset = _done(_call(_CREATE, attributes, size, 0), "landlock_create_ruleset")
    try:
        for path in read:
            _allow(ruleset, path, (_READ | _READ_FOLDER | _EXECUTE) & rights)
        for path in write:
            _allow(ruleset, path, (_READ | _READ_FOLDER | _WRITE | _TRUNCATE | _TO_MAKE) & rights)
        for path in devices:
            _allow(ruleset, path, (_READ | _WRITE) & rights)
        _done(_call(_RESTRICT, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return has


def _allow(ruleset: int, path: str, rights: int) -> None:
    import ctypes

    try:
        at = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(at).st_mode):
            rights &= _OF_A_FILE
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, at))
        _done(_call(_ADD, ruleset, _PATH_BENEATH, rule, 0), "landlock_add_rule")
    finally:
        os.close(at)


def _call(number: int, *arguments: object) -> int:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return int(library.syscall(ctypes.c_long(number), *given))


def _done(outcome: int, name: str) -> int:
    if outcome < 0:
        import ctypes

        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return outcome
