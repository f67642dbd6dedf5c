"""What the chat voice asks its model: requests, made of the prompt, of what is being said, and of what is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interaction.models.chat_flight import Flight
from interaction.models.chat_functions import Deed
from interaction.models.chat_guard import Guard
from interaction.models.chat_prompt import Prompt, PromptSettings
from interaction.models.chat_settings import ChatSettings
from interaction.models.chat_unframing import Unframing
from interaction.models.chat_window import SummaryRequest, Window
from orchestrator.completions.asking import Completion, Message, Request
from orchestrator.completions.profile import Profile
from orchestrator.context import Said
from orchestrator.effects import NOT_CURRENT, Heard, MicroTurn, Offer
from orchestrator.ports import Opening

__all__ = ["Asking"]

_SAYING: Final = 'You are in the middle of saying this, and the person hears it now: "{words}" Do not say it again.'
_BROKEN_OFF: Final = (
    'Your answer broke off on its way. The person hears this much of it: "{words}" Go on exactly from there, in the '
    "middle of the sentence, and do not say again what is said already."
)
_DONE: Final = "Of your calls, this was carried out: {deeds}. Mend only the others."


class Asking:
    """Makes the requests of one conversation. Its prompt only grows."""

    def __init__(self, opening: Opening, *, model: str, profile: Profile, nonce: str, settings: ChatSettings) -> None:
        """Raises `ConfigError` for a nonce that is none."""
        limits: PromptSettings = settings.prompt
        self.prompt: Prompt = Prompt(opening, profile=profile, nonce=nonce, settings=limits)
        self.flight: Flight = Flight()
        self._nonce = nonce
        self.guard: Guard = Guard(settings.guard, known=opening.instructions)
        self.guard.recall(opening.context)
        self.window: Window = Window(self.prompt, profile=profile, settings=limits)
        self._model = model
        self._settings = settings
        self._draft = ""
        self._saying = ""
        self._chars = 0

    # --- what is heard -----------------------------------------------------------------------------------------------

    def hear(self, turn: MicroTurn) -> bool:
        """Take in a micro-turn. Returns whether the person has heard any of what the voice said last."""
        heard = self.flight.learn(turn.entries)
        if not self.flight.words:
            self._saying = ""
        self.prompt.take(turn.entries, tools=turn.tools)
        for notice in turn.notices:
            if notice != NOT_CURRENT:
                self.prompt.note(notice)
        for piece in turn.heard:
            self._type(piece)
        for entry in turn.entries:
            # The session puts the unfinished line into the conversation; what is typed after that is a new draft.
            if isinstance(entry, Said) and self._draft.startswith(entry.text):
                self._draft = self._draft[len(entry.text) :]
        return heard

    def unframing(self) -> Unframing:
        """For one answer: takes out the frames that the model writes itself."""
        return Unframing(self._nonce)

    # --- what is asked -----------------------------------------------------------------------------------------------

    def reply(self, turn: MicroTurn, *, early: bool = False) -> Request:
        """For an answer to what the person said. `early`: also to what they are in the middle of saying."""
        return self._request(turn, draft=self._draft if early else "")

    def tell(self, turn: MicroTurn, offers: tuple[Offer, ...]) -> Request:
        """For the words that tell `offers`."""
        self.prompt.offer(offers)
        return self._request(turn)

    def mend(self, turn: MicroTurn, deeds: tuple[Deed, ...]) -> Request:
        """For another try after calls that could not be carried out; `deeds` are those that were."""
        if deeds:
            self.prompt.note(_DONE.format(deeds="; ".join(f"{deed.name} ({deed.result})" for deed in deeds)))
        return self._request(turn)

    def resume(self, turn: MicroTurn, said: str) -> Request:
        """For the rest of an answer that broke off after `said`."""
        self.prompt.note(_BROKEN_OFF.format(words=said.strip()))
        self._saying = self.flight.words
        return self._request(turn)

    def summary(self, due: SummaryRequest) -> Request:
        """For the memory of the older part of the conversation."""
        model = self._settings.summary_model or self._model
        extra: Mapping[str, Any] = self._settings.extra if model == self._model else {}
        return Request(model, due.messages, max_tokens=due.max_tokens, extra=extra)

    def counted(self, completion: Completion) -> None:
        """The server has counted the last request."""
        self.prompt.counted(completion.usage, self._chars)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _request(self, turn: MicroTurn, *, draft: str = "") -> Request:
        words = self.flight.words
        if words and not self._saying.endswith(words):
            self.prompt.note(_SAYING.format(words=words))
            self._saying = words
        self.prompt.status(turn)
        self.window.fit(draft)
        messages: tuple[Message, ...] = self.prompt.messages(draft)
        self._chars = self.prompt.log.chars
        settings = self._settings
        options: dict[str, Any] = {"temperature": settings.temperature} if settings.temperature is not None else {}
        return Request(
            self._model,
            messages,
            tools=self.prompt.functions.schemas,
            max_tokens=None if settings.max_tokens is None else min(settings.max_tokens, self.window.room(draft)),
            reasoning_effort=settings.reasoning_effort,
            extra=settings.extra,
            **options,
        )

    def _type(self, piece: Heard) -> None:
        if piece.frame or piece.activity is not None:
            return
        if piece.op == "delete":
            self._draft = self._draft[: max(len(self._draft) - len(piece.text), 0)]
        else:
            self._draft += piece.text
        if piece.final:
            self._draft = ""
