"""`duologue top` and `duologue tasks` as commands: their JSON, their errors, their exit codes."""

from __future__ import annotations

import signal
from typing import Any

import msgspec
import pytest

from orchestrator.bus.redis import RedisBus
from tests.bus.conversation import task
from tests.bus.watching import give_up, taken
from tests.cli.conftest import Done, Duologue, Start, line_with
from tests.plugins.redis_server import RedisServer

AWAY = "redis://:secret@127.0.0.1:1"


def decoded(done: Done) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = msgspec.json.decode(done.stdout)
    return found


@pytest.mark.parametrize(
    "arguments", [("top", "--once"), ("top",), ("tasks", "list"), ("tasks", "show", "s-1"), ("tasks", "retry", "s-1")]
)
def test_without_a_redis_there_is_nothing_to_look_at(duologue: Duologue, arguments: tuple[str, ...]) -> None:
    done = duologue(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    what, _, todo = done.stderr.splitlines()
    assert what == "there is no hand-off to look at, since no Redis was named"
    assert todo == "give --redis redis://localhost:6379, or set REDIS_URL"


@pytest.mark.parametrize("arguments", [("top", "--once"), ("top", "--once", "--json"), ("tasks", "cancel", "s-1")])
def test_a_redis_that_is_away(duologue: Duologue, arguments: tuple[str, ...]) -> None:
    done = duologue(*arguments, "--redis", AWAY)
    assert done.returncode == 3
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 3
    assert done.stderr.startswith("the hand-off cannot be reached\n")
    assert "secret" not in done.stderr


def test_an_empty_hand_off(duologue: Duologue, redis_server: RedisServer) -> None:
    done = duologue("tasks", "list", "--redis", redis_server.url)
    assert done.stdout == "no tasks: nothing runs, nothing waits, nothing was given up\n"
    assert done.returncode == 0
    done = duologue("tasks", "list", "--state", "dead", REDIS_URL=redis_server.url)
    assert done.stdout == "no tasks: nothing was given up\n"
    assert decoded(duologue("tasks", "list", "--json", "--redis", redis_server.url)) == {
        "running": [],
        "queued": [],
        "dead": [],
        "counts": {"running": 0, "queued": 0, "dead": 0},
    }
    report = decoded(duologue("top", "--once", "--json", "--redis", redis_server.url))
    assert (report["away"], report["overview"]["queues"]) == ("", [])


@pytest.mark.anyio
async def test_a_hand_off_in_a_known_state(duologue: Duologue, redis_server: RedisServer) -> None:
    bus, url = RedisBus(redis_server.url), redis_server.url
    async with bus.front() as front:
        await front.submit(task(0, session="dead"))
        await give_up(redis_server, bus, "dead-0")
        for number in range(3):
            await front.submit(task(number, pool="research"))
        await front.submit(task(3))
        async with bus.worker(name="one") as worker:
            await taken(worker)
            listed = decoded(duologue("tasks", "list", "--json", "--limit", "2", "--redis", url))
            assert listed["counts"] == {"running": 1, "queued": 3, "dead": 1}
            assert [each["id"] for each in listed["running"]] == ["s-3"]
            assert [each["id"] for each in listed["queued"]] == ["s-0", "s-1"]
            assert [(each["id"], each["why"]) for each in listed["dead"]] == [("dead-0", "dead")]
            research = decoded(duologue("tasks", "list", "--json", "--pool", "research", "--redis", url))
            assert research["counts"] == {"running": 0, "queued": 3, "dead": 0}
            default = decoded(duologue("tasks", "list", "--json", "--pool", "", "--redis", url))
            assert default["counts"] == {"running": 1, "queued": 0, "dead": 1}
            lines = duologue("tasks", "list", "--limit", "1", "--redis", url).stdout.splitlines()
            assert [line.split()[:2] for line in lines[:4]] == [
                ["ID", "STATE"],
                ["s-3", "running"],
                ["s-0", "queued"],
                ["dead-0", "dead"],
            ]
            assert lines[4] == "and more: 2 queued (--limit shows them)"
            report = decoded(duologue("top", "--once", "--json", "--redis", url))
            assert [(queue["pool"], queue["length"]) for queue in report["overview"]["queues"] if queue["length"]] == [
                ("", 1),
                ("research", 3),
            ]
            assert report["overview"]["workers"][0]["name"] == "one"
            screen = duologue("top", "--once", "--redis", url).stdout
            assert "\x1b" not in screen
            assert "research" in screen
            story = decoded(duologue("tasks", "show", "s-3", "--json", "--redis", url))
            assert story["facts"]["worker"].startswith("one-")
            assert decoded(duologue("tasks", "retry", "dead-0", "--json", "--redis", url)) == {
                "id": "dead-0",
                "was": "dead",
                "heard": True,
            }


@pytest.mark.anyio
async def test_an_unknown_task_and_what_is_like_it(duologue: Duologue, redis_server: RedisServer) -> None:
    async with RedisBus(redis_server.url).front() as front:
        await front.submit(task(11))
        for command in ("show", "cancel", "retry"):
            done = duologue("tasks", command, "s-1", "--redis", redis_server.url)
            assert done.returncode == 2
            assert done.stderr.splitlines() == [
                "there is no task s-1",
                "did you mean s-11?",
                "see which there are: duologue tasks list",
            ]
        done = duologue("tasks", "show", "nothing like it", "--redis", redis_server.url)
        assert "did you mean" not in done.stderr


@pytest.mark.anyio
async def test_what_cannot_be_retried_is_refused_with_the_reason(duologue: Duologue, redis_server: RedisServer) -> None:
    async with RedisBus(redis_server.url).front() as front:
        await front.submit(task())
        done = duologue("tasks", "retry", "s-1", "--redis", redis_server.url)
        assert done.returncode == 2
        assert done.stderr.splitlines()[:2] == [
            "the task s-1 cannot be tried again",
            "it waits for a worker already",
        ]
        duologue("tasks", "cancel", "s-1", "--redis", redis_server.url)
        done = duologue("tasks", "retry", "s-1", "--redis", redis_server.url)
        assert "it was called off" in done.stderr


def test_without_a_terminal_one_look_comes_below_the_other(start: Start, own_server: RedisServer) -> None:
    """Also through an outage; and Ctrl-C is 130."""
    own_server.start()
    looking = start("-m", "orchestrator.cli", "top", "--interval", "0.1", "--redis", own_server.url)
    line_with(looking, "nobody works here")
    line_with(looking, "nobody works here")
    own_server.kill()
    line_with(looking, "away: Redis at")
    own_server.start()
    line_with(looking, "nobody works here")
    looking.send_signal(signal.SIGINT)
    assert looking.wait(timeout=30) == 130
    assert looking.stdout is not None
    assert "Traceback" not in looking.stdout.read()


def test_as_json_each_look_is_a_line(start: Start, own_server: RedisServer) -> None:
    looking = start("-m", "orchestrator.cli", "top", "--json", "--interval", "0.1", "--redis", own_server.url)
    away = msgspec.json.decode(line_with(looking, '"away":"Redis at'))
    assert (away["overview"], away["problems"]) == (None, [])
    own_server.start()
    there = msgspec.json.decode(line_with(looking, '"away":""'))
    assert there["overview"]["server"]["address"] == own_server.url
