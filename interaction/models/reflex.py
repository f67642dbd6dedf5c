"""The embedded voice: rule-based, deterministic, English, no key. It says of itself what it is.

`ReflexBrain` is pure and takes time as an argument, so its behaviour is a table in a test; `ReflexModel` makes a voice
of it. The rooms beside this file: `reflex_hearing` (characters to utterances), `reflex_intents` (utterances to intent),
`reflex_work` and `reflex_items` (what is done about them), `reflex_offers` and `reflex_phrasing` (how findings are
said), `reflex_memory`.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from interaction.models.reflex_brain import ReflexBrain
from interaction.models.reflex_smalltalk import ABOUT
from interaction.models.reflex_stream import BrainStream
from orchestrator.ports import InteractionStream, Opening, VoiceTraits

__all__ = ["ReflexBrain", "ReflexModel"]


class ReflexModel:
    """The embedded voice as an `InteractionModel`.

    Args:
        filler: Whether it says "On it." when it hands work over. Answers, confirmations and findings are said anyway.
    """

    def __init__(self, *, filler: bool = True) -> None:
        self._filler = filler

    @property
    def traits(self) -> VoiceTraits:
        """It hears text while it is typed, also while it speaks; silence alone need not be told to it."""
        return VoiceTraits(name="reflex", about=ABOUT)

    def open(self, opening: Opening) -> AbstractAsyncContextManager[InteractionStream]:
        """Begin a conversation, or take one up that was broken off."""
        return BrainStream(ReflexBrain(opening, filler=self._filler))
