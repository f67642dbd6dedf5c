"""What a sentence means: tables of sentence and intent."""

from __future__ import annotations

import time

import pytest

from interaction.models.reflex_intents import (
    Acknowledge,
    AskCount,
    AskStatus,
    CallOff,
    Correct,
    Echo,
    Follow,
    Hush,
    Intent,
    More,
    Repeat,
    Request,
    Schedule,
    SmallTalk,
    Understanding,
    Unknown,
    Unschedule,
)
from interaction.models.reflex_tasks import cleaned, corrected, hurried, parts, told
from interaction.models.reflex_tools import Toolset, pool_for
from interaction.models.reflex_words import duration_ms, spoken_duration, turned
from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCount, OnCue
from tests.interaction.reflexes import TOOLS, a_tool

UNDERSTANDING = Understanding(Toolset(TOOLS))


def variants(text: str) -> list[str]:
    """The ways in which people type one and the same."""
    return [text, text.lower(), text.upper(), f"  {text}  ", text.replace("'", "\u2019"), text.replace("'", "")]


@pytest.mark.parametrize(
    ("text", "task", "tool"),
    [
        ("when is the next train from Paris to Lyon?", "when is the next train from Paris to Lyon?", "trains"),
        ("next train to Lyon please", "next train to Lyon", "trains"),
        ("Can you please find the ledger in docs?", "find the ledger in docs", "search_files"),
        ("hey, could you look up the ledger for me", "look up the ledger", "search_files"),
        ("I'd like you to read docs/journal.md, thanks.", "read docs/journal.md", "read_file"),
        ("what time is it?", "what time is it?", "clock"),
        ("whats the time", "whats the time", "clock"),
        ("what's 3 + 4?", "what's 3 + 4?", "calculate"),
        ("12*4", "12*4", "calculate"),
        ("how much is 20% of 80", "how much is 20% of 80", "calculate"),
        ("convert 5 miles to km", "convert 5 miles to km", "convert"),
        ("where is the Session class defined?", "where is the Session class defined?", ""),
        ("search for find and replace", "search for find and replace", "search_files"),
    ],
)
def test_work_is_asked_for(text: str, task: str, tool: str) -> None:
    (intent,) = UNDERSTANDING.read(text)
    assert isinstance(intent, Request)
    assert (intent.task, intent.tool) == (task, tool)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", SmallTalk("hello")),
        ("how are you?", SmallTalk("how are you")),
        ("thanks a lot!", SmallTalk("thanks")),
        ("bye", SmallTalk("bye")),
        ("who are you?", SmallTalk("who")),
        ("hello, what can you do?", SmallTalk("help")),
        ("tell me a joke", SmallTalk("joke")),
        ("stop", Hush()),
        ("shhh", Hush()),
        ("be quiet please", Hush()),
        ("hold on", Hush(waits=True)),
        ("mm-hm", Acknowledge(bare=True)),
        ("thanks, got it", Acknowledge(words="thanks, got it")),
        ("I know that already", Acknowledge(words="I know that already")),
        ("say that again", Repeat()),
        ("what?", Repeat()),
        ("what was the answer again", Repeat(answer=True)),
        ("tell me more", More()),
        ("never mind the search", CallOff("the search")),
        ("cancel that", CallOff()),
        ("forget it", CallOff(sure=False)),
        ("cancel everything", CallOff(everything=True)),
        ("stop searching for the ledger", CallOff("searching for the ledger")),
        ("what are you doing?", AskStatus()),
        ("how far are you?", AskStatus()),
        ("what's taking so long?", AskStatus()),
        ("how's the search going?", AskStatus("the search")),
        ("is it done yet", AskStatus("is it done yet", "done")),
        ("are you still searching?", AskStatus("are you still searching?", "still")),
        ("how is it going?", SmallTalk("how are you")),
        ("no, I meant Lyon", Correct("no, I meant Lyon", "Lyon")),
        ("actually make that Lyon", Correct("actually make that Lyon", "Lyon")),
        ("not Paris, Lyon", Correct("not Paris, Lyon", "Lyon", "Paris")),
        ("Lyon instead", Correct("Lyon instead", "Lyon")),
        ("Lyon, not Paris", Correct("Lyon, not Paris", "Lyon", "Paris", sure=False)),
        ("sorry, the journal", Correct("sorry, the journal", "the journal", sure=False)),
        ("and to Nice?", Follow("to Nice")),
        ("what about Marseille?", Follow("Marseille")),
        ("say cheese", Echo("cheese")),
        ("how many times did I say um?", AskCount("um")),
        ("what's the count?", AskCount("")),
        ("stop the reminders", Unschedule(("timer", "every", "quiet"), "")),
        ("stop saying breathe", Unschedule((), "breathe")),
        ("stop counting um", Unschedule(("count",), "um")),
        ("who was Napoleon?", Unknown(asked=True)),
        ("what do you think of trains?", Unknown(asked=True)),
        ("I took the train yesterday.", Unknown(asked=False)),
        ("I found my keys", Unknown(asked=False)),
    ],
)
def test_a_sentence_means(text: str, expected: Intent) -> None:
    assert UNDERSTANDING.read(text) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "what's the time?",
        "who's there",
        "what are you doing?",
        "what's taking so long?",
        "I'm quiet",
        "don't bother with the search",
        "that's enough",
        "if I'm quiet for ten seconds, say hello",
        "remind me in 10 seconds to stretch",
        "whenever I say coffee, say tea",
        "how many times did I say um?",
        "no, I meant Lyon",
    ],
)
def test_it_means_the_same_however_it_is_typed(text: str) -> None:
    kinds = {tuple(type(intent) for intent in UNDERSTANDING.read(variant)) for variant in variants(text)}
    assert len(kinds) == 1


