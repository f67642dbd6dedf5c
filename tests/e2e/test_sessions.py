"""`duologue chat --session` in processes of their own: killed at any moment, and gone on with in others."""

from __future__ import annotations

import re
import signal

import pytest

from tests.e2e.journals import read, speech
from tests.e2e.programs import Library, Program, Programs
from tests.plugins.redis_server import RedisServer

FIND = "find the word ledger"
FOUND = r"Found \"ledger\" in 1 place: notes\.md line 3"
SEARCHING = r"\[working\] [\d,]+ files? read"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def worker(programs: Programs, url: str) -> Program:
    started = programs.duologue("worker", "--redis", url, "--lease", "600")
    started.hear("waiting for tasks")
    return started


def chat(programs: Programs, url: str, *arguments: str) -> Program:
    """A chat that keeps its conversation, with a lease that does not try anyone's patience."""
    return programs.duologue(
        *("chat", "--plain", "--redis", url, "--session", "mine", *arguments),
        DUOLOGUE_LEASE_MS="900",
    )


def heard_once(*programs: Program) -> None:
    """Over all of the conversation the answer was told once."""
    assert sum(program.said.count("blue cupboard") for program in programs) == 1


def test_a_chat_is_killed_while_a_task_runs_and_another_one_tells_the_answer(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    worker(programs, redis_server.url)
    first = chat(programs, redis_server.url, "--pace", "none")
    first.type(FIND)
    first.hear(r"\[A new conversation, kept as mine\.\]")
    first.hear(SEARCHING)
    first.kill()
    second = chat(programs, redis_server.url, "--pace", "none")
    second.hear(r'\[Going on with mine: last you said "find the word ledger"; 1 task is running\.\]')
    second.hear(SEARCHING)
    library.shrink()
    second.hear(FOUND)
    second.no_more()
    assert second.end() == 0
    heard_once(first, second)
    assert second.complained == ""


def test_the_answer_comes_while_nobody_is_there(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    other = worker(programs, redis_server.url)
    first = chat(programs, redis_server.url, "--pace", "none")
    first.type(FIND)
    first.hear(SEARCHING)
    first.kill()
    library.shrink()
    other.hear("done after")
    second = chat(programs, redis_server.url, "--pace", "none")
    second.hear(FOUND)
    second.no_more()
    assert second.end() == 0
    # What it has told is told for good.
    third = chat(programs, redis_server.url, "--pace", "none")
    third.hear(r'\[Going on with mine: last you said "find the word ledger"\.\]')
    third.type("thanks")
    third.hear("duologue: .*welcome")
    third.no_more()
    assert third.end() == 0
    heard = sum(each.said.count("blue cupboard") for each in (first, second, third))
    assert heard == 1


def test_a_chat_is_killed_in_the_middle_of_an_answer_which_goes_on(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    worker(programs, redis_server.url)
    first = chat(programs, redis_server.url, "--pace", "12")
    first.type(FIND)
    first.hear(r'Found "ledger"')
    first.kill()
    assert "blue cupboard" not in first.said
    second = chat(programs, redis_server.url, "--pace", "none")
    second.hear(r"1 result is waiting\.\]")
    second.hear("duologue: .*blue cupboard")
    second.no_more()
    assert second.end() == 0
    heard_once(first, second)


def test_a_chat_is_killed_while_redis_is_away(programs: Programs, library: Library, mortal_server: RedisServer) -> None:
    """With what Redis had written down the conversation goes on; without it, it is a new one, and says so."""
    mortal_server.start()
    library.grow()
    worker(programs, mortal_server.url)
    first = chat(programs, mortal_server.url, "--pace", "none")
    first.type(FIND)
    first.hear(SEARCHING)
    mortal_server.kill()
    first.hear("I can't reach the background just now")
    first.kill()
    library.shrink()
    second = chat(programs, mortal_server.url, "--pace", "none")
    second.hear(r"\[Waiting for mine: ")
    mortal_server.start()
    kept = second.hear(r"\[(Going on with mine|A new conversation, kept as mine)").group(1).startswith("Going on")
    assert kept == mortal_server.persistent
    if kept:
        second.hear(FOUND)
    second.no_more()
    assert second.end() == 0
    if kept:
        heard_once(first, second)


def test_front_end_and_worker_are_both_killed_and_the_answer_comes_once(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    first, old = worker(programs, redis_server.url), chat(programs, redis_server.url, "--pace", "none")
    old.type(FIND)
    old.hear(SEARCHING)
    first.kill()
    old.kill()
    second, new = worker(programs, redis_server.url), chat(programs, redis_server.url, "--pace", "none")
    new.hear(r"1 task is running\.\]")
    second.hear(r"taken \(attempt 2\)")
    library.shrink()
    new.hear(FOUND)
    new.no_more()
    assert new.end() == 0
    heard_once(old, new)


def test_whoever_goes_on_can_correct_what_the_other_one_asked_for(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    worker(programs, redis_server.url)
    first = chat(programs, redis_server.url, "--pace", "none")
    first.type(FIND)
    first.hear(SEARCHING)
    first.kill()
    second = chat(programs, redis_server.url, "--pace", "none")
    second.hear(r"1 task is running\.\]")
    second.type("no, I meant the agenda")
    second.hear(rf"{SEARCHING}, 1 hit, the best so far in plans\.md")
    library.shrink()
    second.hear(r"plans\.md line 3")
    second.no_more()
    assert second.end() == 0
    assert second.said.count("green door") == 1
    assert "blue cupboard" not in first.said + second.said


def test_a_line_that_nobody_had_dealt_with_is_dealt_with(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    """Killed the moment after Enter: the line is either not known or answered, and never done twice."""
    other = worker(programs, redis_server.url)
    for number in range(3):
        first = chat(programs, redis_server.url, "--pace", "none")
        first.hear(r"mine")
        first.type(FIND)
        first.hear("you: find")
        first.kill()
        second = chat(programs, redis_server.url, "--pace", "none")
        second.hear(r"\[(Going on with|A new conversation, kept as) mine")
        second.no_more()
        assert second.end() == 0
        assert first.said.count("blue cupboard") + second.said.count("blue cupboard") <= 1, number
    taken = re.findall(r"(mine-\S+) taken:", other.said)
    assert len(taken) == len(set(taken)) <= 3


def test_two_owners_the_second_is_refused_and_may_take_over(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    first = chat(programs, redis_server.url)
    first.hear("kept as mine")
    first.type("hello")
    first.hear("duologue: ")
    second = chat(programs, redis_server.url)
    assert second.end() == 2
    what, why, todo = second.complained.splitlines()
    assert "'mine' is open already" in what
    assert "process " in why
    assert "--take-over" in todo
    third = chat(programs, redis_server.url, "--take-over")
    third.hear('Going on with mine: last you said "hello"')
    assert first.end() == 3
    what, why, todo = first.complained.splitlines()
    assert "'mine' goes on elsewhere" in what
    third.type("thanks")
    third.hear("duologue: .*welcome")
    third.no_more()
    assert third.end() == 0


def test_whoever_was_stopped_for_too_long_says_nothing_more(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    worker(programs, redis_server.url)
    first = chat(programs, redis_server.url, "--pace", "none")
    first.type(FIND)
    first.hear(SEARCHING)
    first.send(signal.SIGSTOP)
    second = chat(programs, redis_server.url, "--pace", "none")
    second.hear(r"1 task is running\.\]")
    library.shrink()
    second.hear(FOUND)
    first.send(signal.SIGCONT)
    assert first.end() == 3
    assert "goes on elsewhere" in first.complained
    second.no_more()
    assert second.end() == 0
    heard_once(first, second)


def test_a_terminal_that_is_left_in_order_is_gone_on_with(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    other = worker(programs, redis_server.url)
    first = chat(programs, redis_server.url, "--pace", "none")
    first.type(FIND)
    first.hear(SEARCHING)
    first.send(signal.SIGINT)
    assert first.end() == 130
    library.shrink()
    other.hear("done after")
    second = chat(programs, redis_server.url, "--pace", "none", "--take-over")
    second.hear(FOUND)
    second.no_more()
    assert second.end() == 0
    heard_once(first, second)


def test_a_full_redis_is_told_to_whoever_has_a_session_of_their_own(
    programs: Programs, library: Library, own_server: RedisServer
) -> None:
    """Nothing is handed over before the session is kept, so that it cannot be kept is why nothing happens."""
    own_server.start()
    worker(programs, own_server.url)
    talk = chat(programs, own_server.url)
    talk.type("hello")
    talk.hear("duologue: ")
    with own_server.client() as client:
        client.config_set("maxmemory", "1")
        talk.type(FIND)
        talk.hear("I can't reach the background just now")
        client.config_set("maxmemory", "0")
    talk.hear(FOUND)
    talk.no_more()
    assert talk.end() == 0
    assert "Nobody is free" not in talk.said


def test_a_session_needs_a_redis_and_a_name(programs: Programs) -> None:
    for arguments, what in (
        (("--session", "mine"), "cannot be kept: no Redis was named"),
        (("--session", "my own", "--redis", "redis://127.0.0.1:1"), "--session cannot be 'my own'"),
        (("--take-over", "--redis", "redis://127.0.0.1:1"), "no session to take over"),
    ):
        ended = programs.piped("hello\n", "chat", "--plain", *arguments)
        assert ended.code == 2
        assert what in ended.complained
        assert len(ended.complained.splitlines()) == 3


def test_a_session_may_be_named_by_the_environment(programs: Programs, redis_server: RedisServer) -> None:
    ended = programs.piped("hello\n", "chat", "--plain", REDIS_URL=redis_server.url, DUOLOGUE_SESSION="mine")
    assert ended.code == 0
    assert "kept as mine" in ended.said


def test_for_programs_the_recap_stands_beside_the_journal(programs: Programs, redis_server: RedisServer) -> None:
    line = '{"type":"user.text","text":"hello","final":true}\n'
    for told in ("A new conversation, kept as mine.", 'Going on with mine: last you said "hello".'):
        ended = programs.piped(line, "chat", "--json", "--redis", redis_server.url, "--session", "mine")
        assert (ended.code, ended.complained) == (0, f"{told}\n")
        assert speech(read(ended.said))


def test_a_redis_that_stays_away_is_said_so(programs: Programs) -> None:
    ended = programs.piped(
        "hello\n", "chat", "--plain", "--redis", "redis://127.0.0.1:1", "--session", "mine", DUOLOGUE_LEASE_MS="500"
    )
    assert ended.code == 3
    assert "the session 'mine' cannot be opened" in ended.complained
