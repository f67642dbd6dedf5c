"""Somebody looks after the hand-off while people talk over it: `duologue tasks` in a process of its own."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.journals import of, read, speech, told_once
from tests.e2e.programs import Library, Program, Programs
from tests.e2e.test_over_redis import FIND, FOUND, SEARCHING, chat_over, ended_well, worker
from tests.plugins.redis_server import RedisServer

STRICT = Path(__file__).with_name("strict_worker.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def tasks(programs: Programs, url: str, *arguments: str) -> Program:
    done = programs.duologue("tasks", *arguments, "--redis", url)
    done.end()
    return done


def listed(programs: Programs, url: str, state: str) -> list[dict[str, Any]]:
    done = tasks(programs, url, "list", "--state", state, "--json")
    assert done.code == 0, done.complained
    found: list[dict[str, Any]] = msgspec.json.decode(done.said)[state]
    return found


def test_what_was_given_up_is_retried_and_answered(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    """The person hears that it was given up, that it is tried again, and the answer."""
    url = redis_server.url
    library.grow()
    first = programs.python(STRICT, url)
    first.hear("waiting for tasks")
    chat = chat_over(programs, url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    first.kill()
    strict = programs.python(STRICT, url)
    chat.hear("This was given up: every worker that took it stopped in the middle")
    [letter] = listed(programs, url, "dead")
    assert (letter["task"], letter["why"]) == (FIND, "dead")
    shown = tasks(programs, url, "show", letter["id"])
    assert "every worker that took it stopped in the middle" in shown.said
    assert f"person: {FIND}" in shown.said
    strict.send(signal.SIGTERM)
    assert strict.end() == 0
    retried = tasks(programs, url, "retry", letter["id"])
    assert retried.said == f"{letter['id']} waits for a worker again, with all its time; the person is told\n"
    assert retried.code == 0
    chat.hear(f'duologue: The work on "{FIND}" is being tried again')
    assert listed(programs, url, "dead") == []
    [waiting] = listed(programs, url, "queued")
    assert waiting["id"] == letter["id"]
    library.shrink()
    worker(programs, url)
    chat.hear(FOUND)
    ended_well(chat, library)
    journal = read(library.journal)
    told_once(journal, "blue cupboard")
    assert speech(journal).count("given up") == 1
    assert speech(journal).count("is being tried again") == 1
    states = [record["state"] for record in of(journal, "ledger", delegation=letter["id"])]
    assert states[-4:] == ["failed", "queued", "running", "done"]


def test_a_running_task_is_called_off_and_the_person_told(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    url = redis_server.url
    library.grow()
    other = worker(programs, url)
    chat = chat_over(programs, url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    [running] = listed(programs, url, "running")
    assert (running["task"], running["attempt"]) == (FIND, 1)
    cancelled = tasks(programs, url, "cancel", running["id"], "--reason", "the archive is being moved")
    assert cancelled.said == f"{running['id']} has been stopped by its worker; the person is told\n"
    other.hear("called off after")
    chat.hear(f'duologue: The work on "{FIND}" was stopped: the archive is being moved')
    again = tasks(programs, url, "cancel", running["id"])
    assert again.code == 2
    assert "it has ended already" in again.complained
    chat.no_more()
    assert chat.end() == 0
    library.shrink()


def test_a_task_that_waits_is_called_off_at_once(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    chat.hear("Nobody is free")
    [waiting] = listed(programs, redis_server.url, "queued")
    cancelled = tasks(programs, redis_server.url, "cancel", waiting["id"], "--json")
    assert msgspec.json.decode(cancelled.said) == {"id": waiting["id"], "how": "ended"}
    chat.hear("was stopped: whoever runs the background called it off")
    chat.no_more()
    assert chat.end() == 0


def test_a_running_task_is_taken_from_its_worker_and_done_by_another(
    programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    url = redis_server.url
    library.grow()
    hangs = worker(programs, url, "--lease", "60000")
    chat = chat_over(programs, url)
    chat.type(FIND)
    chat.hear(SEARCHING)
    hangs.send(signal.SIGSTOP)
    # Not to hide a race: the read it is in the middle of ends after a second, and would get the task once more.
    time.sleep(1.5)
    [running] = listed(programs, url, "running")
    retried = tasks(programs, url, "retry", running["id"])
    assert retried.said == f"{running['id']} was taken from its worker and waits for the next\n"
    # Not by the lease, which is a minute.
    worker(programs, url, "--lease", "60000").hear(r"taken \(attempt 2\)")
    library.shrink()
    chat.hear(FOUND)
    ended_well(chat, library)
    hangs.send(signal.SIGCONT)
