"""`duologue chat` and `duologue worker` in processes of their own, a real Redis between them, and every one of the
three killed."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.journals import of, read, speech, told_once
from tests.e2e.programs import Library, Program, Programs
from tests.plugins.redis_server import RedisServer

FIND = "find the word ledger"
FOUND = r"duologue: Found \"ledger\" in 1 place: notes\.md line 3"
SEARCHING = r"\[working\] [\d,]+ files? read"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def worker(programs: Programs, url: str, *arguments: str) -> Program:
    """A worker that has its Redis, and says so."""
    started = programs.duologue("worker", "--redis", url, "--lease", "600", *arguments)
    started.hear("waiting for tasks")
    return started


def chat_over(programs: Programs, url: str, *arguments: str) -> Program:
    return programs.duologue(
        "chat", "--plain", "--redis", url, "--pace", "none", "--record", "../talk.ndjson", *arguments
    )


def ended_well(chat: Program, library: Library) -> None:
    """No more is typed; then the answer is heard, once, and the program ends."""
    chat.no_more()
    assert chat.end() == 0
    assert chat.said.count("blue cupboard") == 1
    assert chat.complained == ""
    told_once(read(library.journal), "blue cupboard")


def test_the_work_is_done_by_the_worker(programs: Programs, library: Library, redis_server: RedisServer) -> None:
    other = worker(programs, redis_server.url)
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    other.hear(f"taken: {FIND}\n")
    chat.hear(FOUND)
    other.hear("done after")
    ended_well(chat, library)
    other.send(signal.SIGTERM)
    assert other.end() == 0
    assert other.complained == ""


def test_a_worker_is_killed_in_the_middle_and_another_finishes(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    first = worker(programs, redis_server.url)
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    first.kill()
    second = worker(programs, redis_server.url)
    second.hear(r"taken \(attempt 2\)")
    library.shrink()
    chat.hear(FOUND)
    ended_well(chat, library)


def test_a_worker_that_hangs_loses_its_task_and_cannot_answer_a_second_time(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    first = worker(programs, redis_server.url)
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    first.send(signal.SIGSTOP)
    second = worker(programs, redis_server.url)
    second.hear(r"taken \(attempt 2\)")
    library.shrink()
    chat.hear(FOUND)
    first.send(signal.SIGCONT)
    first.hear("no longer this worker's, dropped after")
    ended_well(chat, library)


def test_nobody_is_there_and_that_is_said_soon(programs: Programs, library: Library, redis_server: RedisServer) -> None:
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear(r"duologue: Nobody is free to work on \"find the word ledger\" yet\. It starts as soon as")
    worker(programs, redis_server.url)
    chat.hear(FOUND)
    ended_well(chat, library)
    journal = read(library.journal)
    asked, told = of(journal, "delegate")[0], of(journal, "emit", reason="no worker has taken the task")[0]
    assert 3_000 <= told["at_ms"] - asked["at_ms"] < 10_000


def test_redis_is_away_at_the_start(programs: Programs, library: Library, own_server: RedisServer) -> None:
    other = programs.duologue("worker", "--redis", own_server.url, "--lease", "600")
    other.hear("Redis is away, waiting for it")
    chat = chat_over(programs, own_server.url)
    chat.hear("duologue: I can't reach the background just now.")
    chat.type(FIND)
    chat.hear(f"you: {FIND}\n")
    own_server.start()
    chat.hear(FOUND)
    ended_well(chat, library)
    assert "the background is back" in chat.said
    other.hear("connected again to")


def test_redis_is_killed_in_the_middle_and_comes_back(
    programs: Programs, library: Library, mortal_server: RedisServer
) -> None:
    """Once with what it had written down, once with nothing at all."""
    mortal_server.start()
    library.grow()
    other = worker(programs, mortal_server.url)
    chat = chat_over(programs, mortal_server.url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    mortal_server.kill()
    chat.hear(r"duologue: I can't reach the background just now\. Your request is kept")
    library.shrink()
    mortal_server.start()
    chat.hear(FOUND)
    ended_well(chat, library)
    assert speech(read(library.journal)).count("I can't reach the background") == 1
    other.send(signal.SIGTERM)
    assert other.end() == 0


def test_what_is_asked_while_redis_is_away_is_done_when_it_is_back(
    programs: Programs, library: Library, mortal_server: RedisServer
) -> None:
    mortal_server.start()
    worker(programs, mortal_server.url)
    chat = chat_over(programs, mortal_server.url)
    chat.type("hello")
    chat.hear("duologue: ")
    mortal_server.kill()
    chat.hear("I can't reach the background just now")
    chat.type(FIND)
    chat.hear(f"you: {FIND}\n")
    mortal_server.start()
    chat.hear(FOUND)
    ended_well(chat, library)


def test_two_workers_share(programs: Programs, library: Library, redis_server: RedisServer) -> None:
    library.grow()
    workers = [worker(programs, redis_server.url, "--slots", "1") for _ in range(2)]
    chat = chat_over(programs, redis_server.url)
    chat.type(f"{FIND} and find the word agenda")
    for each in workers:
        each.hear("taken: ")
    library.shrink()
    for each in workers:
        each.hear("done after")
    chat.hear("blue cupboard|green door")
    ended_well(chat, library)
    assert chat.said.count("green door") == 1


def test_a_correction_reaches_a_worker_elsewhere(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    worker(programs, redis_server.url)
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    chat.type("no, I meant the agenda")
    chat.hear(rf"{SEARCHING}, 1 hit, the best so far in plans\.md")
    library.shrink()
    chat.hear(r"plans\.md line 3")
    chat.no_more()
    assert chat.end() == 0
    assert chat.said.count("green door") == 1
    assert "blue cupboard" not in chat.said


def test_ctrl_c_lets_a_worker_finish(programs: Programs, library: Library, redis_server: RedisServer) -> None:
    library.grow()
    other = worker(programs, redis_server.url)
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    other.send(signal.SIGINT)
    other.hear("finishing: no new tasks are taken, those that run have 10 seconds; Ctrl-C again hands them back")
    library.shrink()
    assert other.end() == 0
    assert "done after" in other.said
    assert other.said.endswith("stopped\n")
    ended_well(chat, library)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_told_twice_hands_back_and_another_finishes(
    programs: Programs, library: Library, redis_server: RedisServer, number: signal.Signals
) -> None:
    library.grow()
    first = worker(programs, redis_server.url, "--lease", "60000")
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    first.send(number)
    first.hear("finishing")
    first.send(number)
    assert first.end() == 130
    assert "handed back after" in first.said
    # Not by its lease, which is a minute.
    second = worker(programs, redis_server.url)
    second.hear(r"taken \(attempt 2\)")
    library.shrink()
    chat.hear(FOUND)
    ended_well(chat, library)


def test_a_chat_that_is_killed_does_not_hurt_the_worker(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    other = worker(programs, redis_server.url)
    dead = chat_over(programs, redis_server.url)
    dead.type(FIND)
    dead.hear(SEARCHING)
    dead.kill()
    library.shrink()
    other.hear("done after")
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear(FOUND)
    ended_well(chat, library)
    other.send(signal.SIGTERM)
    assert other.end() == 0
    assert other.complained == ""


def test_two_chats_hear_their_own_answers(programs: Programs, redis_server: RedisServer) -> None:
    worker(programs, redis_server.url)
    one = programs.duologue("chat", "--plain", "--redis", redis_server.url)
    two = programs.duologue("chat", "--plain", "--redis", redis_server.url)
    one.type(FIND)
    two.type("find the word agenda")
    for chat, own, other in ((one, "blue cupboard", "green door"), (two, "green door", "blue cupboard")):
        chat.hear(own)
        chat.no_more()
        assert chat.end() == 0
        assert chat.said.count(own) == 1
        assert other not in chat.said
