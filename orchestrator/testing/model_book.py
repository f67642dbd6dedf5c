"""Which request gets which answer: rules first, then the script of its model. And what the prompt cache would hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.completions.asking import Usage
from orchestrator.testing.model_replies import Answer, Reply, When

__all__ = ["AnswerBook", "PromptCache"]


class AnswerBook:
    """Answers by model, in order, and rules for whatever comes in no fixed order."""

    def __init__(self) -> None:
        self._scripts: dict[str, deque[Answer]] = {}
        self._rules: list[When] = []
        self._given: list[int] = []

    def script(self, model: str, answers: Sequence[Answer | str]) -> None:
        """Append to the script of a model; `""` answers for every model that has none left."""
        self._scripts.setdefault(model, deque()).extend(_answer(answer) for answer in answers)

    def when(self, rule: When) -> None:
        """Add a rule. An earlier one goes first."""
        self._rules.append(rule)
        self._given.append(0)

    def answer(self, body: Mapping[str, Any]) -> Answer | None:
        """What this request gets; `None` when nothing is left for it."""
        for place, rule in enumerate(self._rules):
            if (rule.times and self._given[place] >= rule.times) or not rule.fits(body):
                continue
            found = _choose(rule, body, self._given[place])
            if found is not None:
                self._given[place] += 1
                return found
        for model in (str(body.get("model")), ""):
            if script := self._scripts.get(model):
                return script.popleft()
        return None

    def left(self) -> list[str]:
        """What was never asked for: answers of scripts, and rules that must still fire so many times."""
        scripts = [
            f"{len(script)} answers of {model or 'any model'}" for model, script in self._scripts.items() if script
        ]
        rules = [
            f"{rule.times - given} of {rule.times} answers of {_named(rule)}"
            for rule, given in zip(self._rules, self._given, strict=True)
            if given < rule.times
        ]
        return scripts + rules


class PromptCache:
    """What a server with a prefix cache has seen: how much of a prompt is the beginning of an earlier one, too."""

    def __init__(self, *, kept: int = 8) -> None:
        self._kept = kept
        self._seen: dict[str, deque[str]] = {}

    def usage(self, body: Mapping[str, Any], answer: Reply) -> Usage:
        """Count four characters a token, and remember the prompt."""
        prompt = msgspec.json.encode([body.get("tools"), body.get("messages")]).decode()
        seen = self._seen.setdefault(str(body.get("model")), deque(maxlen=self._kept))
        cached = max((common_prefix(prompt, earlier) for earlier in seen), default=0)
        seen.append(prompt)
        said = (
            len(answer.text) + len(answer.thoughts) + sum(len(call.raw or str(call.arguments)) for call in answer.calls)
        )
        return answer.usage or Usage(len(prompt) // 4, -(-said // 4), cached // 4)


def common_prefix(one: str, other: str) -> int:
    """How many characters both begin with. By halves, so that long prompts cost little."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _choose(rule: When, body: Mapping[str, Any], given: int) -> Answer | None:
    reply = rule.reply
    if callable(reply):
        found = reply(body)
        return None if found is None else _answer(found)
    if isinstance(reply, str) or not isinstance(reply, Sequence):
        return _answer(reply)
    return _answer(reply[min(given, len(reply) - 1)]) if reply else None


def _answer(answer: Answer | str) -> Answer:
    return Reply(answer) if isinstance(answer, str) else answer


def _named(rule: When) -> str:
    said = [
        f"{name}={getattr(rule, name)!r}" for name in ("model", "contains", "anywhere", "offers") if getattr(rule, name)
    ]
    return f"When({', '.join(said)})"
