"""The guard: what must not go out does not, and what may goes out as it came."""

from __future__ import annotations

import pytest

from interaction.models.chat_guard import Guard, GuardSettings, Kind
from interaction.models.chat_guard_rules import same_task
from orchestrator.context import Found, Said, Settled, Spoke
from orchestrator.effects import Offer, Work
from orchestrator.finding import Finding
from tests.interaction.guarding import ASKED, FOUND, OLD, PART, TRAIN, ZUG, rule_of, spoken, turn

# --- while a task is open --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said", "rule"),
    [
        # It answers itself: numbers, names, times, addresses, quotations that nobody has found.
        (ASKED, "The next train to Lyon leaves at 9:12.", "delegated"),
        (ASKED, "There are 4 trains to Lyon today.", "delegated"),
        (ASKED, "There are four trains to Lyon today.", "delegated"),
        (ASKED, "The train goes from Gare Montparnasse.", "delegated"),
        (ASKED, "You can find the train at https://sncf.example/lyon.", "delegated"),
        (ASKED, 'The board says "train delayed" for Lyon.', "delegated"),
        (ASKED, "The train to Lyon is cancelled.", "delegated"),
        ("So when does it leave?", "It leaves at 9:12.", "delegated"),
        ("Any news?", "Yes, at 9:12.", "delegated"),
        ("And how much is the train?", "It is 45 euros.", "delegated"),
        # In other languages by structure: shared words and numbers.
        ("Wann fährt der nächste Zug nach Lyon?", "Der Zug nach Lyon fährt um 9:12 Uhr.", "delegated"),
        # Progress is not the answer.
        (ASKED, "I found your train to Lyon.", "progress"),
        (ASKED, "I have found it!", "progress"),
        (ASKED, "Here is the next train to Lyon.", "progress"),
        ("Is it done?", "Yes, it's done.", "progress"),
        (ASKED, "The timetable search is complete.", "progress"),
        ("Gibt es was Neues?", "Ich habe den Zug nach Lyon gefunden.", "progress"),
        # What passes: acknowledgements, progress told as progress, questions back.
        (ASKED, "I'm looking that up.", ""),
        (ASKED, "Let me check the trains to Lyon for you.", ""),
        (ASKED, "I'm still searching for the next train to Lyon.", ""),
        ("Any news?", "Not yet, it is still asking the timetable.", ""),
        ("Any news?", "It is asking the timetable of the railway now.", ""),
        ("Is it done?", "It isn't done yet.", ""),
        (ASKED, "I'll tell you when it's done.", ""),
        (ASKED, "The search for trains is taking a little longer.", ""),
        (ASKED, "Nothing found so far.", ""),
        (ASKED, "Here's what I'm doing: I'm looking for a train to Lyon.", ""),
        (ASKED, "Ich habe den Zug nach Lyon noch nicht gefunden.", ""),
        (ASKED, "I've asked a colleague about trains to Lyon.", ""),
        (ASKED, "Je n'ai pas encore trouvé le train pour Lyon.", ""),
        ("Ready?", "I'm ready when you are.", ""),
        (ASKED, "Do you want to leave before 9:00?", ""),
        (ASKED, "Do you need a return train from Lyon?", ""),
        (ASKED, "Give me two seconds.", ""),
        # What the person said may be said back.
        ("A train to Lyon at 5 please", "Right, a train to Lyon at 5.", ""),
        ("I meant Lyon Part-Dieu", "Okay, the train to Lyon Part-Dieu.", ""),
        # Other things.
        ("What is 17 times 3?", "It's 51.", ""),
        ("What's the capital of Norway?", "The capital of Norway is Oslo.", ""),
        ("How many people live in Lyon?", "Lyon has about 520,000 people.", ""),
        ("What time is it?", "It's 14:32.", ""),
        ("What are you doing?", "I'm working on two things, one is the train to Lyon.", ""),
        ("Remind me in 5 minutes", "I'll remind you in 5 minutes.", ""),
        ("How are you?", "I'm fine, thank you.", ""),
        ("Tell me a joke", "Here's a joke about a duck in a bar.", ""),
        ("Thanks", "You're welcome.", ""),
        ("My dog is called Rex", "Rex is a lovely name for a dog.", ""),
        # Other languages are left alone where nothing can be known.
        ("Wann fährt der nächste Zug nach Lyon?", "Ich suche gerade nach Zügen nach Lyon.", ""),
        ("Quand part le train ?", "Je regarde les horaires pour toi.", ""),
        ("¿Cuándo sale el tren?", "Estoy buscando el tren a Lyon.", ""),
        ("リヨン行きの電車は?", "今、時刻表を調べています。", ""),
        ("Weißt du, wie alt ich bin?", "Nein, das hast du mir nicht gesagt.", ""),
    ],
)
def test_while_a_task_is_open(line: str, said: str, rule: str) -> None:
    guard = Guard()
    guard.look(turn(work=(ZUG if "Zug" in line + said else TRAIN,)))
    guard.begin("reply", line=line)
    out = spoken(guard, said)
    assert rule_of(guard) == rule
    assert out == ("I'm still on that." if rule else said)


