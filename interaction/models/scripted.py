"""A voice that follows a script: what to say and to hand over when the person says this or that. A double for tests.

It hears as the embedded voice does, so that the timing of a test is real, and says findings in their own words, so that
a test can search for them. `given.model` lines of a scenario are its rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import msgspec

from interaction.models.reflex_hearing import Hearing
from interaction.models.reflex_phrasing import resumed
from interaction.models.reflex_stream import BrainStream
from interaction.models.reflex_work import asker
from orchestrator.effects import MicroTurn, Offer
from orchestrator.errors import ScenarioError
from orchestrator.events import ModelAmended, ModelDelegated, ModelEvent, ModelRested, ModelSpoke
from orchestrator.ports import InteractionStream, Opening, VoiceTraits

__all__ = ["Handover", "ScriptedBrain", "ScriptedModel", "When"]


class Handover(msgspec.Struct, frozen=True, omit_defaults=True):
    """The work that a rule hands over. No `task`: the person's words. No `tool`: any."""

    tool: str = ""
    task: str = ""
    pool: str = ""


class When(msgspec.Struct, frozen=True, tag_field="type", tag="given.model", omit_defaults=True):
    """When the person says something in which `pattern` is found (case ignored), say and hand over this.

    In a scenario: `{"type": "given.model", "when": "train", "say": "On it.", "delegate": {"tool": "trains"}}`.
    """

    pattern: str = msgspec.field(name="when")
    say: str = ""
    delegate: Handover | None = None


class _Rule(msgspec.Struct):
    when: When
    pattern: re.Pattern[str]
    met: bool = False


class ScriptedBrain:
    """The rules at work in one conversation. Pure, like `ReflexBrain`."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._rules = rules
        self._hearing = Hearing(lambda text: self._rule(text) is not None)
        self._answered: set[str] = set()
        self._spoken: dict[str, tuple[tuple[str, ...], str]] = {}

    def turn(self, turn: MicroTurn) -> tuple[ModelEvent, ...]:
        """What the script makes of one micro-turn: for each utterance the first rule that it meets, then the offers."""
        events: list[ModelEvent] = []
        said: list[str] = []
        for utterance in self._hearing.hear(turn.heard, turn.quiet_ms):
            rule = self._rule(utterance.text)
            if rule is None:
                if turn.expecting and turn.expecting not in self._answered:
                    self._answered.add(turn.expecting)
                    delegation = asker(turn, turn.expecting)
                    events.append(ModelAmended(delegation, utterance.text, answers=turn.expecting))
                continue
            rule.met = True
            given = rule.when.delegate
            if given is not None:
                tools = (given.tool,) if given.tool else ()
                events.append(ModelDelegated(given.task or utterance.text, tools, given.pool))
            if rule.when.say:
                said.append(rule.when.say)
                if len(said) > 1:
                    events.remove(ModelSpoke(" ".join(said[:-1])))
                # What is said in one turn is one utterance to the session.
                events.append(ModelSpoke(" ".join(said)))
        settled = self._deliver(turn.offers, events)
        return (*events, ModelRested(turn.n, settled))

    def _rule(self, text: str) -> _Rule | None:
        return next((rule for rule in self._rules if rule.pattern.search(text)), None)

    def _deliver(self, offers: tuple[Offer, ...], events: list[ModelEvent]) -> tuple[str, ...]:
        """Findings in their own words; returns those that were heard to the end already."""
        texts: list[str] = []
        about: list[str] = []
        settled: list[str] = []
        ids = {offer.finding.id for offer in offers}
        for offer in offers:
            finding = offer.finding.id
            if offer.continues:
                texts.append(offer.rest)
                about.append(finding)
                continue
            if finding in about or finding in settled:
                continue
            group, words = self._spoken.get(finding, ((finding,), offer.finding.text))
            left = resumed(words, offer.said) if offer.said else offer.finding.text
            if left is None or not offer.said:
                group = (finding,)
            elif not set(group) <= ids:
                group, left = (finding,), offer.finding.text
            if left is None:
                settled.extend(group)
            else:
                texts.append(left or "Done.")
                about.extend(group)
        if texts:
            text = " ".join(texts)
            events.append(ModelSpoke(text, tuple(about)))
            self._spoken.update(dict.fromkeys(about, (tuple(about), text)))
        return tuple(settled)


class ScriptedModel:
    """An `InteractionModel` that follows `rules`; the first that is met wins, and what meets none is passed over.

    Raises:
        ScenarioError: a pattern is not a regular expression.
    """

    def __init__(self, rules: Sequence[When]) -> None:
        self._rules = [_Rule(rule, _compiled(rule.pattern)) for rule in rules]

    @property
    def traits(self) -> VoiceTraits:
        """Hears and speaks text."""
        return VoiceTraits(name="scripted", about="Follows a script; for scenarios and tests.")

    @property
    def unmet(self) -> tuple[When, ...]:
        """The rules that nothing the person said has met, in any conversation."""
        return tuple(rule.when for rule in self._rules if not rule.met)

    def assert_complete(self) -> None:
        """Raise `AssertionError` if a rule was never met: the test did not say what it meant to say."""
        if self.unmet:
            raise AssertionError("the person never said: " + ", ".join(repr(rule.pattern) for rule in self.unmet))

    def open(self, opening: Opening) -> AbstractAsyncContextManager[InteractionStream]:
        """Begin a conversation; every conversation follows the same rules."""
        return BrainStream(ScriptedBrain(self._rules))


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ScenarioError(
            f'the pattern "{pattern}" of a given.model line is not a regular expression',
            f"{error}",
            "mend the pattern, or escape its special characters with a backslash",
        ) from error