def at(say: str, in_ms: int) -> At:
    return At(id="", say=say, in_ms=in_ms)


def every(say: str, period_ms: int, times: int = 0, for_ms: int | None = None) -> Every:
    return Every(id="", say=say, period_ms=period_ms, times=times, for_ms=for_ms)


def cue(phrase: str, say: str) -> OnCue:
    return OnCue(id="", say=say, phrase=phrase)


def count(phrase: str, *, silent: bool = True, n: int = 0, say: str = "{count}") -> OnCount:
    return OnCount(id="", say=say, phrase=phrase, silent=silent, n=n)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("remind me in 10 seconds to stretch", [at("Reminder: stretch.", 10_000)]),
        ("please remind me to call my mom in half an hour", [at("Reminder: call your mom.", 1_800_000)]),
        ("remind me in ten seconds that I have a meeting", [at("Reminder: you have a meeting.", 10_000)]),
        ("in 2 minutes say hello", [at("hello", 120_000)]),
        ("can you say hello in 3 seconds?", [at("hello", 3_000)]),
        ("set a timer for a minute and 30 seconds", [at("Time's up: 1 minute and 30 seconds.", 90_000)]),
        ("5 minute timer", [at("Time's up: 5 minutes.", 300_000)]),
        ("every 5 seconds say breathe", [every("breathe", 5_000)]),
        ("every 5 seconds say breathe for a minute", [every("breathe", 5_000, for_ms=60_000)]),
        ("every 5 seconds for a minute say breathe", [every("breathe", 5_000, for_ms=60_000)]),
        ("say breathe every 5 seconds three times", [every("breathe", 5_000, 3)]),
        ("every other minute, say hey twice", [every("hey", 120_000, 2)]),
        ("every second say tick", [every("tick", 1_000)]),
        ("every 50 ms say tick", [every("tick", 200)]),
        ("remind me every 2 minutes to drink water", [every("Reminder: drink water.", 120_000)]),
        ("if I'm quiet for 10 seconds, say are you there", [AfterSilence(id="", say="are you there", quiet_ms=10_000)]),
        (
            "whenever I'm silent for half a minute say hey",
            [AfterSilence(id="", say="hey", quiet_ms=30_000, once=False)],
        ),
        ("after 5 seconds of silence say boo", [AfterSilence(id="", say="boo", quiet_ms=5_000)]),
        ("whenever I say coffee, say tea", [cue("coffee", "tea")]),
        ("each time I mention Paris say Lyon", [cue("Paris", "Lyon")]),
        ('when I say "good night", reply sleep well', [cue("good night", "sleep well")]),
        ("say tea whenever I say coffee", [cue("coffee", "tea")]),
        ("whenever I say coffee or cocoa, say tea", [cue("coffee", "tea"), cue("cocoa", "tea")]),
        ("count how often I say um", [count("um")]),
        ("count how many times I say um and uh", [count("um"), count("uh")]),
        ('count how often I say "rock and roll"', [count("rock and roll")]),
        ("whenever I say ping, count", [count("ping", silent=False)]),
        (
            "tell me when I've said um three times",
            [count("um", silent=False, n=3, say='That was "um" number 3.')],
        ),
        (
            "remind me in 10 seconds to stretch, every 5 seconds say breathe and whenever I say coffee, say tea",
            [at("Reminder: stretch.", 10_000), every("breathe", 5_000), cue("coffee", "tea")],
        ),
        ("remind me in 10 seconds to stretch and find my keys", [at("Reminder: stretch and find your keys.", 10_000)]),
    ],
)
def test_the_agenda_is_asked_for(text: str, expected: list[AgendaItem]) -> None:
    items = [item for intent in UNDERSTANDING.read(text) if isinstance(intent, Schedule) for item in intent.items]
    assert items == expected


