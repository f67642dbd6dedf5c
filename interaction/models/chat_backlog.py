"""The findings that the session has handed to the voice and the voice has not dealt with."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from orchestrator.context import Assigned, Entry, Found, Settled
from orchestrator.effects import NOT_CURRENT, MicroTurn, Offer

__all__ = ["Backlog", "still_told", "took_floor"]


class _Kept(msgspec.Struct, frozen=True):
    offer: Offer
    n: int


class Backlog:
    """Offers, each with the micro-turn it came in: that turn is not rested before they are dealt with."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """In the order in which they came."""
        return tuple(kept.offer for kept in self._kept.values())

    @property
    def first_n(self) -> int | None:
        """The oldest micro-turn that is not dealt with because of them."""
        return min((kept.n for kept in self._kept.values()), default=None)

    def hear(self, turn: MicroTurn) -> None:
        """Take in a micro-turn: what is no longer so, what was taken back, and what is offered."""
        if took_floor(turn):
            self.clear()
        wanted = {offer.finding.id for offer in still_wanted(self.offers, turn.entries)}
        self.drop([finding for finding in self._kept if finding not in wanted])
        self.keep(turn.offers, turn.n)

    def keep(self, offers: Iterable[Offer], n: int) -> None:
        """Offers that came with micro-turn `n`; one that comes again takes the place of the one before."""
        for offer in offers:
            self._kept[offer.finding.id] = _Kept(offer, n)

    def drop(self, findings: Collection[str]) -> None:
        """These are dealt with, or not wanted any more."""
        for finding in findings:
            self._kept.pop(finding, None)

    def clear(self) -> None:
        """The session has taken all of them back."""
        self._kept.clear()


def took_floor(turn: MicroTurn) -> bool:
    """Whether the person has begun: then the session takes back what it has offered before and is not being said."""
    return turn.floor in ("person", "both") or any(piece.activity is None for piece in turn.heard)


def still_told(offers: tuple[Offer, ...], turn: MicroTurn, *, begun: bool) -> tuple[Offer, ...]:
    """Those of `offers`, which are being phrased, that may go on being; `begun`: words of it have gone out."""
    if NOT_CURRENT in turn.notices:
        return ()
    wanted = still_wanted(offers, turn.entries)
    if begun:
        return wanted if wanted == offers else ()
    again = {offer.finding.id for offer in turn.offers}
    return tuple(offer for offer in wanted if offer.finding.id in again) if took_floor(turn) else wanted


def still_wanted(offers: Iterable[Offer], entries: Iterable[Entry]) -> tuple[Offer, ...]:
    """Those of `offers` that nothing in `entries` has made untrue."""
    left = list(offers)
    for entry in entries:
        match entry:
            case Settled(finding=finding):
                left = [offer for offer in left if offer.finding.id != finding]
            case Assigned(delegation=delegation, action="amended" | "cancelled" | "superseded"):
                left = [offer for offer in left if offer.finding.delegation != delegation]
            case Found(finding=found) if found is not None and found.terminal:
                left = [
                    offer
                    for offer in left
                    if offer.finding.delegation != found.delegation
                    or offer.finding.id == found.id
                    or offer.finding.terminal
                ]
            case _:
                pass
    return tuple(left)