@pytest.mark.parametrize(
    ("line", "said", "out", "rules"),
    [
        (ASKED, "I'm looking that up.", "I'm looking that up.", []),
        (ASKED, "One moment.", "One moment.", []),
        (ASKED, "I'm looking that up. Just a moment, please.", "I'm looking that up.", ["hand-off"]),
        (ASKED, "I'm on it. It leaves at 9:12.", "I'm on it.", ["delegated"]),
        (ASKED, "Trains to Lyon leave every hour.", "I'm looking into it.", ["delegated"]),
        (
            ASKED,
            "I have asked a colleague in the background to go and look carefully at all the timetables there are.",
            "I'm looking into it.",
            ["hand-off"],
        ),
        (ASKED, "I'm on it. Do you need a return ticket?", "I'm on it. Do you need a return ticket?", []),
        (
            "Find the next train to Lyon, and what's the capital of Norway?",
            "I'm looking up the train. The capital of Norway is Oslo.",
            "I'm looking up the train. The capital of Norway is Oslo.",
            [],
        ),
        (
            "Find the next train to Lyon, and what's 2 plus 2?",
            "I'm on it. 2 plus 2 is 4.",
            "I'm on it. 2 plus 2 is 4.",
            [],
        ),
        ("Wann fährt der Zug nach Lyon?", "Ich schaue nach.", "Ich schaue nach.", []),
        ("Wann fährt der Zug nach Lyon?", "Ich schaue nach. Er fährt um 9:12.", "Ich schaue nach.", ["delegated"]),
    ],
)
def test_beside_a_hand_off(line: str, said: str, out: str, rules: list[str]) -> None:
    guard = Guard()
    guard.begin("reply", line=line)
    assert guard.delegate("find the next train to Lyon") is None
    assert spoken(guard, said) == out
    assert [withheld.rule for withheld in guard.withheld] == rules
    assert all(withheld.reason for withheld in guard.withheld)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("I've booked a table at Nopi for 7.", "progress"),
        ("Your table at Nopi is booked.", "progress"),
        ("I'll book a table at Nopi for 7.", ""),
        ("I'm booking your table at Nopi.", ""),
    ],
)
def test_what_was_just_handed_over_is_not_done(said: str, rule: str) -> None:
    guard = Guard()
    guard.begin("reply", line="Book a table at Nopi for 7")
    assert guard.delegate("book a table at Nopi for 7") is None
    assert spoken(guard, said) == ("I'm looking into it." if rule else said)
    assert rule_of(guard) == rule


def test_what_was_begun_before_the_hand_off_goes_on() -> None:
    guard = Guard()
    guard.begin("reply", line=ASKED)
    assert guard.say("Let me ") == "Let me "
    assert guard.delegate("find the next train to Lyon") is None
    assert guard.say("see. It leaves at 9:12. ") == "see."
    assert guard.end() == " "
    assert rule_of(guard) == "delegated"


def test_a_further_request_of_the_same_answer_knows_what_was_handed_over() -> None:
    guard = Guard()
    guard.begin("reply", line=ASKED)
    assert guard.delegate("find the next train to Lyon") is None
    guard.begin("reply", line=ASKED)
    assert spoken(guard, "The next train to Lyon leaves at 9:12.") == "I'm still on that."
    refused = guard.delegate("find the next train to Lyon")
    assert refused is not None
    assert refused.rule == "duplicate"


def test_a_task_that_the_session_did_not_take_is_forgotten() -> None:
    guard = Guard()
    guard.begin("reply", line=ASKED)
    assert guard.delegate("find the next train to Lyon") is None
    for _ in range(5):
        guard.look(turn())
    guard.begin("reply", line=ASKED)
    assert guard.delegate("find the next train to Lyon") is None


def test_the_space_before_a_sentence_does_not_begin_it() -> None:
    guard = Guard()
    guard.begin("reply", line=ASKED)
    assert guard.say("Okay. ") == "Okay."
    assert guard.delegate("find the next train to Lyon") is None
    assert spoken(guard, "It leaves at 9:12.") == ""
    assert rule_of(guard) == "delegated"


def test_done_is_about_what_was_done_just_now() -> None:
    guard = Guard()
    guard.look(turn(work=(TRAIN,)))
    guard.begin("reply", line="")
    guard.acted()
    assert spoken(guard, "Done.") == "Done."