@pytest.mark.parametrize("text", ["every day is good", "in 2 minutes", "count the lines in docs/a.md", "when I say so"])
def test_nothing_is_put_on_the_agenda(text: str) -> None:
    assert not any(isinstance(intent, Schedule) for intent in UNDERSTANDING.read(text))


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("find the ledger", True),
        ("when is the next train to Lyon", True),
        ("stop", True),
        ("never mind the search", True),
        ("what are you doing", True),
        ("no, I meant Lyon", True),
        ("every 5 seconds say breathe", True),
        ("find", False),
        ("find the", False),
        ("find the ledger and", False),
        ("never mind the", False),
        ("calculate 3 +", False),
        ('find "the ledger', False),
        ("find it,", False),
        ("remind me in 10 seconds", False),
        ("no, I", False),
        ("I think that", False),
        ("and to", False),
    ],
)
def test_half_a_sentence_is_not_acted_upon(text: str, complete: bool) -> None:
    assert UNDERSTANDING.complete(text) is complete


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("find the ledger and also calculate 3 * 4", ["find the ledger", "calculate 3 * 4"]),
        ("find the ledger, then list the files in docs", ["find the ledger", "list the files in docs"]),
        ("what time is it and what's 3*4?", ["what time is it", "what's 3*4?"]),
        ("find the ledger and read it", ["find the ledger and read it"]),
        ("find cats and dogs", ["find cats and dogs"]),
        ('find "a and calculate b"', ['find "a and calculate b"']),
        ("cancel the search and find the journal", ["cancel the search", "find the journal"]),
    ],
)
def test_two_requests_in_one_sentence(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


_TRAIN = "when is the next train from Paris to Geneva?"


@pytest.mark.parametrize(
    ("task", "new", "old", "expected"),
    [
        (_TRAIN, "Lyon", "", "when is the next train from Paris to Lyon?"),
        (_TRAIN, "from Nice", "", "when is the next train from Nice to Geneva?"),
        (_TRAIN, "Nice", "paris", "when is the next train from Nice to Geneva?"),
        ("find the ledger in docs", "the journal", "", "find the journal in docs"),
        ("find the ledger", "in docs", "", "find the ledger in docs"),
        ("convert 5 miles to km", "7", "", "convert 7 miles to km"),
        ("convert 5 miles to km", "7 miles", "", "convert 7 miles to km"),
        ("what is 3 + 4", "5", "", "what is 3 + 5"),
        ("who knows", "tomorrow", "", "who knows, tomorrow"),
    ],
)
def test_a_task_is_corrected(task: str, new: str, old: str, expected: str) -> None:
    assert corrected(task, new, old) == expected


@pytest.mark.parametrize(
    ("task", "topic", "noun"),
    [
        ("find my ledger", "your ledger", "the search for your ledger"),
        ("calculate 3 * 4", "3 * 4", "the calculation of 3 * 4"),
        ("what time is it?", "the time", "the question about the time"),
        (_TRAIN, "the next train from Paris to Geneva", '"when is the next train from Paris to Geneva"'),
    ],
)
def test_a_task_is_named(task: str, topic: str, noun: str) -> None:
    assert (told(task).topic, told(task).noun) == (topic, noun)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("10 seconds", 10_000),
        ("half a minute", 30_000),
        ("a minute and a half", 90_000),
        ("one hour and 5 minutes", 3_900_000),
        ("twenty-five secs", 25_000),
        ("1.5s", 1_500),
        ("a while", None),
    ],
)
def test_durations(text: str, ms: int | None) -> None:
    assert duration_ms(text) == ms


def test_durations_are_said_as_people_say_them() -> None:
    assert [spoken_duration(ms) for ms in (0, 1_000, 1_500, 90_000, 3_600_000, 7_325_000)] == [
        "less than a second",
        "1 second",
        "1.5 seconds",
        "1 minute and 30 seconds",
        "1 hour",
        "2 hours and 2 minutes",
    ]


def test_the_persons_words_are_turned_round() -> None:
    assert turned("my keys and I") == "your keys and you"


