"""The folder a tool may read, and nothing beside it.

Law: what a path names is resolved first and compared with the resolved root, so neither `..`, nor an absolute path, nor
a link leads out. A walk follows no links at all; whatever it points to within the root is met anyway.

Everything here blocks and belongs in a worker thread.
"""

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec

from orchestrator.errors import ToolFailed, ToolRetry

__all__ = [
    "FileLimits",
    "Folder",
    "WalkedFile",
    "counted",
    "existing",
    "in_folder",
    "is_private",
    "open_file",
    "read_whole",
    "shown",
]

_MADE: Final = (
    ".git .hg .svn .bzr node_modules bower_components .venv venv __pycache__ .mypy_cache .ruff_cache .pytest_cache "
    ".hypothesis .import_linter_cache .tox .nox .eggs .gradle .terraform .idea .cache"
)
SKIPPED_FOLDERS: Final = frozenset(_MADE.split())
"""What programs keep there is not what a person looks for."""

MARKED_AS_MADE: Final = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})
"""A folder that holds one of these is a virtual environment or a cache, whatever it is called."""

PRIVATE: Final = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*",
    ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".htpasswd", ".git-credentials", ".envrc", "*.ppk", "*.jks",
    "*.keystore", "*.kdb", "credentials", "credentials.json", "credentials.y*ml", "client_secret*.json",
    "service[-_]account*.json", "secrets.json", "secrets.toml", "secrets.y*ml", ".dockercfg", "kubeconfig", ".my.cnf",
    ".boto", ".s3cfg", ".vault-token", "terraform.tfstate*", ".*_history",
)  # fmt: skip
"""Files of passwords and keys. A model somewhere else may read what a tool returns, so these are not read."""

PRIVATE_FOLDERS: Final = frozenset(
    (".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", "gcloud")
)
"""Whatever is in them is private, by whichever name."""

NOT_PRIVATE: Final = (".env.example", ".env.sample", ".env.template", ".env.dist", "*.pub")

LARGEST_FOLDER: Final = 100_000
"""Entries of one folder that are looked at; sorting more would hold up a cancelled call."""

NEAR_NAMES: Final = 20_000
"""Files that are looked through for one that was meant when a path does not exist."""

Kind = Literal["folder", "file", "other", "unreadable"]
"""What an entry of a folder is; a link is other."""


class FileLimits(msgspec.Struct, frozen=True):
    """How much a call may look at. What is left out is said in the result."""

    files: int = 50_000
    seconds: float = 20.0
    largest_file: int = 4_000_000
    """Bytes; a search passes over larger ones."""
    listed: int = 500
    """Names that `list_files` returns."""
    line_chars: int = 2_000
    """Beyond it `read_file` cuts a line."""
    read_chars: int = 18_000
    """Characters that one `read_file` returns."""
    scanned_bytes: int = 64_000_000
    """Bytes that `read_file` passes on its way to the first line that is wanted."""


class WalkedFile(msgspec.Struct, frozen=True):
    """A file met on a walk: its name as a person sees it, from the root, and its path as the system wants it."""

    name: str
    real: str


class Folder:
    """An allowed root. Making one touches no disk, so it may be done on the event loop."""

    def __init__(self, root: str | os.PathLike[str] = ".") -> None:
        self._root = Path(root).expanduser().absolute()

    @property
    def root(self) -> Path:
        """The root, with its own links resolved. Raises `ToolFailed` when it is not a folder."""
        real = Path(os.path.realpath(self._root))
        if not real.is_dir():
            raise ToolFailed(f"There is no folder {shown(str(self._root))}.", "It is the one that this tool may read.")
        return real

    def locate(self, path: str) -> Path:
        """The real path of `path`, which a person or a model wrote; an empty one is the root itself. It may not exist.

        Raises:
            ToolRetry: it leads out of the root, or can be no path at all.
            ToolFailed: the root is gone.
        """
        root = self.root
        if "\0" in path:
            raise ToolRetry("That is no path.", "It contains a NUL character.", "Give a path without it.")
        try:
            # A file may really be called ~backup, but what begins with ~/ is meant as a home folder.
            wanted = os.path.expanduser(path) if path.startswith("~/") or path == "~" else path
            real = Path(os.path.realpath(root / wanted))
        except (OSError, ValueError) as error:
            raise ToolRetry("That is no path.", f"{error}.", "Give a plainer one.") from error
        if real != root and not real.is_relative_to(root):
            raise ToolRetry(
                f"{shown(path)} is outside of the folder that may be read.",
                f"Only what is in {shown(str(root))} may be read.",
                "Give a path within it, from there on.",
            )
        try:
            os.stat(real)
        except (FileNotFoundError, NotADirectoryError):
            pass  # whoever asked says what that means
        except OSError as error:
            raise ToolRetry("That path leads nowhere.", f"{error.strerror}.", "Give another one.") from error
        return real

    def name(self, real: Path) -> str:
        """How a person calls what `locate` gave: from the root on, with slashes; empty for the root."""
        name = shown(real.relative_to(self.root).as_posix())
        return "" if name == "." else name

    def walk(self, top: Path, skipped: Counter[str]) -> Iterator[WalkedFile | None]:
        """Every file under `top`, near ones first, in the order of their names; `skipped` counts what was passed over.

        Each folder begins with a `None`, so that whoever walks a slice at a time gets a word in where no files are.
        What vanishes or cannot be read while the walk goes on is counted, never raised.
        """
        root = self.root
        prefix = "" if top == root else f"{top.relative_to(root).as_posix()}/"
        waiting = deque([(str(top), prefix)])
        while waiting:
            folder, prefix = waiting.popleft()
            yield None
            try:
                entries = sorted(in_folder(folder))
            except OSError:
                skipped["unreadable"] += 1
                continue
            if folder != str(top) and not MARKED_AS_MADE.isdisjoint(name for name, _ in entries):
                continue
            for name, kind in entries:
                match kind:
                    case "folder" if name not in SKIPPED_FOLDERS:
                        waiting.append((os.path.join(folder, name), f"{prefix}{name}/"))
                    case "file":
                        yield WalkedFile(shown(prefix + name), os.path.join(folder, name))
                    case "unreadable":
                        skipped["unreadable"] += 1
                    case "folder" | "other":
                        pass


