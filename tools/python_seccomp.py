"""A seccomp filter, by which a Linux process takes system calls from itself, for ever.

It is a list of what is forbidden, not of what is allowed: an interpreter and its C library need more calls than anybody
could list for all of their versions. So it says what it keeps away (see `FORBIDDEN`), and no more than that.

Runs in the child as well, before its limits: nothing but the standard library may be imported.
"""

from __future__ import annotations

import os
import platform
import struct
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["FORBIDDEN", "available", "close"]

_SET_NO_NEW_PRIVS, _GET_SECCOMP, _SET_SECCOMP, _MODE_FILTER = 38, 21, 22, 2
_NO_SUCH_CALL, _NOT_PERMITTED = 38, 1
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _EQUALS, _AT_LEAST, _HAS_BITS, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_AT, _SECOND_AT = 0, 4, 16, 24
_OF_ANOTHER_ABI: Final = 0x40000000
_THREAD: Final = 0x10000

FORBIDDEN: Final[Mapping[str, tuple[int, int]]] = {
    # the network, and daemons of this machine that are reached by a socket
    "socket": (41, 198), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # programs (new processes are looked at one by one, since threads begin with the same call)
    "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "tkill": (200, 130),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "kcmp": (312, 272),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "perf_event_open": (298, 241),
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
    "shmctl": (31, 195), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "semop": (65, 193),
    "semctl": (66, 191), "semtimedop": (220, 192),
    # memory that no limit counts
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    # what Landlock does not look at: owners, modes, times and attributes of files
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, -1),
    "lchown": (94, -1), "fchown": (93, 55), "fchownat": (260, 54), "utime": (132, -1), "utimes": (235, -1),
    "futimesat": (261, -1), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463),
    "removexattrat": (466, 466), "file_setattr": (469, 469), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    # the kernel
    "bpf": (321, 280), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "unshare": (272, 97), "setns": (308, 268), "chroot": (161, 51), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "move_mount": (429, 429), "open_tree": (428, 428),
    "fsopen": (430, 430), "mount_setattr": (442, 442), "swapon": (167, 224), "swapoff": (168, 225),
    "reboot": (169, 142), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "syslog": (103, 116), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, -1), "ioperm": (173, -1),
    "vhangup": (153, 58),
}  # fmt: skip
"""Calls that fail with "not permitted": their numbers on x86-64 and on 64-bit ARM; -1 where there is none."""


_SET_OWNER: Final = ((72, 25), (8, 10, 15))
"""`fcntl`, and what of it has signals sent to others."""
_INTO_TERMINALS: Final = ((16, 29), (0x8901, 0x8902, 0x5412, 0x541C))
"""`ioctl`, and what of it does the same, or types into a terminal."""


class _Machine(NamedTuple):
    column: int
    code: int
    clone: int
    kill: int
    tgkill: int
    queue: int
    queue_thread: int
    prlimit: int


_MACHINES: Final = {
    "x86_64": _Machine(0, 0xC000003E, 56, 62, 234, 129, 297, 302),
    "aarch64": _Machine(1, 0xC00000B7, 220, 129, 131, 138, 240, 261),
}
_CLONE3: Final = 435


def available() -> bool:
    """Whether this kernel filters, and the numbers of this machine's calls are known here."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES or sys.maxsize < 2**32:
        return False
    return _control(_GET_SECCOMP, 0) >= 0


def close() -> None:
    """From now on this process, with all its threads to come, does without `FORBIDDEN`, new processes, and signals to
    others. It must have one thread yet. Raises `OSError` where the kernel refuses."""
    import ctypes

    steps = _steps(_MACHINES[platform.machine()], os.getpid())
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    if _control(_SET_NO_NEW_PRIVS, 1) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS was refused")
    if _control(_SET_SECCOMP, _MODE_FILTER, ctypes.create_string_buffer(program)) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP was refused")


def _steps(machine: _Machine, own: int) -> list[tuple[int, int, int, int]]:
    """The filter: what to do, how far to jump if it is so and if not, and with what."""
    deny = (_ANSWER, 0, 0, _ERROR | _NOT_PERMITTED)
    allow = (_ANSWER, 0, 0, _ALLOW)
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUALS, 1, 0, machine.code),
        (_ANSWER, 0, 0, _KILL),  # calls of another kind of machine have other numbers
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _OF_ANOTHER_ABI),
        deny,
        # Without this one the C library falls back on `clone`, whose flags can be seen.
        (_EQUALS, 0, 1, _CLONE3),
        (_ANSWER, 0, 0, _ERROR | _NO_SUCH_CALL),
        (_EQUALS, 0, 4, machine.clone),
        (_LOAD, 0, 0, _FIRST_AT),
        (_HAS_BITS, 0, 1, _THREAD),
        allow,
        deny,
    ]
    for number in (machine.kill, machine.tgkill, machine.queue, machine.queue_thread, machine.prlimit):
        itself = (0, own) if number == machine.prlimit else (own, own)
        steps += [
            (_EQUALS, 0, 5, number),
            (_LOAD, 0, 0, _FIRST_AT),
            (_EQUALS, 1, 0, itself[0]),
            (_EQUALS, 0, 1, itself[1]),
            allow,
            deny,
        ]
    for calls, requests in (_SET_OWNER, _INTO_TERMINALS):
        steps += [(_EQUALS, 0, 2 * len(requests) + 2, calls[machine.column]), (_LOAD, 0, 0, _SECOND_AT)]
        for request in requests:
            steps += [(_EQUALS, 0, 1, request), deny]
        steps.append(allow)
    for numbers in FORBIDDEN.values():
        if numbers[machine.column] >= 0:
            steps += [(_EQUALS, 0, 1, numbers[machine.column]), deny]
    return [*steps, allow]


def _control(*arguments: object) -> int:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    library.prctl.restype = ctypes.c_int
    given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    return int(library.prctl(*given, *[ctypes.c_ulong(0)] * (5 - len(given))))
