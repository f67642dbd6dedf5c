"""One task of the reasoner on a language model: asking, running what the model calls, and coming to an end.

Laws: what was said is read before every model call. Each call of a function has exactly one result, in call order. A
budget or a deadline ends in an answer where it can, and in one plain word where it cannot. Nothing that a model or its
server does wrong leaves this room.
"""

from __future__ import annotations

import json
import random
from contextlib import AsyncExitStack
from typing import Final

import anyio
import msgspec

from background.frames import Frames, mark_of
from background.models.chat_call import ModelCall
from background.models.chat_calls import run
from background.models.chat_conversation import lines_of
from background.models.chat_functions import Functions, Question, Use, Wanted, Wrong
from background.models.chat_models import Line
from background.models.chat_output import Misfit, Shape
from background.models.chat_prompt import EMPTY, GO_ON, answer_now, closing, misfit, since_then, system
from background.models.chat_sentences import Growth
from background.models.chat_settings import ChatReasonerSettings
from background.models.chat_sources import Sources, without_marks
from background.models.chat_spending import CHARS_A_TOKEN, Spending, smaller
from background.models.chat_transcript import Transcript
from background.models.chat_troubles import Troubles, in_one_line
from orchestrator.bundle import Bundle
from orchestrator.completions.asking import Completion, Completions, FunctionCall, Message, Request
from orchestrator.completions.sharing import SharedEndpoint
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.finding import Finding
from orchestrator.ports import Desk, Result

__all__ = ["Plan", "Work"]

MARGIN_S: Final = 0.3
"""So long before the deadline we speak ourselves: what comes later is not heard any more."""
ROUNDING_S: Final = 0.01
ROOM_TO_ANSWER: Final = 4_000
"""Tokens of a window that are kept free for the answer."""
GLIMPSE: Final = 160
"""Characters of a result that are told where there is no answer."""


class Plan(msgspec.Struct, frozen=True):
    """What the tasks of one reasoner share."""

    models: tuple[Line, ...]
    settings: ChatReasonerSettings
    instructions: str
    shape: Shape | None
    chance: random.Random


