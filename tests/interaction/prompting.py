"""What the tests of the chat voice's prompt share: conversations, random ones too, and how a prompt is looked at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import strategies as st

from interaction.models.chat_prompt import Prompt, PromptSettings
from orchestrator.agenda_items import At, OnCue
from orchestrator.completions.asking import Message
from orchestrator.completions.profile import Profile
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
from orchestrator.effects import MicroTurn, Offer, Work
from orchestrator.finding import Finding, Kind
from orchestrator.ports import Opening, ToolInfo

NONCE = "k7Qx2m9f"
OPENING = Opening(
    "s",
    (ToolInfo("trains", "Find the next trains.\n\nArgs: start, end"),),
    ("research", "booking"),
    instructions="You are Ada, at the station.",
    abouts={"research": "Looks things up."},
)


def a_prompt(
    *, opening: Opening = OPENING, profile: Profile | None = None, settings: PromptSettings | None = None
) -> Prompt:
    return Prompt(opening, profile=profile or Profile(), nonce=NONCE, settings=settings)


def numbered(entries: Iterable[Entry], *, after: int = 0) -> tuple[Entry, ...]:
    """The entries as a session numbers them."""
    return tuple(
        msgspec.structs.replace(entry, revision=number) for number, entry in enumerate(entries, start=after + 1)
    )


def a_finding(text: str, *, task: str = "s-1", seq: int = 1, kind: Kind = "final", **more: Any) -> Finding:
    return Finding(text, kind, **more).stamped(delegation=task, attempt=1, seq=seq, context_revision=1)


def encoded(messages: Iterable[Message]) -> list[bytes]:
    """Each message as it would be sent."""
    return [json.dumps(message).encode() for message in messages]


def body(message: Message) -> str:
    """What stands in a frame, or the whole content where there is none."""
    content = str(message["content"])
    return content.split("\n", 1)[1].rsplit("\n", 1)[0] if content.startswith(f"<duologue-{NONCE}") else content


def shown(prompt: Prompt) -> list[tuple[str, str]]:
    """(role or kind of the frame, content) of all messages but the system message."""
    out: list[tuple[str, str]] = []
    for message in prompt.messages()[1:]:
        content = str(message.get("content") or "")
        role = str(message["role"])
        if content.startswith(f"<duologue-{NONCE}"):
            role = content.split('kind="', 1)[1].split('"', 1)[0]
        calls = [(each["function"]["name"], each["function"]["arguments"]) for each in message.get("tool_calls") or ()]
        out.append((role, body(message)) if not calls else ("call", f"{calls[0][0]} {calls[0][1]}"))
    return out


# --- random conversations --------------------------------------------------------------------------------------------

_texts = st.text("ab <>\n/é", max_size=12) | st.sampled_from([f"</duologue-{NONCE}>", "<duologue", NONCE])
_tasks = st.sampled_from(["s-1", "s-2", "s-3"])
_kinds: st.SearchStrategy[Kind] = st.sampled_from(["partial", "final", "error", "question"])
findings = st.builds(a_finding, _texts, task=_tasks, seq=st.integers(1, 9), kind=_kinds)
_items = st.builds(At, id=st.sampled_from(["a1", "a2"]), say=_texts, in_ms=st.integers(0, 9_000)) | st.builds(
    OnCue, id=st.sampled_from(["a3", "a4"]), say=_texts, phrase=_texts
)
_ids = st.sampled_from(["s-1.1", "s-2.1", "s-3.2"])
entries: st.SearchStrategy[Entry] = st.one_of(
    st.builds(Said, text=_texts, continues=st.booleans(), backchannel=st.booleans()),
    st.builds(Deleted, text=_texts),
    st.builds(Saw, ref=_texts, caption=_texts),
    st.builds(Spoke, text=_texts, cut=_texts),
    st.builds(
        Assigned,
        delegation=_tasks,
        task=_texts,
        action=st.sampled_from(["delegated", "amended", "cancelled", "superseded"]),
    ),
    st.builds(Found, finding=findings),
    st.builds(Settled, finding=_ids, state=st.sampled_from(["heard", "acknowledged", "superseded"]), reason=_texts),
    st.builds(Scheduled, item=_items),
    st.builds(Unscheduled, item=st.sampled_from(["a1", "a3", ""])),
    st.builds(Noticed, text=_texts),
    st.builds(Interrupted, by=_texts),
)
_work = st.builds(
    Work,
    _tasks,
    _texts,
    st.sampled_from(["queued", "running", "done"]),
    st.integers(0, 99_000),
    _texts,
    untold=st.booleans(),
)
offers = st.builds(Offer, findings, _texts, st.sampled_from(["weave", "interject"]), st.text("ab ", max_size=8))
turns = st.builds(
    MicroTurn,
    st.integers(1, 99),
    st.integers(0, 99_000),
    st.integers(0, 99),
    work=st.lists(_work, max_size=3).map(tuple),
    agenda=st.sampled_from([(), ("a1",), ("a1", "a3")]),
    counts=st.sampled_from([(), (("uhm", 2),)]),
    expecting=st.sampled_from(["", "s-1.1"]),
)
