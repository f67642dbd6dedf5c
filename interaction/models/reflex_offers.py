"""Delivering findings: one utterance for all that are offered, going on from where an earlier attempt was cut."""

from __future__ import annotations

import msgspec

from interaction.models.reflex_memory import Memory
from interaction.models.reflex_phrasing import body, resumed, together, where
from interaction.models.reflex_round import OPEN, Round
from interaction.models.reflex_tasks import told
from orchestrator.effects import Offer

__all__ = ["deliver"]


def deliver(talk: Round) -> None:
    """Say what is offered, unless the person has just settled it."""
    offers = [_onward(offer) for offer in talk.turn.offers if not talk.settled(offer.finding.id)]
    if not offers:
        return
    ids = {offer.finding.id for offer in offers}
    parts: list[str] = []
    about: list[str] = []
    fresh: list[Offer] = []
    rest: list[str] = []
    for offer in offers:
        finding = offer.finding.id
        if finding in about:
            continue
        if not offer.said.strip():
            fresh.append(offer)
            continue
        group, words = talk.memory.remembered(finding) or ((finding,), "")
        left = resumed(words, offer.said) if words else ""
        if left is None:
            talk.settle((finding,))
            continue
        if not words or not set(group) <= ids:
            # What was said with it is not offered with it now; or it was said before this voice was opened.
            task = talk.memory.tasks.get(offer.finding.delegation, offer.task)
            group, left = (finding,), resumed(body(offer, told(task), lead=False).text, offer.said)
        if left is None:
            talk.settle(group)
            continue
        parts.append(left)
        about.extend(group)
    said_already = set(about)
    pieces: list[str] = []
    for offer in (offer for offer in fresh if offer.finding.id not in said_already):
        task = talk.memory.tasks.get(offer.finding.delegation, offer.task)
        piece = body(offer, told(task) if task else told(""), lead=len(offers) > 1 or _leads(talk, offer))
        pieces.append(piece.text)
        about.append(offer.finding.id)
        if piece.rest:
            rest.append(piece.rest)
        _learn(talk.memory, offer)
    if pieces:
        parts.append(together(pieces))
    if parts:
        talk.memory.rest = "\n".join(rest)
        talk.say(" Also: ".join(parts), tuple(about))


def _onward(offer: Offer) -> Offer:
    """An offer that goes on with what was told already, as one of the rest alone."""
    if not offer.continues:
        return offer
    return msgspec.structs.replace(offer, finding=msgspec.structs.replace(offer.finding, text=offer.rest), said="")


def _learn(memory: Memory, offer: Offer) -> None:
    if offer.finding.kind in ("final", "error", "partial"):
        memory.last_answer = offer.finding.text
        sources = offer.finding.sources
        if sources:
            memory.last_source = where(sources[0]).partition(", line ")[0]


def _leads(talk: Round, offer: Offer) -> bool:
    """Whether it must be said which task this is about: something else runs, or was talked about since."""
    delegation = offer.finding.delegation
    if not offer.task:
        return False
    others = any(work.state in OPEN and work.delegation != delegation for work in talk.turn.work)
    return others or talk.memory.utterances.get(delegation, -1) != talk.memory.matter