def in_folder(real: str | Path) -> list[tuple[str, Kind]]:
    """What is in a resolved folder, links not followed; at most `LARGEST_FOLDER` of it. Raises `OSError`."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = _open_resolved(os.fspath(real), flags)
    try:
        with os.scandir(descriptor) as found:
            return [(entry.name, _kind(entry)) for entry in islice(found, LARGEST_FOLDER)]
    finally:
        os.close(descriptor)


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if entry.is_file(follow_symlinks=False) else "other"
    except OSError:
        return "unreadable"


def open_file(real: str | Path) -> int:
    """A descriptor of a regular file. Raises `OSError`, also for a pipe or a device, which would never end."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = _open_resolved(os.fspath(real), flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a regular file")
    return descriptor


def _open_resolved(real: str, flags: int) -> int:
    """Open a resolved path that must hold no link any more.

    A folder on the way may be swapped for a link after it was compared with the root, so on Linux each is opened from
    the one before and no link is followed. Elsewhere only the last name is held so.
    """
    search_only = getattr(os, "O_PATH", 0)
    if not search_only or not os.path.isabs(real):
        return os.open(real, flags)
    *folders, last = [part for part in real.split("/") if part]
    at = os.open("/", search_only | os.O_DIRECTORY)
    try:
        for name in folders:
            inner = os.open(name, search_only | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(last, flags, dir_fd=at)
    finally:
        os.close(at)


def read_whole(real: str | Path, largest: int) -> bytes | None:
    """The bytes of a file; `None` when there are more than `largest`. Raises `OSError`."""
    with open(open_file(real), "rb") as file:
        data = file.read(largest + 1)
    return None if len(data) > largest else data


def is_private(name: str) -> bool:
    """Whether a file is one of passwords or keys, going by its name and that of its folders."""
    *folders, last = name.casefold().split("/")
    if not PRIVATE_FOLDERS.isdisjoint(folders):
        return True
    return any(fnmatchcase(last, pattern) for pattern in PRIVATE) and not any(
        fnmatchcase(last, pattern) for pattern in NOT_PRIVATE
    )


def shown(path: str) -> str:
    """A path that can be written anywhere: names on a disk may hold bytes that are no text, and line ends."""
    text = path.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def existing(folder: Folder, path: str, real: Path) -> Path:
    """The file that was meant by `path`, for which `locate` gave `real`.

    A person says "the readme" and means README.md; one candidate is enough to take it.
    Raises `ToolRetry` when there is none, or more than one.
    """
    if real.is_file() or real.is_dir():
        return real
    wanted = path.strip().casefold().removeprefix("./")
    near: list[WalkedFile] = []
    for file in islice(folder.walk(folder.root, Counter()), NEAR_NAMES):
        if file is None:
            continue
        name = file.name.casefold()
        last = name.rpartition("/")[2]
        if wanted and (name.endswith(f"/{wanted}") or name == wanted or last.partition(".")[0] == wanted):
            near.append(file)
    # Near the top means more: README.md is the one of the project, not that of some folder in it.
    nearest = min((file.name.count("/") for file in near), default=0)
    meant = [file for file in near if file.name.count("/") == nearest]
    if len(meant) == 1:
        return Path(meant[0].real)
    if near:
        names = ", ".join(file.name for file in near[:5])
        raise ToolRetry(f"There are several files like {shown(path)}.", f"There is {names}.", "Say which one.")
    raise ToolRetry(
        f"There is no file {shown(path)}.", "Nothing of that name is there.", "Search or list the files first."
    )


def counted(number: int, one: str, many: str = "") -> str:
    """A number with the word it counts."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