# --- telling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "said", "rule"),
    [
        (FOUND, "Your train to Lyon leaves at 9:12, platform 4.", ""),
        (FOUND, "Found it: the next train to Lyon is the 9:12.", ""),
        (FOUND, "The train to Lyon leaves at twelve past nine.", ""),
        (PART, "So far there are three trains to Lyon before noon.", ""),
        (PART, "There are three trains to Lyon before noon.", ""),
        (PART, "So far there are 3 trains to Lyon before noon.", ""),
        (PART, "So far there are 3 trains to Lyon before noon, and the first is the 6:04.", ""),
        (PART, "All done!", "progress"),
        (Finding.error("The timetable cannot be reached."), "I couldn't reach the timetable.", ""),
        (Finding("Which Lyon?", "question", delegation="s-1", seq=1), "Which Lyon do you mean?", ""),
    ],
)
def test_telling_what_is_offered(finding: Finding, said: str, rule: str) -> None:
    guard = Guard()
    guard.look(turn(work=(TRAIN,), offers=(Offer(finding),)))
    guard.begin("tell", offers=(Offer(finding),))
    out = spoken(guard, said)
    assert rule_of(guard) == rule
    assert out == ("" if rule else said)


def test_one_task_is_told_while_another_is_open() -> None:
    other = Work("s-2", "find a hotel in Lyon", "running")
    guard = Guard()
    guard.look(turn(work=(TRAIN, other)))
    guard.begin("tell", offers=(Offer(FOUND),))
    assert spoken(guard, "The train to Lyon leaves at 9:12. The hotel in Lyon costs 80 euros.") == (
        "The train to Lyon leaves at 9:12."
    )
    assert "s-2" in guard.withheld[0].reason


# --- freshness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["superseded", "cancelled", "expired", "dropped"])
def test_what_is_withdrawn_while_it_is_told_is_not_told_on(state: str) -> None:
    guard = Guard()
    guard.look(turn(Found(finding=OLD), offers=(Offer(OLD),)))
    guard.begin("tell", offers=(Offer(OLD),))
    assert guard.say("The next train to Paris ") == "The next train to Paris "
    guard.look(turn(Settled(finding=OLD.id, state=state)))
    assert guard.say("leaves soon. It goes at 8:40 from Bercy. ") == "leaves soon."
    guard.end()
    assert [withheld.rule for withheld in guard.withheld] == ["freshness"]


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("The train to Paris leaves at 8:40.", "freshness"),
        ("It goes from Bercy, the next train to Paris.", "freshness"),
        ("Okay, forget the train to Paris.", ""),
        ("Shall we look for Lyon then?", ""),
        ("The weather is lovely.", ""),
    ],
)
def test_an_answer_brings_nothing_of_what_was_withdrawn(said: str, rule: str) -> None:
    guard = Guard()
    asked = Said(text="When is the next train to Paris?")
    guard.look(turn(asked, Found(finding=OLD), Settled(finding=OLD.id, state="superseded")))
    guard.begin("reply", line="Actually, Lyon please")
    spoken(guard, said)
    assert rule_of(guard) == rule


def test_a_withdrawn_finding_is_in_the_way_for_a_few_answers_only() -> None:
    guard = Guard()
    guard.look(turn(Found(finding=OLD), Settled(finding=OLD.id, state="superseded")))
    for _ in range(5):
        guard.begin("reply", line="hello")
    assert guard.say("I am") == "I am"


def test_what_replaces_a_finding_is_told() -> None:
    new = Finding("The next train to Paris leaves at 8:55 from Bercy.", "final", delegation="s-0", seq=2)
    guard = Guard()
    guard.look(turn(Found(finding=OLD), Settled(finding=OLD.id, state="superseded"), offers=(Offer(new),)))
    guard.begin("tell", offers=(Offer(new),))
    assert spoken(guard, "The train to Paris leaves at 8:55 from Bercy.") == (
        "The train to Paris leaves at 8:55 from Bercy."
    )


def test_who_asks_again_is_told_that_it_is_worked_on_where_only_the_old_answer_came() -> None:
    guard = Guard()
    guard.look(turn(Found(finding=OLD), Settled(finding=OLD.id, state="superseded"), work=(TRAIN,)))
    guard.begin("reply", line="So?")
    assert spoken(guard, "The train to Paris leaves at 8:40.") == "I'm still on that."
    assert rule_of(guard) == "freshness"


def test_a_finding_does_not_count_as_told_with_a_word_about_other_work() -> None:
    guard = Guard()
    guard.look(turn(Found(finding=OLD), work=(TRAIN,), offers=(Offer(OLD),)))
    guard.begin("tell", offers=(Offer(OLD),))
    assert spoken(guard, "I found your train to Lyon.") == ""
    assert rule_of(guard) == "progress"


