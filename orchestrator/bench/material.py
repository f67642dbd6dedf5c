"""What the scenarios are made of: things to ask for, facts that answer them, and a person with a way of their own."""

from __future__ import annotations

from random import Random
from typing import Final, Literal

from orchestrator.bench.scenario import Arrival, Cue, Fact, Meaning, Scenario, Step, Work
from orchestrator.bench.tempo import BRISK, PLAIN, SPEECH, Tempo, spoken, typed, varied
from orchestrator.finding import Urgency

__all__ = ["AFTER", "LONG", "Maker"]

_TOPICS: Final = (
    (
        "when is the next train to {place}?",
        "The next train to {place} leaves at {hour}:{minute}.",
        "It goes from platform {number}.",
        "A seat to {place} costs {price} euros.",
    ),
    (
        "what will the weather in {place} be like?",
        "In {place} it will be {number} degrees.",
        "Rain reaches {place} at {hour}:{minute}.",
        "The wind there blows with {price} knots.",
    ),
    (
        "find me a table for tonight in {place}",
        "There is a table in {place} at {hour}:{minute}.",
        "It is for {number} people.",
        "Dinner in {place} comes to {price} euros.",
    ),
    (
        "where is my parcel from {place}?",
        "The parcel from {place} arrives at {hour}:{minute}.",
        "It lies in box {number}.",
        "The customs office in {place} wants {price} euros.",
    ),
)
_PLACES: Final = ("Lyon", "Turin", "Ghent", "Porto", "Bergen", "Graz", "Lugano", "Malmo", "Nantes", "Oviedo")
_ASIDES: Final = ("no, put it over there please", "I will be with you in a minute", "yes, the blue one is mine")
_MORE: Final = (
    "well, let me see,",
    "so I was at the market today",
    "and there I met the old man again",
    "you know, the one with the dog",
)
_REMARKS: Final = (
    "by the way, what do you call a baby owl?",
    "and how many feet are there in a mile?",
    "who wrote that song about the yellow boat?",
    "tell me, is a tomato a fruit then?",
    "what was the name of that film with the clock?",
    "do you know how long an egg has to boil?",
)
_ANSWERS: Final = ("That is an owlet.", "Five thousand and more.", "The Beatles did.", "It is one.", "Seven minutes.")
LONG: Final = (
    "Well, that is quite a story, and it begins a long time ago. In the old days people told the time by the sun, by "
    "water, or by candles that burnt down slowly. Then came the first clocks with wheels, which were so large that "
    "they needed a tower, and so poor that they were set right every noon. A good one was worth more than a house."
)
AFTER: Final = Cue()


