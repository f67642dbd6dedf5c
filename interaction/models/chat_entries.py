"""The conversation as a chat model is shown it: each entry as the messages it becomes, once and for all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, assert_never, cast

from interaction.models import chat_words
from interaction.models.chat_frames import Frames, shortened
from interaction.models.chat_functions import Deed, item_arguments
from interaction.models.chat_log import Line, line
from orchestrator.completions.asking import Message
from orchestrator.context import (
    Assigned,
    Deleted,
    Entry,
    Found,
    Interrupted,
    Noticed,
    Said,
    Saw,
    Scheduled,
    Settled,
    Spoke,
    Unscheduled,
)
from orchestrator.finding import Finding

__all__ = ["Entries"]

_LONGEST_CUT = 200
_LONGEST_NOTE = 1_000


class Entries:
    """Makes lines of entries. The same entry gives the same bytes."""

    def __init__(self, frames: Frames, *, role: str, finding_chars: int) -> None:
        """`role`: whose name frames go out under."""
        self._frames = frames
        self._role = role
        self._finding_chars = finding_chars

    def person(self, text: str) -> Message:
        """What the person said."""
        return {"role": "user", "content": self._frames.quoted(text.strip())}

    def framed(self, kind: str, text: str, **attributes: str) -> Message:
        """Something the voice is told."""
        return {"role": self._role, "content": self._frames.frame(kind, text, **attributes)}

    def call(
        self, key: str, name: str, arguments: Mapping[str, Any], result: str, extra: Mapping[str, Any] | None = None
    ) -> tuple[Message, ...]:
        """A function call and its result. `key` makes its id: the same key, the same id. `extra`: what the server had
        put on the call."""
        # Nine letters and digits: the one form that every server takes.
        call_id = "c" + hashlib.blake2s(key.encode(), digest_size=4).hexdigest()
        written = json.dumps(self._harmless_arguments(arguments), ensure_ascii=False)
        function = {"name": name, "arguments": written}
        return (
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{**(extra or {}), "id": call_id, "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": call_id, "content": self._frames.quoted(result)},
        )

    def finding(self, finding: Finding) -> Message:
        """A finding, as data."""
        parts = [finding.text.strip()]
        if not parts[0] and finding.data is not None:
            parts = [json.dumps(finding.data, ensure_ascii=False, default=str)]
        parts = [shortened(parts[0], self._finding_chars)]
        if finding.sources:
            names = [f"{each.title} ({each.place})" if each.place else each.title for each in finding.sources]
            parts.append(chat_words.SOURCES.format(names=shortened("; ".join(names), _LONGEST_NOTE)))
        return self.framed(
            "finding",
            "\n".join(parts),
            id=finding.id,
            task=finding.delegation,
            is_a=finding.kind,
            trust="none" if finding.tainted else "",
            channel="silent" if finding.channel == "thinking" else "",
            urgency="" if finding.urgency in ("normal", "low") else finding.urgency,
        )

    def line(self, entry: Entry, deed: Deed | None = None) -> Line | None:
        """The line that `entry` becomes; `None` where it tells a model nothing.

        `deed` is the call that brought the entry about, where it is known.
        """
        revision = entry.revision
        match entry:
            case Said():
                if not entry.text.strip():
                    return None
                if entry.backchannel:
                    return self._note(chat_words.LISTENED.format(text=entry.text.strip()), revision)
                return line("person", self.person(entry.text), revision=revision)
            case Deleted():
                return self._note(chat_words.TOOK_BACK.format(text=entry.text.strip()), revision)
            case Saw():
                seen = self.framed("seen", entry.caption or chat_words.NOT_SEEN, ref=entry.ref)
                return line("frame", seen, revision=revision)
            case Spoke():
                return self._spoke(entry)
            case Assigned():
                return self._assigned(entry, deed)
            case Found():
                if entry.finding is None:
                    return None
                return line("finding", self.finding(entry.finding), revision=revision, finding=entry.finding.id)
            case Settled():
                return self._settled(entry)
            case Scheduled():
                if entry.item is None:
                    return None
                given = item_arguments(entry.item)
                result = chat_words.RESULT_SCHEDULED.format(id=entry.item.id)
                return self._called(f"{entry.item.id}/{revision}", "schedule", given, result, deed, revision)
            case Unscheduled():
                name = entry.item or "all"
                result = chat_words.RESULT_UNSCHEDULED.format(id=entry.item or "everything")
                return self._called(f"{name}/{revision}", "unschedule", {"id": name}, result, deed, revision)
            case Noticed():
                return line("frame", self.framed("event", shortened(entry.text, _LONGEST_NOTE)), revision=revision)
            case Interrupted():
                # What was cut off says it already.
                return None
            case _:
                assert_never(entry)

    def _note(self, text: str, revision: int) -> Line:
        return line("frame", self.framed("note", text), revision=revision)

    def _spoke(self, entry: Spoke) -> Line | None:
        heard, cut = entry.text.strip(), entry.cut.strip()
        messages: list[Message] = []
        if heard:
            messages.append({"role": "assistant", "content": self._frames.quoted(heard)})
        if cut:
            words = chat_words.CUT_OFF if heard else chat_words.CUT_OFF_AT_ONCE
            messages.append(self.framed("note", words.format(text=shortened(cut, _LONGEST_CUT))))
        return line("assistant", *messages, revision=entry.revision) if messages else None

    def _called(
        self, key: str, name: str, arguments: Mapping[str, Any], result: str, deed: Deed | None, revision: int
    ) -> Line:
        given, extra = (arguments, None) if deed is None else (deed.arguments or arguments, deed.extra)
        return line("call", *self.call(key, name, given, result, extra), revision=revision)

    def _assigned(self, entry: Assigned, deed: Deed | None) -> Line:
        name = entry.delegation
        match entry.action:
            case "delegated":
                call, given, result = "delegate", {"task": entry.task}, chat_words.RESULT_DELEGATED
            case "amended":
                call, given, result = "amend", {"task_id": name, "text": entry.task}, chat_words.RESULT_CORRECTED
            case "cancelled":
                call, given, result = "cancel", {"task_id": name}, chat_words.RESULT_CANCELLED
            case "superseded":
                # It was the call of `delegate` before it that replaced it.
                return self._note(chat_words.SUPERSEDED.format(id=name), entry.revision)
        return self._called(f"{name}/{entry.revision}", call, given, result.format(id=name), deed, entry.revision)

    def _settled(self, entry: Settled) -> Line | None:
        why = f" ({entry.reason})" if entry.reason else ""
        match entry.state:
            case "heard":
                return None
            case "acknowledged":
                return self._note(chat_words.NEEDS_NO_WORDS.format(id=entry.finding, why=why), entry.revision)
            case _:
                return self._note(chat_words.NO_LONGER_HOLDS.format(id=entry.finding, why=why), entry.revision)

    def _harmless_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {self._frames.quoted(str(key)): self._harmless(value) for key, value in arguments.items()}

    def _harmless(self, value: Any) -> Any:
        match value:
            case str():
                return self._frames.quoted(value)
            case list() | tuple():
                return [self._harmless(item) for item in cast("Sequence[Any]", value)]
            case Mapping():
                return self._harmless_arguments(cast("Mapping[str, Any]", value))
            case _:
                return value
