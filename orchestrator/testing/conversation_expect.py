"""What a test expects of a conversation that has been held. What does not hold prints the conversation around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn, Protocol, Self

from orchestrator.decisions import Drop, Hold, Splice, Style
from orchestrator.errors import UsageError
from orchestrator.testing.conversation_person import Act, Span
from orchestrator.testing.conversation_picture import picture
from orchestrator.testing.conversation_record import Account, Decided

__all__ = ["Expectation", "Expectations", "Lasting", "Soon"]


class Lasting(Protocol):
    """Anything with a beginning and an end, in milliseconds of session time."""

    @property
    def begins_ms(self) -> int:
        """When it began."""
        ...

    @property
    def ends_ms(self) -> int:
        """When it ended."""
        ...


class _Witness:
    """Who says what is wrong, and shows it."""

    def __init__(self, account: Account, acts: Sequence[Act]) -> None:
        self.account: Account = account
        self._acts = acts

    def fail(self, what: str, why: str, marks: Sequence[Span] = ()) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError(f"{what}\n{why}\n\n{picture(self.account, self._acts, marks)}")


class Expectation:
    """Something that happened, once or more often. Each further condition keeps the times that meet it.

    Raises `AssertionError` where none does.
    """

    def __init__(self, witness: _Witness, what: str, times: Sequence[Span]) -> None:
        self._witness = witness
        self._what = what
        self.times: Sequence[Span] = times

    @property
    def begins_ms(self) -> int:
        """The first of the times that are left: its beginning."""
        return self.times[0].begins_ms

    @property
    def ends_ms(self) -> int:
        """The first of the times that are left: its end."""
        return self.times[0].ends_ms

    def between(self, from_ms: int, to_ms: int) -> Self:
        """It began no earlier than `from_ms` and no later than `to_ms`."""
        __tracebackhide__ = True
        return self._keep(self._in(from_ms, to_ms), f"between {from_ms:,} and {to_ms:,} ms")

    def after(self, what: Lasting | int) -> Self:
        """It began when `what` (or this millisecond) was over."""
        __tracebackhide__ = True
        end = what if isinstance(what, int) else what.ends_ms
        return self._keep([span for span in self.times if span.begins_ms >= end], f"after {end:,} ms")

    def before(self, what: Lasting | int) -> Self:
        """It was over when `what` began (or this millisecond came)."""
        __tracebackhide__ = True
        begin = what if isinstance(what, int) else what.begins_ms
        return self._keep([span for span in self.times if span.ends_ms <= begin], f"before {begin:,} ms")

    def within(self, ms: int) -> Soon:
        """`within(300).after(x)`: it began at most 300 ms after `x` was over."""
        return Soon(lambda end: self._keep(self._in(end, end + ms), f"within {ms:,} ms after {end:,} ms"))

    def _in(self, from_ms: int, to_ms: int) -> list[Span]:
        return [span for span in self.times if from_ms <= span.begins_ms <= to_ms]

    def _keep(self, kept: Sequence[Span], condition: str) -> Self:
        __tracebackhide__ = True
        if not kept:
            times = ", ".join(f"{span.begins_ms:,} ms" for span in self.times)
            self._witness.fail(f"Expected {self._what} {condition}.", f"It was at {times}.", self.times)
        self.times = kept
        return self


class Soon:
    """Half a condition: how long after."""

    def __init__(self, kept: Callable[[int], Expectation]) -> None:
        self._kept = kept

    def after(self, what: Lasting | int) -> Expectation:
        """It began when `what` (or this millisecond) was over, and no later than so long after."""
        __tracebackhide__ = True
        return self._kept(what if isinstance(what, int) else what.ends_ms)


class Expectations:
    """What can be expected. Words are found in any case, and also within words."""

    def __init__(self, account: Account, acts: Sequence[Act]) -> None:
        self._account = account
        self._witness = _Witness(account, acts)

    def said(self, words: str) -> Expectation:
        """The assistant said `words`, in one utterance. The time is that of their first and last piece."""
        __tracebackhide__ = True
        return self._happened(f'the assistant to say "{words}"', self._account.said(words, card=False), words)

    def shown(self, words: str) -> Expectation:
        """A card with `words` was shown."""
        __tracebackhide__ = True
        return self._happened(f'a card with "{words}"', self._account.said(words, card=True), words)

    def heard_once(self, words: str) -> Expectation:
        """The person was told `words` exactly once, aloud or on a card."""
        __tracebackhide__ = True
        times = sorted(
            [*self._account.said(words, card=False), *self._account.said(words, card=True)],
            key=lambda span: span.begins_ms,
        )
        what = f'"{words}" to be heard once'
        if len(times) > 1:
            all_times = ", ".join(f"{span.begins_ms:,} ms" for span in times)
            self._witness.fail(f"Expected {what}.", f"It was told {len(times)} times: at {all_times}.", times)
        return self._happened(what, times, words)

    def never_said(self, words: str) -> None:
        """The assistant said no such words; a card may have shown them."""
        __tracebackhide__ = True
        times = self._account.said(words, card=False)
        if times:
            self._witness.fail(
                f'Expected the assistant never to say "{words}".', f"It did at {times[0].begins_ms:,} ms.", times
            )

    def silent_while(self, spans: Lasting | Iterable[Lasting]) -> None:
        """The assistant said nothing between the beginning and the end of each of `spans`.

        `person.holding` is what one usually means. What is said at the very first millisecond does not count: it may
        be what the person broke into.
        """
        __tracebackhide__ = True
        given: list[Lasting] = list(spans) if isinstance(spans, Iterable) else [spans]
        if not given:
            raise UsageError(
                "There is no time to be silent in.", "The spans are empty.", "Let the person do something."
            )
        for span in given:
            for utterance in self._account.utterances:
                over = [at for at, _ in utterance.pieces if span.begins_ms < at < span.ends_ms]
                if over and not utterance.card:
                    what = f"Expected silence from {span.begins_ms:,} to {span.ends_ms:,} ms."
                    words = "".join(text for at, text in utterance.pieces if at in over)
                    marks = [Span(over[0], over[-1]), Span(span.begins_ms, span.begins_ms), utterance.span]
                    self._witness.fail(what, f'The assistant said "{words.strip()}" at {over[0]:,} ms.', marks)

    def delegated(self, words: str = "", *, times: int | None = None) -> Expectation:
        """A task with `words` in it was handed to the background; `times`: exactly so often."""
        __tracebackhide__ = True
        found = [Span(at_ms, at_ms) for at_ms, _ in self._account.delegated(words)]
        what = f'a task with "{words}"' if words else "a task"
        if times is not None and len(found) != times:
            self._witness.fail(f"Expected {what} {times} times.", f"There were {len(found)}.", found)
        return Expectation(self._witness, what, found) if times == 0 else self._happened(what, found, words)

    def found(self, words: str) -> Expectation:
        """A finding with `words` arrived from the background."""
        __tracebackhide__ = True
        times = [Span(at_ms, at_ms) for at_ms, _ in self._account.findings(words)]
        return self._happened(f'a finding with "{words}"', times, words)

    def held(self, words: str, *, reason: str = "") -> Expectation:
        """The policy held back a finding with `words`; `reason`: words of why."""
        __tracebackhide__ = True
        found = [item for item in self._account.decisions(words) if isinstance(item.decision, Hold)]
        return self._decided("held", words, reason, found)

    def dropped(self, words: str, *, reason: str = "") -> Expectation:
        """The policy decided that a finding with `words` is never told; `reason`: words of why."""
        __tracebackhide__ = True
        found = [item for item in self._account.decisions(words) if isinstance(item.decision, Drop)]
        return self._decided("dropped", words, reason, found)

    def spliced(self, words: str, *, reason: str = "", style: Style | None = None) -> Expectation:
        """The policy decided that a finding with `words` is told; `reason`: words of why, `style`: and in this way."""
        __tracebackhide__ = True
        found = [
            item
            for item in self._account.decisions(words)
            if isinstance(item.decision, Splice) and style in (None, item.decision.style)
        ]
        return self._decided(f"spliced{f' as {style}' if style else ''}", words, reason, found)

    def _decided(self, verb: str, words: str, reason: str, found: Sequence[Decided]) -> Expectation:
        __tracebackhide__ = True
        meant = [item.span for item in found if reason.lower() in item.decision.reason.lower()]
        because = f' because "{reason}"' if reason else ""
        what = f'"{words}" to be {verb}{because}'
        if found and not meant:
            given = "; ".join(dict.fromkeys(item.decision.reason for item in found))
            self._witness.fail(f"Expected {what}.", f"It was, but because: {given}.", [item.span for item in found])
        return self._happened(what, meant, words)

    def _happened(self, what: str, times: Sequence[Span], words: str) -> Expectation:
        __tracebackhide__ = True
        if not times:
            self._witness.fail(f"Expected {what}.", "It did not happen.", self._near(words))
        return Expectation(self._witness, what, times)

    def _near(self, words: str) -> list[Span]:
        """Where to look for why not: all else that has to do with these words."""
        if not words:
            return []
        found = [Span(at_ms, at_ms) for at_ms, _ in self._account.findings(words)]
        decided = [Span(item.span.begins_ms, item.span.begins_ms) for item in self._account.decisions(words)]
        told = [*self._account.said(words, card=False), *self._account.said(words, card=True)]
        return [*found, *decided, *told]
