"""The conversation that goes with a task, when it is long: told to Redis piece by piece, read by each worker once.

A short conversation travels with its task. A long one is kept in Redis as a list of pieces, to which each hand-off adds
only what was said since the last; a worker that has had a task of this session before reads only the new pieces. So the
k-th hand-off of a long conversation costs what was said since, not all that was ever said.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Final

import msgspec

from orchestrator.bundle import Bundle
from orchestrator.bus.redis_client import RedisClient, Refused
from orchestrator.bus.redis_keys import FrontKeys
from orchestrator.context import Entry

__all__ = ["Conversations", "Parcel", "Told"]

CARRIED_BYTES: Final = 32_768
"""Up to this size a conversation travels with its task: a piece kept apart costs a worker a round trip."""
SESSIONS_KNOWN: Final = 10_000
"""Sessions a front end keeps books on. One that is forgotten is told anew."""
ENTRIES_KEPT: Final = 250_000
"""Context entries a worker keeps, of all sessions: about 100 MB."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Entry])


class Parcel(msgspec.Struct, frozen=True):
    """A task as it goes to Redis. `needed` is 0 where it carries its conversation; see the step `ENQUEUE`."""

    bundle: Bundle
    key: str = ""
    known: int = 0
    needed: int = 0
    piece: bytes = b""


class _Said(msgspec.Struct):
    """What one session's workers can read already."""

    generation: int
    pieces: int = 0
    revision: int = 0
    """Up to where the pieces reach."""
    measured: int = 0
    """Up to where `size` counts, while the conversation still travels along."""
    size: int = 0


class Told:
    """The front end's books: how much of which conversation is in Redis."""

    def __init__(self, own: FrontKeys) -> None:
        self._own = own
        self._sessions: OrderedDict[str, _Said] = OrderedDict()
        # Never the same twice: a worker takes what it has read under a name for what stands there.
        self._generations = itertools.count()

    def parcel(self, bundle: Bundle) -> Parcel:
        """How `bundle` is to be sent just now. Nothing is booked before `arrived`."""
        if len(bundle.context) != bundle.revision:
            # Not a whole conversation from its beginning; then its pieces could not be counted.
            return Parcel(bundle)
        said = self._sessions.get(bundle.session)
        if said is None:
            said = self._sessions[bundle.session] = _Said(next(self._generations))
        self._sessions.move_to_end(bundle.session)
        while len(self._sessions) > SESSIONS_KNOWN:
            self._sessions.popitem(last=False)
        if not said.pieces and self._is_short(said, bundle):
            return Parcel(bundle)
        new = bundle.context[said.revision :]
        return Parcel(
            msgspec.structs.replace(bundle, context=()),
            self._own.context(bundle.session, said.generation),
            said.pieces,
            said.pieces + (1 if new else 0),
            _ENCODER.encode(new) if new else b"",
        )

    def arrived(self, parcel: Parcel) -> None:
        """Redis took the parcel, and its piece with it."""
        said = self._sessions.get(parcel.bundle.session)
        if said is not None and parcel.piece:
            said.pieces, said.revision = parcel.needed, parcel.bundle.revision

    def missed(self, session: str) -> None:
        """Redis has not what it is thought to have: tell all of it again, beside what older tasks may still need."""
        self._sessions[session] = _Said(next(self._generations))

    @staticmethod
    def _is_short(said: _Said, bundle: Bundle) -> bool:
        if said.size <= CARRIED_BYTES and bundle.revision > said.measured:
            said.size += len(_ENCODER.encode(bundle.context[said.measured :]))
            said.measured = bundle.revision
        return said.size <= CARRIED_BYTES


class _Read(msgspec.Struct):
    pieces: int = 0
    entries: list[Entry] = msgspec.field(default_factory=list[Entry])


class Conversations:
    """A worker's copies of the conversations it has had tasks of, those last asked for."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._known: OrderedDict[str, _Read] = OrderedDict()
        self._entries = 0

    async def context(self, key: str, needed: int, revision: int) -> tuple[Entry, ...] | None:
        """The conversation up to `revision`; `None` when it is not there or cannot be read. Raises `Away`.

        One caller at a time.
        """
        read = self._known.setdefault(key, _Read())
        self._known.move_to_end(key)
        if read.pieces < needed:
            try:
                pieces = await self._client.call("LRANGE", key, read.pieces, needed - 1)
            except Refused:
                return None
            for piece in pieces:
                try:
                    entries = _DECODER.decode(piece)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    # Written by a newer front end: then this worker cannot do the task.
                    return None
                read.entries += entries
                read.pieces += 1
                self._entries += len(entries)
        while self._entries > ENTRIES_KEPT and len(self._known) > 1:
            _, dropped = self._known.popitem(last=False)
            self._entries -= len(dropped.entries)
        return tuple(read.entries[:revision]) if read.pieces >= needed and len(read.entries) >= revision else None