# --- duplicates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "line", "said", "rule"),
    [
        ("reply", "And tomorrow's weather?", "The train leaves at nine.", "duplicate"),
        ("reply", "Okay", "  the Train leaves at  nine", "duplicate"),
        ("tell", "", "The train leaves at nine.", "duplicate"),
        ("reply", "Say that again", "The train leaves at nine.", ""),
        ("reply", "What?", "The train leaves at nine.", ""),
        ("reply", "Wie bitte?", "The train leaves at nine.", ""),
        ("reply", "When does the train leave?", "The train leaves at nine.", ""),
        ("reply", "Okay", "The train leaves at ten.", ""),
        ("reply", "Okay", "The train leaves at nine, as I said.", ""),
        ("reply", "And Anna?", "Yes, of course.", ""),
        ("reply", "Hm", "Where do you want to go?", ""),
    ],
)
def test_what_was_just_said_is_not_said_again(kind: Kind, line: str, said: str, rule: str) -> None:
    guard = Guard()
    guard.look(turn(Spoke(text="The train leaves at nine. Yes, of course. Where do you want to go?")))
    guard.begin(kind, line=line)
    assert spoken(guard, said) == ("" if rule else said.lstrip())
    assert rule_of(guard) == rule


@pytest.mark.parametrize(
    ("kind", "line", "said", "heard"),
    [
        ("reply", "And who built it?", ("I cannot know that.",), "I cannot know that."),
        ("reply", "Tell me", ("I cannot know that. ", "I am only a voice."), "I cannot know that. I am only a voice."),
        ("reply", "Tell me", ("I cannot know that. Ask me more.",), ""),
        ("reply", "Okay", ("I cannot know that.",), ""),
        ("tell", "", ("I cannot know that.",), ""),
        ("reply", "Tell me", (), ""),
    ],
)
def test_a_reply_that_would_be_silence_is_said_once_more(
    kind: Kind, line: str, said: tuple[str, ...], heard: str
) -> None:
    guard = Guard()
    guard.look(turn(Spoke(text="I cannot know that. I am only a voice.")))
    guard.begin(kind, line=line)
    spoken(guard, *said)
    assert guard.once_more() == heard


def test_a_sentence_comes_once_in_an_answer() -> None:
    guard = Guard()
    guard.begin("reply", line="Hello")
    said = "I am here to help you. What is it? I am here to help you. Tell me."
    assert spoken(guard, said) == "I am here to help you. What is it? Tell me."


def test_an_old_sentence_may_be_said_again() -> None:
    guard = Guard(GuardSettings(remembered=2))
    guard.look(turn(*(Spoke(text=f"This is sentence number {number}.") for number in range(4))))
    guard.begin("reply", line="Hm")
    assert spoken(guard, "This is sentence number 1.") == "This is sentence number 1."


def test_what_was_heard_before_the_cut_is_not_told_again() -> None:
    offer = Offer(FOUND, said="The next train to Lyon leaves soon.")
    guard = Guard()
    guard.begin("tell", offers=(offer,))
    said = "The next train to Lyon leaves soon. It goes at 9:12 from platform 4."
    assert spoken(guard, said) == "It goes at 9:12 from platform 4."


def test_a_finding_is_heard_once() -> None:
    guard = Guard()
    guard.look(turn(Found(finding=FOUND), Settled(finding=FOUND.id, state="heard")))
    guard.begin("tell", offers=(Offer(FOUND),))
    assert spoken(guard, "By the way, there is a train to Lyon at 9:12.") == ""
    assert rule_of(guard) == "duplicate"


@pytest.mark.parametrize(
    ("task", "other", "same"),
    [
        ("find the next train to Lyon", "Find the next train to Lyon.", True),
        ("find the next train to Lyon", "please find next trains to Lyon", True),
        ("find the next train to Lyon", "find the next train to Paris", False),
        ("find the next train to Lyon", "find the next train to Lyon after 9:00", False),
        ("find a hotel in Lyon", "find the next train to Lyon", False),
        ("find the price", "find the next train to Lyon", False),
        ("den Zug nach Lyon finden", "den Zug nach Lyon finden!", True),
        ("電車を探す", "電車を探す", True),
        ("電車を探す", "ホテルを探す", False),
    ],
)
def test_the_same_task(task: str, other: str, same: bool) -> None:
    assert same_task(task, other) is same
    guard = Guard()
    guard.look(turn(work=(Work("s-1", other, "running"),)))
    guard.begin("reply", line="please")
    refused = guard.delegate(task)
    assert (refused is not None and "s-1" in refused.reason) is same


def test_the_same_task_may_be_handed_over_when_it_has_ended_or_is_replaced() -> None:
    guard = Guard()
    guard.look(turn(work=(Work("s-1", "find a train", "done"), Work("s-2", "find a hotel", "running"))))
    guard.begin("reply", line="please")
    assert guard.delegate("find a train") is None
    assert guard.delegate("find a hotel", supersedes="s-2") is None
    assert guard.delegate("find a train") is not None
