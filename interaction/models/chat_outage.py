"""When the model cannot be reached: how long to wait before the next try, and whether the person must be told."""

from __future__ import annotations

from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.troubles import ModelTrouble

__all__ = ["Outage"]


class Outage:
    """One outage, from the first failed request to the next answer. Times are milliseconds of the stream's own time."""

    def __init__(self, settings: ChatSettings, *, spread: float = 0.0) -> None:
        self._settings = settings
        self._spread = 1 + spread / 4
        self._pause_ms = settings.retry_first_ms
        self._asked_ms = 0
        self.since_ms: int | None = None
        """When the first request failed; `None` while all is well."""
        self.told: bool = False
        """Whether the person knows."""
        self.asked_to_wait: bool = False
        """Whether the pause is the server's own wish."""
        self.trouble: ModelTrouble | None = None

    @property
    def tell_at_ms(self) -> int:
        """When the person must be told, if it lasts so long."""
        return (self.since_ms or 0) + self._settings.silent_ms

    def anew(self, at_ms: int) -> None:
        """The person has said something more that is to be answered."""
        self._asked_ms = at_ms

    def too_long(self, at_ms: int) -> bool:
        """Whether it has lasted so long, also since the person asked last, that it is tried no more."""
        return self.since_ms is not None and at_ms - max(self.since_ms, self._asked_ms) >= self._settings.give_up_ms

    def broke(self, trouble: ModelTrouble, at_ms: int) -> int:
        """A request failed in a way that may pass. Returns when to try again."""
        self.since_ms = at_ms if self.since_ms is None else self.since_ms
        self.trouble = trouble
        hint = trouble.retry_after_s
        self.asked_to_wait = hint is not None
        if hint is not None:
            return at_ms + min(
                max(round(hint * 1_000), 0) or self._settings.retry_first_ms, self._settings.hint_most_ms
            )
        # Voices that failed together do not come back together.
        pause = round(self._pause_ms * self._spread)
        self._pause_ms = min(2 * self._pause_ms, self._settings.retry_most_ms)
        return at_ms + pause

    def over(self) -> None:
        """The model has answered."""
        self.since_ms, self.told, self.trouble, self.asked_to_wait = None, False, None, False
        self._pause_ms = self._settings.retry_first_ms
