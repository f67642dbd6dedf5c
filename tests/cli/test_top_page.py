"""What is shown of a hand-off fits the screen there is, and says what is wrong and what to do about it."""

from __future__ import annotations

import pytest

from orchestrator.bus.redis_overview import FrontFacts, Overview, ServerFacts
from orchestrator.cli.table import Column, span, table
from orchestrator.cli.top_advice import advice
from orchestrator.cli.top_page import page
from tests.cli.overviews import busy, letter, overview, queue, running, worker


def text(found: Overview, width: int = 100, height: int | None = None) -> str:
    return "\n".join(row.text for row in page(found, advice(found), width=width, height=height))


def test_all_is_shown_where_there_is_room() -> None:
    shown = text(busy())
    assert "redis://localhost:6379, Redis 7.4.0, 5.0 MB used" in shown
    assert "tasks: 20 waiting, 20 running, 3 retried, 9 given up" in shown
    assert "workers: 8, 40 of 80 slots busy" in shown
    assert "all is well" in shown
    for word in ("QUEUE", "WORKER", "RUNNING", "GIVEN UP", "research", "north:4003", "s-19", "d-8"):
        assert word in shown


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("height", [3, 8, 12, 24, 50])
def test_nothing_is_wider_or_longer_than_the_screen(width: int, height: int) -> None:
    rows = page(busy(), ["something is wrong, and it takes many words to say what that is"], width=width, height=height)
    assert len(rows) <= height
    assert [row.text for row in rows if len(row.text) > width] == []


@pytest.mark.parametrize("height", [24, 30, 40])
def test_of_a_long_list_it_is_said_how_much_is_left_out(height: int) -> None:
    rows = [row.text for row in page(busy(), [], width=100, height=height)]
    assert len(rows) == height, "no row is wasted"
    begin = next(number for number, row in enumerate(rows) if row.startswith("RUNNING"))
    end = rows.index("", begin)
    tasks = rows[begin + 1 : end]
    assert tasks[-1] == f"and {20 - len(tasks) + 1} more"


def test_what_is_narrow_keeps_what_matters_most() -> None:
    shown = text(busy(), width=44)
    assert "QUEUE" in shown
    assert "WAITING" in shown
    assert "OLDEST" in shown
    assert "WHERE" not in shown


def test_a_strangers_words_do_not_reach_the_terminal_as_they_are() -> None:
    found = overview(queues=(queue(running=1),), workers=(worker(),), running=(running(task="\x1b[2Jgone\r\nnext"),))
    assert "gone next" in text(found)
    assert "\x1b" not in text(found)


def test_wide_letters_take_two_cells() -> None:
    rows = table([Column("A"), Column("B", gives=True)], [("表", "図" * 40)], 40)
    assert rows[1].startswith("表  図")
    assert len(rows[1]) <= 22


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0.0 s"),
        (450, "0.5 s"),
        (9_900, "9.9 s"),
        (42_000, "42 s"),
        (-3_000, "-3.0 s"),
        (119_000, "119 s"),
        (600_000, "10 min"),
        (7_200_000, "2 h"),
        (10**9, "11 d"),
    ],
)
def test_how_long_in_few_letters(ms: int, words: str) -> None:
    assert span(ms) == words


# --- what to do --------------------------------------------------------------------------------------------------


def test_nothing_is_wrong_where_nothing_is_wrong() -> None:
    waiting = queue(waiting=3, running=4, oldest_waiting_ms=20_000)
    assert advice(overview(queues=(waiting,), workers=(worker(busy=4),), running=(running(),))) == ()


def test_a_pool_that_nobody_serves() -> None:
    pools = (queue(), queue(pool="research", waiting=12, oldest_waiting_ms=40_000))
    assert advice(overview(queues=pools, workers=(worker(),))) == (
        "no worker serves the pool research: 12 tasks wait, the oldest for 40 s; start one",
    )


def test_a_worker_that_is_silent_serves_nobody() -> None:
    queues = (queue(waiting=1, running=1, oldest_waiting_ms=9_000),)
    dead = worker(stale=True, beat_ms=8_000, busy=1)
    gone = "the worker worker-1 was not heard of for 8.0 s: it hangs, or has died"
    assert advice(overview(queues=queues, workers=(dead,))) == (
        "no worker serves the default pool: 1 task waits, for 9.0 s; start one",
        f"{gone}, and what it holds (1 task) waits for one; start one",
    )
    others = (dead, worker(2))
    assert advice(overview(queues=(queue(running=1),), workers=others)) == (
        f"{gone}, and what it holds (1 task) goes to another",
    )


def test_nobody_works() -> None:
    assert advice(overview()) == ("nobody works here: a task that comes has to wait; start a worker (duologue worker)",)


def test_a_crowd_before_too_few_workers_or_before_lazy_ones() -> None:
    queues = (queue(waiting=12, running=4, oldest_waiting_ms=60_000),)
    [crowd] = advice(overview(queues=queues, workers=(worker(busy=4),)))
    assert crowd == (
        "the default pool has too few workers: 12 tasks wait, the oldest for 60 s, and all 4 slots are busy; run more"
    )
    [stuck] = advice(overview(queues=queues, workers=(worker(busy=1),)))
    assert "though 3 of 4 slots are free" in stuck
    [leaving] = advice(overview(queues=queues, workers=(worker(busy=1, taking=False),)))
    assert leaving.startswith("every worker of the default pool is finishing to leave")


def test_a_queue_that_fills_up() -> None:
    def of(waiting: int) -> tuple[str, ...]:
        return advice(overview(queues=(queue(waiting=waiting, capacity=100),), workers=(worker(),)))

    assert of(89) == ()
    assert of(90) == ("the queue of the default pool is nearly full: 90 of 100 tasks; run more workers",)
    assert of(100) == ("the queue of the default pool is full: 100 tasks, and new ones are refused; run more workers",)


def test_a_redis_that_fills_up_or_throws_away() -> None:
    server = ServerFacts("redis://x", "Redis", "7.4.0", 95, 100, "allkeys-lru")
    full, careless = advice(overview(server=server, workers=(worker(),)))
    assert full.startswith("Redis is 95 % full")
    assert careless.endswith("set maxmemory-policy to noeviction")


def test_a_redis_that_is_full_is_all_that_is_wrong() -> None:
    """The workers cannot say that they live, and are not to be blamed for it."""
    server = ServerFacts("redis://x", "Redis", "7.4.0", 101, 100, "noeviction")
    [line] = advice(overview(server=server))
    assert line == "Redis is full: it takes no tasks and no answers; give it more memory, or make room in it"


def test_a_task_past_its_deadline_a_front_end_that_hangs_and_what_was_given_up() -> None:
    found = overview(
        queues=(queue(running=1),),
        workers=(worker(busy=1),),
        running=(running(left_ms=-9_000),),
        fronts=(FrontFacts("f", 5_000), FrontFacts("g", 10)),
        letters=(letter(1), letter(2, age_ms=10**8)),
        dead=2,
    )
    late, unread, given_up = advice(found)
    assert late.startswith("past the deadline and still running: s-1")
    assert unread == "the front end f leaves 5000 updates unread: it hangs, or has died"
    assert given_up == "1 task was given up within the hour, the last 2 min ago: duologue tasks list --state dead"