def test_a_pool_is_chosen_by_its_name() -> None:
    assert pool_for("look up the ledger", ("booking", "research")) == "research"
    assert pool_for("book a table", ("research", "booking")) == "booking"
    assert pool_for("a table for two", ("research", "booking"), "book_table") == "booking"
    assert pool_for("what time is it", ("research", "booking")) == ""
    assert pool_for("find the ledger", ()) == ""


def test_a_persons_own_tool_is_found_by_its_words() -> None:
    tools = Toolset(
        (a_tool("orderCoffee", "Order a coffee at the bar.", "size"), a_tool("lookup", "Look it up.", "what"))
    )
    understanding = Understanding(tools)
    assert understanding.read("a large coffee please")[0] == Request("a large coffee", "orderCoffee", explicit=False)
    assert understanding.read("look up the ledger")[0] == Request("look up the ledger", "lookup")


def test_a_tool_that_knows_the_world_gets_what_nothing_else_fits() -> None:
    understanding = Understanding(Toolset((a_tool("web_search", "Search the web.", "query"),)))
    assert isinstance(understanding.read("who was Napoleon?")[0], Request)
    assert understanding.read("how old are you?") == (Unknown(asked=True),)


@pytest.mark.parametrize("text", ["find x", "please", "can you", "hello there", "ok, so then", "thanks."])
def test_cleaning_never_empties(text: str) -> None:
    assert cleaned(text)


_NASTY = [
    "a", "a ",
    "no, ", "not a, but ", "say ", "every ", "whenever i say ", "please ", "and find ", "1 ", "1+", '"', ", ",
    "the count of ", "in 5 minutes ", "instead of ", "ok ", "hm", "?", "i meant ", "\u00e9", "\U0001f600",
    "remind me to ",
    "and a half ",
]  # fmt: skip


@pytest.mark.parametrize("shape", _NASTY)
@pytest.mark.parametrize("length", [500, 590, 100_000])
def test_no_text_takes_long_to_understand(shape: str, length: int) -> None:
    begun = time.process_time()
    text = (shape * length)[:length]
    assert UNDERSTANDING.read(text)
    UNDERSTANDING.complete(text)
    # A pattern that backtracks without end takes minutes, not a second.
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("text", ["And by the way it is raining here", "so I went home", "well, they like trains too"])
def test_what_is_told_is_no_request(text: str) -> None:
    assert UNDERSTANDING.read(text) == (Unknown(asked=False),)


@pytest.mark.parametrize(
    ("text", "task", "urgent"),
    [
        ("urgent: find the ledger in docs", "find the ledger in docs", True),
        ("This is urgent, find the ledger", "find the ledger", True),
        ("find the ledger, it's really urgent!", "find the ledger", True),
        ("find the ledger asap", "find the ledger", True),
        ("find the ledger, right away", "find the ledger", True),
        ("find the word urgent", "find the word urgent", False),
        ("urgent", "urgent", False),
        ("who comes immediately", "who comes immediately", False),
    ],
)
def test_what_cannot_wait_is_said_with_the_task(text: str, task: str, urgent: bool) -> None:
    assert (hurried(text)[0].rstrip("!"), hurried(text)[1]) == (task, urgent)


def test_the_address_of_a_page_is_for_the_tool_that_opens_pages() -> None:
    opener = a_tool("fetch_page", "Fetch a web page.", "url")
    tools = Toolset((a_tool("read_file", "Read a file: open it, show what it says.", "path"), opener))
    assert tools.fit("read https://example.org/a.html").tool == "fetch_page"
    assert tools.fit("read notes.md").tool == "read_file"


CLOCKS = Toolset(
    [
        a_tool("current_time", "Tell what time and what date it is now, here or in another place.", "zone"),
        a_tool("convert_time", "Convert a time of day from one time zone to another.", "time", "zone_from", "zone_to"),
        a_tool("date_math", "Reckon with dates: how long until or since a day, which weekday.", "question"),
        a_tool("calculate", "Work out a sum.", "expression"),
    ]
)


@pytest.mark.parametrize(
    "request_",
    [
        "when is Easter 2027?",
        "next leap year",
        "third Thursday of November 2027",
        "what week is it",
        "how old is someone born 3 May 1990",
        "in 90 minutes",
        "15:00 in Tokyo as Paris time",
        "what time is it in Tokyo when it is 9am here?",
        "20% tip on 45.50",
    ],
)
def test_there_is_a_tool_for_clocks_calendars_and_tips(request_: str) -> None:
    assert CLOCKS.fit(request_).fits


@pytest.mark.parametrize("said", ["I was at home in the first half of it", "what a week", "we won 3:2 in Paris"])
def test_not_all_that_sounds_like_a_calendar_is_for_one(said: str) -> None:
    assert not CLOCKS.fit(said).fits
