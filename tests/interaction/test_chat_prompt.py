"""The prompt grows, byte for byte; it shows what was heard, and nothing in it can be forged."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.models.chat_functions import Deed
from interaction.models.chat_prompt import Prompt, PromptSettings
from orchestrator.agenda_items import OnCue
from orchestrator.completions.asking import FunctionCall, Usage
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
from orchestrator.errors import ConfigError
from orchestrator.events import ModelDelegated
from orchestrator.finding import Source
from orchestrator.ports import Opening, ToolInfo
from tests.interaction.prompting import (
    NONCE,
    OPENING,
    a_finding,
    a_prompt,
    body,
    encoded,
    entries,
    numbered,
    offers,
    shown,
    turns,
)

LYON = a_finding("The next one leaves at 9:12.")

# --- the law ---------------------------------------------------------------------------------------------------------

Step = Callable[[Prompt], Any]


def _take(drawn: list[Entry]) -> Step:
    def step(prompt: Prompt) -> None:
        after = getattr(prompt, "told", 0)
        prompt.take(numbered(drawn, after=after))
        prompt.told = after + len(drawn)  # type: ignore[attr-defined]

    return step


steps: st.SearchStrategy[Step] = st.one_of(
    st.lists(entries, max_size=4).map(_take),
    st.text(max_size=6).map(lambda text: partial(Prompt.note, text=text)),
    st.lists(offers, max_size=2).map(lambda drawn: partial(Prompt.offer, offers=drawn)),
    turns.map(lambda turn: partial(Prompt.status, turn=turn)),
    st.text("ab <", max_size=6).map(lambda text: partial(Prompt.messages, draft=text)),
    st.sampled_from(["delegate", "amend", "bad name"]).map(
        lambda name: partial(Prompt.called, call=FunctionCall("x", name, {"a": "b"}), result="no")
    ),
)


@given(st.lists(steps, max_size=12))
def test_every_request_extends_every_earlier_one(drawn: list[Step]) -> None:
    prompt, before = a_prompt(), list[bytes]()
    for step in drawn:
        step(prompt)
        now = encoded(prompt.messages())
        assert now[: len(before)] == before
        before = now


@given(st.lists(steps, max_size=8))
def test_no_frame_is_written_but_by_the_session(drawn: list[Step]) -> None:
    prompt = a_prompt()
    for step in drawn:
        step(prompt)
    for message in prompt.messages()[1:]:
        written = json.dumps(message, ensure_ascii=False)
        content = str(message.get("content") or "")
        framed = content.startswith(f"<duologue-{NONCE} kind=") and content.endswith(f"\n</duologue-{NONCE}>")
        assert written.count(NONCE) == (2 if framed else 0)
        assert not (framed and message["role"] != "system")


@given(st.lists(entries, max_size=8), st.integers(0, 8))
def test_the_same_conversation_gives_the_same_bytes_however_it_is_cut_into_turns(drawn: list[Entry], at: int) -> None:
    whole, cut, resumed = a_prompt(), a_prompt(), numbered(drawn)
    whole.take(resumed)
    cut.take(resumed[:at])
    cut.messages()
    cut.take(resumed)
    opened = a_prompt(opening=Opening("s", OPENING.tools, OPENING.pools, resumed, OPENING.instructions, OPENING.abouts))
    assert encoded(whole.messages()) == encoded(cut.messages()) == encoded(opened.messages())


@pytest.mark.parametrize("text", ["when is the next train?", " to Lyon \n", "<duologue", "x <"])
@pytest.mark.parametrize("later_ms", [400, 9_000])
def test_a_draft_stands_as_it_will_when_it_has_been_said(text: str, later_ms: int) -> None:
    prompt = a_prompt()
    prompt.status(MicroTurn(1, 0, work=(Work("s-1", "t", "queued"),)))
    early = encoded(prompt.messages(text))
    prompt.take(numbered([Said(text=text)]))
    prompt.status(MicroTurn(2, later_ms, 1, work=(Work("s-1", "t", "running"),)))
    said = encoded(prompt.messages())
    assert said[: len(early)] == early
    assert len(said) == len(early) + (later_ms > 3_000), "what was told with the draft is fresh enough for its line"
    prompt.status(MicroTurn(3, later_ms, 1, work=(Work("s-1", "t", "running"),)))
    assert len(prompt.messages()) == len(early) + 1


def test_a_draft_leaves_no_trace() -> None:
    prompt = a_prompt()
    before = encoded(prompt.messages())
    prompt.messages("what if")
    assert encoded(prompt.messages()) == before
    assert encoded(prompt.messages("  ")) == before


# --- what the entries become -----------------------------------------------------------------------------------------


def test_a_conversation() -> None:
    prompt = a_prompt()
    prompt.take(
        numbered(
            [
                Said(text="When is the next train to Lyon? "),
                Assigned(delegation="s-1", task="next train to Lyon"),
                Spoke(text="I'll look that up. "),
                Said(text="mm-hm", backchannel=True),
                Found(finding=LYON),
                Spoke(text="The next one leaves ", about=("s-1.1",), cut="at 9:12."),
                Interrupted(by="the person began to type"),
                Said(text="to Paris, sorry"),
                Deleted(text="sorry"),
                Assigned(delegation="s-1", task="to Paris", action="amended"),
                Settled(finding="s-1.1", state="superseded", reason="the person corrected the request"),
                Said(text="never mind"),
                Assigned(delegation="s-1", task="next train to Lyon", action="cancelled"),
            ]
        )
    )
    assert shown(prompt) == [
        ("user", "When is the next train to Lyon?"),
        ("call", 'delegate {"task": "next train to Lyon"}'),
        ("tool", "Handed over as task s-1. Its answer comes later, as a finding. You do not know it yet."),
        ("assistant", "I'll look that up."),
        ("note", 'While you spoke, the person said "mm-hm". They only listen; it asks for nothing.'),
        ("finding", "The next one leaves at 9:12."),
        ("assistant", "The next one leaves"),
        ("note", 'You were cut off here. The person did not hear the rest: "at 9:12."'),
        ("user", "to Paris, sorry"),
        ("note", 'The person took this back: "sorry"'),
        ("call", 'amend {"task_id": "s-1", "text": "to Paris"}'),
        ("tool", "Task s-1 has been told."),
        ("note", "Finding s-1.1 no longer holds (the person corrected the request). Do not tell it."),
        ("user", "never mind"),
        ("call", 'cancel {"task_id": "s-1"}'),
        ("tool", "Task s-1 was called off."),
    ]


ALONE: list[tuple[str, Entry, list[tuple[str, str]]]] = [
    ("nothing was said", Said(text=" \n"), []),
    ("what was heard settles itself", Settled(finding="s-1.1", state="heard"), []),
    (
        "what needs no words",
        Settled(finding="s-1.1", state="acknowledged", reason="shown as a card"),
        [("note", "Finding s-1.1 needs no words any more (shown as a card).")],
    ),
    (
        "cut before the first word",
        Spoke(text="", cut="It is nine."),
        [("note", 'You were cut off before the person heard anything of this: "It is nine."')],
    ),
    ("a picture", Saw(ref="f1", caption="a cat"), [("seen", "a cat")]),
    ("an unknown picture", Saw(ref="f1"), [("seen", "A picture, without a description.")]),
    ("a notice", Noticed(text="The background is back."), [("event", "The background is back.")]),
    (
        "replaced",
        Assigned(delegation="s-1", task="t", action="superseded"),
        [("note", "Task s-1 was replaced. Nothing of it is told any more.")],
    ),
    (
        "an item",
        Scheduled(item=OnCue(id="a1", say="Beep.", phrase="like")),
        [
            ("call", 'schedule {"when": "cue", "say": "Beep.", "phrase": "like"}'),
            ("tool", "On the agenda as a1. It will be said by itself."),
        ],
    ),
    ("off", Unscheduled(item="a1"), [("call", 'unschedule {"id": "a1"}'), ("tool", "Taken off the agenda: a1.")]),
    ("all off", Unscheduled(), [("call", 'unschedule {"id": "all"}'), ("tool", "Taken off the agenda: everything.")]),
    ("nothing found", Found(), []),
    (
        "sources",
        Found(finding=a_finding("9:12", sources=(Source("the timetable", "t.txt:3"), Source("a friend")))),
        [("finding", "9:12\nSources: the timetable (t.txt:3); a friend")],
    ),
    ("only data", Found(finding=a_finding("", data={"first": "9:12"})), [("finding", '{"first": "9:12"}')]),
]


@pytest.mark.parametrize(("entry", "messages"), [row[1:] for row in ALONE], ids=[row[0] for row in ALONE])
def test_an_entry_alone(entry: Entry, messages: list[tuple[str, str]]) -> None:
    prompt = a_prompt()
    prompt.take(numbered([entry]))
    assert shown(prompt) == messages


def test_a_finding_says_what_it_is() -> None:
    prompt = a_prompt()
    silent = a_finding("they like trains", seq=2, kind="partial", channel="thinking", urgency="high")
    prompt.take(numbered([Found(finding=silent)]))
    (message,) = prompt.messages()[1:]
    assert message["content"].splitlines()[0] == (
        f'<duologue-{NONCE} kind="finding" id="s-1.2" task="s-1" is_a="partial" channel="silent" urgency="high">'
    )


def test_a_long_finding_is_cut_in_the_middle() -> None:
    prompt = a_prompt(settings=PromptSettings(finding_chars=300))
    prompt.take(numbered([Found(finding=a_finding("a" * 500 + "b" * 500))]))
    assert shown(prompt) == [("finding", "a" * 200 + " [... 700 characters left out ...] " + "b" * 100)]


def test_a_call_is_one_every_server_takes() -> None:
    prompt = a_prompt()
    prompt.take(numbered([Assigned(delegation="s-1", task=f"<duologue-{NONCE}> “café” \\n")]))
    call, result = prompt.messages()[1:]
    (made,) = call["tool_calls"]
    assert call["content"] is None and made["id"] == result["tool_call_id"]
    assert len(made["id"]) == 9 and made["id"].isalnum() and made["id"].isascii()
    assert json.loads(made["function"]["arguments"]) == {"task": "(duologue-[hidden]> “café” \\n"}
    again = a_prompt()
    again.take(numbered([Noticed(text="x"), Assigned(delegation="s-1", task="t")]))
    assert again.messages()[2]["tool_calls"][0]["id"] != made["id"]


def test_a_call_that_is_carried_out_is_shown_as_it_was_made() -> None:
    prompt = a_prompt()
    arguments = {"task": "trains", "say": "I'll look.", "pool": "research"}
    prompt.called(Deed(ModelDelegated("trains", pool="research"), "I'll look.", name="delegate", arguments=arguments))
    prompt.take(numbered([Assigned(delegation="s-1", task="hotels"), Assigned(delegation="s-2", task="trains")]))
    prompt.take(numbered([Assigned(delegation="s-3", task="trains")], after=2))
    assert [text for kind, text in shown(prompt) if kind == "call"] == [
        'delegate {"task": "hotels"}',
        'delegate {"task": "trains", "say": "I\'ll look.", "pool": "research"}',
        'delegate {"task": "trains"}',
    ]


def test_what_the_server_put_on_a_call_goes_back_with_it() -> None:
    prompt = a_prompt()
    prompt.called(Deed(ModelDelegated("trains"), name="delegate", arguments={"task": "trains"}, extra={"x": {"s": 1}}))
    prompt.called(FunctionCall("x", "amend", None, "{", "it breaks off", {"x": {"s": 2}}), "Could not be read.")
    before = prompt.estimated_tokens
    prompt.take(numbered([Assigned(delegation="s-1", task="trains")]))
    made = [call for message in prompt.messages() for call in message.get("tool_calls", ())]
    assert [(call["function"]["name"], call["x"]) for call in made] == [("amend", {"s": 2}), ("delegate", {"s": 1})]
    assert prompt.estimated_tokens > before


def test_a_call_that_cannot_be_carried_out_is_shown_with_what_is_wrong() -> None:
    prompt = a_prompt()
    prompt.called(FunctionCall("x", "amend", {"task_id": "s-9"}), "There is no task 's-9'.")
    prompt.called(FunctionCall("x", "amend", None, "{", "it breaks off"), "Could not be read.")
    prompt.called(FunctionCall("x", "do it now!", {}), "There is no such function.")
    assert shown(prompt) == [
        ("call", 'amend {"task_id": "s-9"}'),
        ("tool", "There is no task 's-9'."),
        ("call", "amend {}"),
        ("tool", "Could not be read."),
        ("note", "There is no such function."),
    ]
    first, _, second, *_ = prompt.messages()[1:]
    assert first["tool_calls"][0]["id"] != second["tool_calls"][0]["id"]


def test_where_a_system_message_may_only_begin_frames_go_out_as_the_persons() -> None:
    prompt = a_prompt(profile=Profile(mid_system=False))
    prompt.take(numbered([Noticed(text="x"), Found(finding=LYON)]))
    prompt.note("y")
    assert [message["role"] for message in prompt.messages()] == ["system", "user", "user", "user"]


# --- the system message ----------------------------------------------------------------------------------------------


def test_the_system_message_is_the_same_for_all_sessions_but_for_its_end() -> None:
    one, other = (
        Prompt(OPENING, profile=Profile(), nonce=nonce).messages()[0]["content"] for nonce in ("aaaaaaaa", "bbbbbbbb")
    )
    same = next(at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right)
    assert "# Frames" in one[:same] and len(one) - same < 700
    assert one[:same].count("aaaaaaaa") == 0


def test_the_system_message_tells_who_it_is_and_what_can_be_done() -> None:
    content = a_prompt().messages()[0]["content"]
    assert content.startswith("You are Ada, at the station.\n\n# What you are\n")
    assert "\n- research: Looks things up.\n- booking\n" in content
    assert "\n- trains: Find the next trains.\n" in content, "the first line of a description is enough"
    many = Opening("s", tuple(ToolInfo(f"t{n}", "x") for n in range(70)))
    assert "- t59: x\n- and 10 more\n" in a_prompt(opening=many).messages()[0]["content"]


def test_the_prose_is_short_enough_for_a_small_model() -> None:
    prompt = a_prompt()
    assert len(prompt.messages()[0]["content"]) < 4_800
    assert len(json.dumps(prompt.functions.schemas)) < 4_500


# --- what the voice puts there ---------------------------------------------------------------------------------------


def test_an_offer_names_the_finding_above() -> None:
    prompt = a_prompt()
    prompt.take(numbered([Found(finding=LYON)]))
    prompt.offer((Offer(LYON, "next train to Lyon", said="The next one"),))
    assert shown(prompt)[-1] == (
        "tell",
        (
            "Tell the person this now. Nothing else.\n"
            '- s-1.1 (asked for: "next train to Lyon"): the finding above\n'
            '  They have heard already: "The next one". Go on from there, and do not say that again.\n'
            "If one of them needs no words, call `stay_silent` with its id."
        ),
    )


def test_an_offer_shows_a_finding_again_that_is_far_above_or_gone() -> None:
    prompt = a_prompt()
    prompt.take(numbered([Found(finding=LYON), *(Said(text=f"line {n}") for n in range(5))]))
    question = a_finding("First or second class?", seq=2, kind="question")
    prompt.offer((Offer(LYON, style="interject"), Offer(question)))
    assert shown(prompt)[-1] == (
        "tell",
        (
            "You are speaking. Put this in now, in one short sentence.\n"
            "- s-1.1: The next one leaves at 9:12.\n"
            "- s-1.2: First or second class?\n"
            "  Ask them this, in your own words.\n"
            "If one of them needs no words, call `stay_silent` with its id."
        ),
    )
    prompt.offer((Offer(LYON, brief=True),))
    assert shown(prompt)[-1][1].splitlines()[:2] == [
        "Tell the person this now. Nothing else.",
        "Keep it to one short sentence. They can ask for the rest.",
    ]
    prompt.offer(())
    assert shown(prompt)[-1][0] == "tell" and len([1 for kind, _ in shown(prompt) if kind == "tell"]) == 2


def test_the_status_is_told_when_it_has_changed() -> None:
    prompt = a_prompt()
    prompt.status(MicroTurn(1, 1_000))
    assert shown(prompt) == [], "nothing is going on, and nobody said otherwise"
    prompt.take(
        numbered(
            [
                Scheduled(item=OnCue(id="a1", say="Beep.", phrase="like")),
                Found(finding=a_finding("First or second class?", kind="question")),
            ]
        )
    )
    work = (
        Work("s-1", "next train to Lyon", "running", 42_000, "asking the timetable"),
        Work("s-2", "a hotel", "done", 43_000, untold=True),
        Work("s-3", "the weather", "done", 44_000),
    )
    busy = MicroTurn(5, 65_000, 2, work=work, agenda=("a1",), counts=(("like", 3),), expecting="s-1.1")
    prompt.status(busy)
    (told,) = [text for kind, text in shown(prompt) if kind == "status"]
    assert told == (
        '- s-1 "next train to Lyon": running since 0:42. Last: asking the timetable\n'
        '- s-2 "a hotel": done, the person has not been told yet\n'
        'On the agenda: a1 (cue "like": "Beep.")\n'
        'Counted: "like" 3\n'
        'Task s-1 has asked the person: "First or second class?" Pass their answer on to it with `amend`.'
    )
    assert 'now="1:05"' in str(prompt.messages()[-1]["content"])
    before = encoded(prompt.messages())
    prompt.status(MicroTurn(6, 66_000, 2, work=work, agenda=("a1",), counts=(("like", 3),), expecting="s-1.1"))
    assert encoded(prompt.messages()) == before, "only the time has changed"
    prompt.status(MicroTurn(7, 67_000, 2))
    prompt.status(MicroTurn(8, 68_000, 2))
    assert shown(prompt)[-1] == ("status", "Nothing is being worked on.")
    assert len(prompt.messages()) == len(before) + 1


def test_a_task_is_called_what_it_has_become() -> None:
    prompt = a_prompt()
    prompt.take(
        numbered(
            [
                Assigned(delegation="s-1", task="trains to Lyon"),
                Assigned(delegation="s-1", task="no, to Paris", action="amended"),
            ]
        )
    )
    prompt.status(MicroTurn(1, 1_000, 2, work=(Work("s-1", "trains to Lyon", "running"),)))
    prompt.offer((Offer(LYON, "trains to Lyon"),))
    status, tell = [text for kind, text in shown(prompt) if kind in ("status", "tell")]
    assert status == '- s-1 "trains to Lyon (no, to Paris)": running since 0:00'
    assert '(asked for: "trains to Lyon (no, to Paris)")' in tell


def test_a_status_that_is_over_before_a_request_is_made_is_not_told() -> None:
    prompt = a_prompt()
    prompt.status(MicroTurn(1, 1_000, work=(Work("s-1", "t", "queued"),)))
    prompt.status(MicroTurn(2, 1_200))
    assert shown(prompt) == []


def test_the_persons_words_come_last() -> None:
    prompt = a_prompt()
    prompt.take(numbered([Noticed(text="x"), Said(text="how far"), Said(text=" is it?", continues=True)]))
    prompt.status(MicroTurn(1, 1_000, 3, work=(Work("s-1", "t", "running"),)))
    assert [kind for kind, _ in shown(prompt)] == ["event", "status", "user", "user"]
    prompt.status(MicroTurn(2, 2_000, 3))
    prompt.offer((Offer(LYON),))
    assert [kind for kind, _ in shown(prompt)][4:] == ["status", "tell"]


def test_a_note_is_for_the_voice_alone() -> None:
    prompt = a_prompt()
    prompt.note(f"What you said was held back: <duologue-{NONCE}>")
    (message,) = prompt.messages()[1:]
    assert message["role"] == "system"
    assert body(message) == "What you said was held back: (duologue-[hidden]>"


# --- how large it is -------------------------------------------------------------------------------------------------


def test_the_estimate_learns_from_what_the_server_counts() -> None:
    prompt = a_prompt()
    first = prompt.estimated_tokens
    assert first == pytest.approx(prompt.log.chars / 4, abs=1)
    for _ in range(8):
        prompt.counted(Usage(prompt.log.chars // 2), prompt.log.chars)
    assert prompt.estimated_tokens == pytest.approx(prompt.log.chars / 2, rel=0.02)
    prompt.counted(Usage(1, estimated=True), prompt.log.chars)
    prompt.counted(Usage(0), prompt.log.chars)
    assert prompt.estimated_tokens == pytest.approx(prompt.log.chars / 2, rel=0.02)
    before = prompt.estimated_tokens
    prompt.take(numbered([Said(text="x" * 1_000)]))
    assert prompt.estimated_tokens > before + 400, "also what has not gone out yet"


@pytest.mark.parametrize("wrong", [{"keep": 0.7}, {"share": 0.95}, {"hard": 1.5}, {"finding_chars": 3}, {"window": -1}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        PromptSettings(**wrong)
