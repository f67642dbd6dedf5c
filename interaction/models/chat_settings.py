"""What the chat voice can be told to do otherwise. Every value has a default that works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interaction.models.chat_guard import GuardSettings
from interaction.models.chat_prompt import PromptSettings
from interaction.turntaking import TurnSettings
from orchestrator.errors import ConfigError

__all__ = ["ChatSettings"]


class ChatSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Times are in milliseconds."""

    max_tokens: int | None = 4_000
    """Of one answer, thoughts included: what is spoken is short, but some models think first. `None`: the server's own
    limit."""
    temperature: float | None = None
    reasoning_effort: str = ""
    """Passed on where the server knows it. A live voice wants little of it."""
    extra: Mapping[str, Any] = {}
    """Whatever else the server wants in the body of each request."""
    filler: str = "On it."
    """What is said when the model hands work over without a word of its own; empty: nothing."""
    confirmation: str = "Okay."
    """The same for what it calls off or puts on the agenda."""
    failed: str = "I couldn't do that."
    """The same where nothing that it tried could be carried out, or where it came to its limit without a word."""
    backchannels: bool = True
    """Whether it puts in a listener's word while the person tells something long."""
    preempt: bool = True
    """Whether it begins to answer where the person has probably finished. What is not used is thrown away."""
    preempts_a_minute: int = 12
    """Answers begun early at most. Each costs a request."""
    preempt_chars: int = 600
    """Characters of an answer begun early that are held before it is known to be wanted; beyond them it is closed."""
    preempt_hold_ms: int = 6_000
    """How long it is held."""
    rounds: int = 2
    """How often the model may mend a function call that could not be carried out."""
    resumes: int = 1
    """How often an answer that broke off in the middle is gone on with."""
    kept: str = "I keep what you asked, and answer as soon as it works again."
    """Said behind what has failed, where it is tried again."""
    given_up: str = "It still does not work, and I have stopped trying. Ask again when it is back."
    """Said where it is tried no more; the next line is tried anew."""
    slow: str = "My model is slow to answer. I'm still waiting for it."
    slow_ms: int = 10_000
    """After so long without a sign of the server the person is told; it is waited for all the same."""
    stall_ms: int = 7_000
    """An answer that is silent so long in its middle has broken off. After 8 s the session takes it for whole."""
    silent_ms: int = 2_000
    """Troubles that are over within this time are not told."""
    retry_first_ms: int = 250
    retry_most_ms: int = 60_000
    """The longest pause between two tries, where the server does not ask for a longer one."""
    give_up_ms: int = 600_000
    """After so long without an answer to a line it is tried no more."""
    hint_most_ms: int = 120_000
    """The longest pause a server can ask for."""
    summary_model: str = ""
    """The model that sums a long conversation up; empty: the voice's own."""
    turns: TurnSettings = TurnSettings()
    """When it is whose turn."""
    prompt: PromptSettings = PromptSettings()
    """How large the prompt may become."""
    guard: GuardSettings = GuardSettings()

    def __post_init__(self) -> None:
        if self.rounds < 0 or self.resumes < 0 or not 0 < self.retry_first_ms <= self.retry_most_ms:
            raise ConfigError(
                "the settings of the chat voice cannot be kept",
                "`rounds` and `resumes` are 0 or more, and the first pause is not longer than the longest",
                "leave them at their defaults",
            )