class Maker:
    """Makes one scenario of `family` from `seed`."""

    def __init__(self, family: str, seed: int) -> None:
        self._family = family
        self._seed = seed
        self._chance: Random = Random(f"{family}/{seed}")
        self._steps: list[Step] = []
        self._facts: list[Fact] = []
        self._works: list[Work] = []
        self.how: Literal["types", "speaks"] = "types" if self._chance.random() < 0.6 else "speaks"
        self._tempo: Tempo = (PLAIN, BRISK)[self._chance.randrange(2)]
        self._requests: int = 0
        self._places: list[str] = self._chance.sample(_PLACES, len(_PLACES))
        self._topics: list[tuple[str, ...]] = self._chance.sample(_TOPICS, len(_TOPICS))
        self._more: list[str] = self._chance.sample(_MORE, len(_MORE))
        self._remarks: list[str] = self._chance.sample(_REMARKS, len(_REMARKS))

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._chance.randrange(least, most + 1)

    def odds(self, percent: int) -> bool:
        """Whether something happens that does in so many of a hundred scenarios."""
        return self._chance.random() * 100 < percent

    # --- the person --------------------------------------------------------------------------------------------------

    def asks(
        self,
        cue: Cue = AFTER,
        *,
        before: str = "",
        means: Meaning | None = None,
        may: int = 0,
    ) -> tuple[str, tuple[str, ...]]:
        """The person asks for something new. Returns the request and its three facts; the last `may` need not be
        told."""
        self._requests += 1
        request = f"r{self._requests}"
        question, *words = self._topics[self._requests % len(self._topics)]
        values = {
            "place": self._places.pop(),
            "hour": self.between(7, 21),
            "minute": f"{self.between(10, 59)}",
            "number": self.between(2, 30),
            "price": self.between(31, 95),
        }
        facts = tuple(f"{request}{letter}" for letter in "abc")
        for number, (fact, text) in enumerate(zip(facts, words, strict=True)):
            self._facts.append(Fact(fact, text.format_map(values), request, must=number < len(facts) - may))
        means = means or Meaning("Let me look that up.")
        line = before + question.format_map(values)
        meaning = Meaning(means.say, request, means.instead_of, means.corrects, means.cancels, means.stale)
        self._says(line, meaning, cue)
        return request, facts

    def _says(
        self,
        line: str,
        means: Meaning,
        cue: Cue = AFTER,
        *,
        how: Literal["types", "speaks", "aside"] | None = None,
        tempo: Tempo | None = None,
        pause_ms: int = 0,
    ) -> Step:
        """The person says a line; with `pause_ms` they stop for so long in the middle of it."""
        how = how or self.how
        words = line.count(" ") + 1
        pause_at = max(1, words // 2)
        if how == "types":
            strokes = typed(line, tempo or self._tempo, self._chance, pause_ms=pause_ms, pause_at=pause_at)
            lasts = strokes[-1].at_ms + varied(180, 60, self._chance)
        else:
            strokes = spoken(line, SPEECH, self._chance, pause_ms=pause_ms, pause_at=pause_at)
            lasts = strokes[-1].at_ms + strokes[-1].ms
        enter = how != "types" or self._chance.random() < 0.8
        yields = 700 if self._chance.random() < 0.5 else 0
        step = Step(f"s{len(self._steps) + 1}", cue, how, line, strokes, lasts, enter, means, yields)
        self._steps.append(step)
        return step

    def remarks(
        self, cue: Cue = AFTER, *, say: str = "", tempo: Tempo | None = None, pause_ms: int = 0, goes_on: bool = False
    ) -> Step:
        """The person says something that needs no work, and expects an answer; or, if it `goes_on`, none yet."""
        if goes_on:
            return self._says(self._more.pop(), Meaning(), cue)
        answer = say or _ANSWERS[self._chance.randrange(len(_ANSWERS))]
        return self._says(self._remarks.pop(), Meaning(answer), cue, tempo=tempo, pause_ms=pause_ms)

    def aside(self, cue: Cue) -> Step:
        """The person speaks to somebody else."""
        line = _ASIDES[self._chance.randrange(len(_ASIDES))]
        return self._says(line, Meaning(), cue, how="aside", pause_ms=self.between(0, 1) * self.between(400, 1_200))

    def listens(self, cue: Cue) -> None:
        """The person says a listener's word."""
        lasts = self.between(250, 450)
        self._steps.append(Step(f"s{len(self._steps) + 1}", cue, "backchannels", "mm-hm", lasts_ms=lasts))

    def leaves(self, cue: Cue, lasts_ms: int, *, cut_off: bool = False) -> Step:
        """The person goes away for so long; `cut_off`: their connection is gone as well."""
        step = Step(f"s{len(self._steps) + 1}", cue, "cut-off" if cut_off else "away", lasts_ms=lasts_ms)
        self._steps.append(step)
        return step

    @property
    def coming(self) -> str:
        """The name the next step will have."""
        return f"s{len(self._steps) + 1}"

    # --- the background ----------------------------------------------------------------------------------------------

    def _text(self, facts: tuple[str, ...]) -> str:
        """What a finding with these facts says."""
        words = {fact.id: fact.words for fact in self._facts}
        return " ".join(words[fact] for fact in facts)

    def arrives(
        self,
        facts: tuple[str, ...],
        cue: Cue,
        *,
        kind: Literal["partial", "final", "error"] = "final",
        seq: int = 1,
        attempt: int = 1,
        urgency: Urgency = "normal",
    ) -> Arrival:
        """A finding with `facts`."""
        return Arrival(cue, kind, seq, self._text(facts), facts, attempt=attempt, urgency=urgency)

    def works_on(self, request: str, *arrivals: Arrival, deaf: bool = False) -> None:
        """What the background does about `request`: it takes it, and then `arrivals`."""
        taken = Arrival(Cue("arrival", after_ms=self.between(30, 200)), "running")
        self._works.append(Work(request, (taken, *arrivals), deaf))

    def made(self) -> Scenario:
        """The scenario."""
        return Scenario(
            f"{self._family}-{self._seed}",
            self._family,
            self._seed,
            varied(450, 40, self._chance),
            tuple(self._steps),
            tuple(fact for fact in self._facts if any(fact.id in arrival.facts for arrival in self._arrivals())),
            tuple(self._works),
        )

    def _arrivals(self) -> list[Arrival]:
        return [arrival for work in self._works for arrival in work.arrivals]
