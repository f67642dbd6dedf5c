"""What a Python program of `run_python` is kept from on this machine, and what not."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Iterator

import msgspec

from tools import python_landlock, python_seccomp

__all__ = ["Isolation", "isolation", "readable"]


class Isolation(msgspec.Struct, frozen=True):
    """Each is true where it is held by the system. A wall that is promised here stands, or the program does not run."""

    network: bool
    """No sockets: no connection, no name is looked up, no daemon of this machine is spoken to."""
    files: bool
    """Reads what Python itself consists of, writes its own folder, and opens nothing else."""
    processes: bool
    """Starts no programs and processes, and reaches none that run, by signals or otherwise."""
    memory: bool
    """The limit of memory is kept."""

    @property
    def whole(self) -> bool:
        """Whether nobody needs to be asked before a program runs."""
        return self.network and self.files and self.processes and self.memory

    @property
    def told(self) -> str:
        """For a person who decides whether to rely on it."""
        walls = (
            ("network", self.network, "off", "ON"),
            ("files", self.files, "its own folder only", "ALL that this user may read and write"),
            ("other processes", self.processes, "out of reach", "WITHIN REACH"),
            ("memory", self.memory, "limited", "NOT limited"),
        )
        held = "; ".join(f"{name}: {so if stands else other}" for name, stands, so, other in walls)
        return held if self.whole else f"{held} ({'; '.join(self._why())})"

    def _why(self) -> Iterator[str]:
        if sys.platform != "linux":
            yield "this system cannot hold that; Linux 6.2 or newer can"
            return
        if not self.files:
            yield "files need Landlock, in Linux 6.2 or newer and switched on"
        if not (self.network and self.processes):
            yield "network and processes need seccomp, on x86-64 or 64-bit ARM"


@functools.lru_cache(maxsize=1)
def isolation() -> Isolation:
    """What this machine can hold. It asks the kernel, and starts nothing."""
    filters = python_seccomp.available()
    files = python_landlock.version() >= python_landlock.TRUNCATION
    return Isolation(filters, files, filters, memory=sys.platform == "linux")


@functools.lru_cache(maxsize=1)
def readable() -> tuple[str, ...]:
    """What a program may read besides its own folder: Python's library, the system's, and the time zones."""
    paths = sysconfig.get_paths()
    prefixes = {os.path.realpath(sys.base_prefix), os.path.realpath(sys.base_exec_prefix)}
    mine = {paths["stdlib"], paths["platstdlib"], *(os.path.join(prefix, "lib") for prefix in prefixes)}
    system = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo", "/etc/localtime"}
    return tuple(sorted(mine | system))