class Work:
    """One task."""

    def __init__(self, plan: Plan, bundle: Bundle, desk: Desk) -> None:
        self._plan = plan
        self._bundle = bundle
        self._desk = desk
        settings = plan.settings
        budget = smaller(bundle.budget, settings.budget)
        self._unpriced = budget.cost is not None and any(line.model not in settings.prices for line in plan.models)
        self._spending = Spending(budget, settings.prices)
        self._frames = Frames(mark_of(plan.chance), plan.chance)
        self._functions = Functions(desk.tools, asking=settings.questions > 0)
        self._transcript = Transcript(
            lines_of(bundle.context, own=bundle.id),
            closing(bundle, budget, desk.remaining_s, self._frames),
            self._frames,
        )
        self._troubles = Troubles(plan.models, settings, plan.chance)
        self._sources = Sources()
        partials = plan.shape is None if settings.partials is None else settings.partials and plan.shape is None
        self._growth = Growth(first=settings.partial_chars, step=settings.partial_step) if partials else None
        self._answer_s = min(settings.answer_s, desk.remaining_s / 4)
        self._questions = settings.questions
        self._repairs = settings.repairs
        self._continuations = settings.continuations
        self._empties = 1
        self._urged = 0
        self._head = ""
        """What the model had written of its answer when it was cut at its limit of length."""
        self._found: list[str] = []
        self._why_last = ""
        self._counted = (0, 0)
        """Tokens of a prompt as the server counted them, and its characters."""
        self._described_size = len(json.dumps(self._functions.described, default=str))
        self._way: SharedEndpoint | None = None
        self._completions: Completions

    async def answer(self) -> Finding:
        """The one terminal finding."""
        if self._unpriced:
            return Finding.error(
                "I did not begin, since the task may only cost so much and nobody told me what the model costs: "
                "its prices belong into the settings of the reasoner."
            )
        async with AsyncExitStack() as ways:
            while True:
                # The one that is asked now; a model that nobody falls back on is never opened.
                if self._way is not self._troubles.line.way:
                    self._way = self._troubles.line.way
                    self._completions = await ways.enter_async_context(self._way.held())
                self._read()
                self._fit()
                over = self._over()
                if over:
                    return self._stopped(over)
                finding = await self._round()
                # A correction may have come with the last word. Then this answers the request as it was: not any more.
                if finding is not None and not self._read():
                    return finding

    async def _round(self) -> Finding | None:
        """One model call, and what follows from it; `None` when there is more to do."""
        last = self._last()
        if last and last != self._why_last:
            self._why_last = last
            self._transcript.note(answer_now(last))
        call = ModelCall(self._desk, self._growth, head=self._head, tools=not last and bool(self._functions.described))
        line = self._troubles.line
        try:
            answer = await call.make(self._completions, self._request(bool(last)), self._time(bool(last)))
        except ModelTrouble as trouble:
            return await self._trouble(trouble)
        finally:
            if call.begun:
                usage = call.usage(self._prompt())
                self._spending.book(line.model, usage)
                if not usage.estimated and usage.input:
                    self._counted = (usage.input, self._size())
        self._troubles.worked()
        if answer is not None:
            return await self._take(answer, last)
        if call.corrected:
            if self._growth is not None:
                self._growth.forget()
            self._head = ""
            return None
        return self._timed_out(call) if last or call.text else None

    # --- before a call -----------------------------------------------------------------------------------------------

    def _read(self) -> bool:
        """Take in what was said since. Whether it changes what is asked for."""
        amendments = self._desk.amendments()
        entries = [entry for amendment in amendments for entry in amendment.entries]
        text = since_then(lines_of(entries, own=self._bundle.id), amendments, self._frames)
        if text:
            self._transcript.tell(text)
        corrected = any(amendment.text and not amendment.answers for amendment in amendments)
        if corrected:
            self._head, self._why_last, self._urged = "", "", 0
            if self._growth is not None:
                self._growth.forget()
        return corrected

    def _fit(self) -> None:
        whole = self._completions.profile.window
        window = whole - min(self._plan.settings.max_tokens or ROOM_TO_ANSWER, whole // 3)
        if self._prompt() > window > 0:
            around = self._size() - self._transcript.size
            self._transcript.shrink(max(0, self._size() * window // self._prompt() - around))

    def _over(self) -> str:
        """Why nothing more can be done."""
        if self._desk.remaining_s <= MARGIN_S:
            return "its time is up"
        if self._urged >= 3:
            return "the model does not come to an answer"
        return self._spending.over(self._troubles.line.model, self._prompt())

    def _last(self) -> str:
        """Why the next call has to bring the answer."""
        if self._desk.remaining_s <= self._answer_s + MARGIN_S + ROUNDING_S:
            return "there is hardly any time left"
        return self._spending.last(self._troubles.line.model, self._prompt())

    def _time(self, last: bool) -> tuple[float, float]:
        """Seconds that a call may take before it says anything, and in all."""
        whole = max(0.0, self._desk.remaining_s - MARGIN_S)
        return (whole if last else max(0.0, whole - self._answer_s)), whole

    def _request(self, last: bool) -> Request:
        settings = self._plan.settings
        line = self._troubles.line
        profile = self._completions.profile
        tools = self._functions.described
        shape = self._plan.shape
        return Request(
            line.model,
            self._messages(),
            tools=tools,
            # The functions stay in the request, since a prompt without them is another one to the cache.
            tool_choice="none" if tools and last else None,
            max_tokens=self._spending.longest_answer(self._prompt(), settings.max_tokens),
            temperature=settings.temperature,
            reasoning_effort=settings.reasoning_effort,
            response_format=None if shape is None else shape.asked_for(profile, with_tools=bool(tools) and not last),
        )

    def _messages(self) -> tuple[Message, ...]:
        return {"role": "system", "content": self._system()}, *self._transcript.messages

    def _system(self) -> str:
        extra = () if self._plan.shape is None else (self._plan.shape.instruction,)
        return system(self._frames, instructions=self._plan.instructions, today=self._plan.settings.today, extra=extra)

    def _size(self) -> int:
        """Characters of the next prompt."""
        return self._transcript.size + len(self._system()) + self._described_size

    def _prompt(self) -> int:
        """Tokens of the next prompt: what the server counted in the last one, and an estimate of what is new."""
        tokens, size = self._counted
        return max(1, tokens + (self._size() - size) // CHARS_A_TOKEN)

    # --- after a call ------------------------------------------------------------------------------------------------

    async def _take(self, answer: Completion, last: str) -> Finding | None:
        if answer.calls:
            # What was called before a correction came must not be begun after it.
            if not self._read():
                self._urged += bool(last)
                await self._use(answer, last)
            return None
        text = self._head + answer.text
        if not answer.text.strip():
            if self._empties:
                self._empties -= 1
                self._transcript.note(EMPTY)
                return None
            return self._stopped("the model gave no answer")
        if answer.finish == "length" and self._continuations:
            self._continuations -= 1
            self._head = text
            self._transcript.answered(answer.text)
            self._transcript.note(GO_ON)
            return None
        return self._final(text, cut=answer.finish == "length")

    def _final(self, text: str, *, cut: bool = False) -> Finding | None:
        if self._plan.shape is not None:
            return self._shaped(self._plan.shape, text)
        said = without_marks(text.strip())
        if cut:
            said += " That is as far as I got: the answer was cut off."
        return self._told(said, text)

    def _shaped(self, shape: Shape, text: str) -> Finding | None:
        read = shape.read(text)
        self._head = ""
        if isinstance(read, Misfit):
            if not self._repairs:
                return Finding.error(
                    "I have an answer, but not in the form it must have: " + " ".join(read.problem.split())
                )
            self._repairs -= 1
            self._transcript.answered(text)
            self._transcript.note(misfit(read.problem))
            return None
        return self._told(without_marks(read.text), text, {"value": read.value})

    def _told(self, said: str, written: str, data: dict[str, object] | None = None) -> Finding:
        sources = self._sources.used_in(written)
        return Finding.final(said, sources=sources, data={**(data or {}), "usage": self._spending.told()})

    async def _use(self, answer: Completion, last: str) -> None:
        """Run what the model has called."""
        self._head = ""
        if answer.text.strip():
            # It was no answer, but what the model is about to do.
            await self._desk.progress(_glimpse(answer.text))
        if self._growth is not None:
            self._growth.forget()
        ids = self._transcript.called(answer.text, answer.calls)
        wanted = [self._allowed(call, last) for call in answer.calls]
        for item in wanted:
            if isinstance(item, Use):
                name = item.call.name.replace("_", " ")
                await self._desk.publish(Finding(f"Using {name}", "progress", channel=item.channel))
        results = await run(self._desk, wanted, within_s=max(0.0, self._desk.remaining_s - MARGIN_S - self._answer_s))
        for id_, call, result in zip(ids, answer.calls, results, strict=True):
            described = self._described(call, result)
            self._transcript.result(id_, described, tool=call.name, untrusted=result.untrusted)

    def _allowed(self, call: FunctionCall, last: str) -> Wanted:
        if last:
            return Wrong(f"This call was not made: {last}. Answer now.")
        wanted = self._functions.wanted(call)
        match wanted:
            case Question():
                if not self._questions:
                    return Wrong("No more questions can be put to the person in this task. Go on without an answer.")
                self._questions -= 1
            case Use():
                if not self._spending.may_use_tools(1):
                    return Wrong("This task has used up its function calls, so this one was not made. Answer now.")
                self._spending.tool_calls += 1
            case Wrong():
                pass
        return wanted

    def _described(self, call: FunctionCall, result: Result) -> str:
        text = result.text
        if not result.ok:
            again = " You may call it again with other arguments." if result.retry else ""
            return f"FAILED: {text}{again}"
        if text.strip():
            self._found.append(f"{call.name.replace('_', ' ')}: {_glimpse(text)}")
        listed = self._sources.listed(result.sources)
        return f"{text}\n\nSources:\n{listed}" if listed else text

    # --- troubles and ends -------------------------------------------------------------------------------------------

    async def _trouble(self, trouble: ModelTrouble) -> Finding | None:
        if trouble.cause == "too long" and self._transcript.shrink(int(0.6 * self._transcript.size)):
            await self._desk.progress("That is too long for the model; leaving out what is oldest")
            return None
        asked = self._troubles.line
        step = self._troubles.next_step(trouble, left_s=self._desk.remaining_s - MARGIN_S)
        if step is not None:
            if self._troubles.line is not asked:
                self._transcript.bare()
            await self._desk.progress(step.progress)
            await anyio.sleep(step.pause_s)
            return None
        if self._growth is not None and self._growth.told:
            # The person has heard the beginning: they are told that the rest does not come.
            return self._told(f"{self._growth.told} The rest is missing: {in_one_line(trouble)}", self._growth.told)
        return Finding.error(in_one_line(trouble))

    def _timed_out(self, call: ModelCall) -> Finding:
        whole = call.whole_sentences
        if whole and self._plan.shape is None:
            return self._told(f"{without_marks(whole)} That is as far as I got in the time there was.", whole)
        return self._stopped("its time is up")

    def _stopped(self, why: str) -> Finding:
        """Nothing more can be done: what was found so far, and why it ends here."""
        if not self._found or self._plan.shape is not None:
            found = f" So far I have {'; '.join(self._found)}" if self._found else ""
            return Finding.error(f"I stopped before I had an answer: {why}.{found}")
        return self._told(
            f"I had to stop before I was done: {why}. So far I have this. {' '.join(self._found[-5:])}", ""
        )


def _glimpse(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= GLIMPSE else f"{line[:GLIMPSE].rsplit(' ', 1)[0]} …"
