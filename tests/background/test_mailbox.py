"""What was said to a task: read once, answered to the right question, and informed no further than read."""

from __future__ import annotations

import anyio
import msgspec
import pytest

from background.mailbox import Mailbox
from orchestrator.bundle import Amendment
from orchestrator.context import Found, Said
from orchestrator.finding import Finding

QUESTION = Finding.question("start?").stamped(delegation="s-1", attempt=2, seq=1, context_revision=1)


def test_each_amendment_is_read_once_also_when_it_is_delivered_twice() -> None:
    mailbox = Mailbox(1)
    for _ in range(2):
        mailbox.put(Amendment("s-1", revision=4, text="Lyon"))
    assert [item.text for item in mailbox.read()] == ["Lyon"]
    mailbox.put(Amendment("s-1", revision=4, text="Lyon"))
    assert mailbox.read() == ()


def test_the_revision_is_that_of_what_was_read() -> None:
    mailbox = Mailbox(3)
    mailbox.put(Amendment("s-1", revision=6))
    assert mailbox.revision == 3
    mailbox.read()
    assert mailbox.revision == 6


def said(first: int, last: int) -> Amendment:
    entries = tuple(Said(revision=revision, text="and so on") for revision in range(first, last + 1))
    return Amendment("s-1", entries, last)


def test_what_stands_behind_a_gap_informs_only_when_the_gap_is_closed() -> None:
    """One that got lost may have been the correction: an answer that knows only what came after it is stale."""
    mailbox = Mailbox(3)
    mailbox.put(said(7, 9))
    mailbox.read()
    assert mailbox.revision == 3
    mailbox.put(said(10, 11))
    mailbox.read()
    assert mailbox.revision == 3
    mailbox.put(said(4, 6))
    mailbox.read()
    assert mailbox.revision == 11


@pytest.mark.anyio
async def test_an_answer_does_not_count_beyond_an_unread_correction() -> None:
    mailbox = Mailbox(1)
    mailbox.put(Amendment("s-1", revision=5, text="make that Lyon"))
    answers: list[str] = []

    async def ask() -> None:
        answers.append(await mailbox.answer(QUESTION))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert mailbox.open_question == "start?"
        mailbox.put(Amendment("s-1", revision=9, text="Paris", answers=QUESTION.id))
    assert answers == ["Paris"]
    assert mailbox.revision == 4
    mailbox.read()
    assert mailbox.revision == 9


@pytest.mark.anyio
async def test_what_an_earlier_attempt_had_asked_answers_the_same_question_now() -> None:
    mailbox = Mailbox(1)
    answers: list[str] = []

    async def ask() -> None:
        answers.append(await mailbox.answer(QUESTION))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        mailbox.put(Amendment("s-1", revision=2, text="Paris", answers="s-1.7"))
    assert answers == ["Paris"]
    assert mailbox.open_question == ""


def test_an_answer_nobody_waits_for_is_read_as_an_amendment() -> None:
    mailbox = Mailbox(1)
    mailbox.put(Amendment("s-1", revision=2, text="Paris", answers="s-1.1"))
    assert [item.answers for item in mailbox.read()] == ["s-1.1"]


@pytest.mark.anyio
async def test_only_a_correction_ends_the_wait_for_one() -> None:
    mailbox = Mailbox(1)
    corrected = anyio.Event()

    async def wait() -> None:
        await mailbox.corrected()
        corrected.set()

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        mailbox.put(Amendment("s-1", revision=2))
        mailbox.put(Amendment("s-1", revision=3, text="Paris", answers="s-1.1"))
        await anyio.wait_all_tasks_blocked()
        assert not corrected.is_set()
        mailbox.put(Amendment("s-1", revision=4, text="Lyon"))
    assert corrected.is_set()


LEAVE = msgspec.structs.replace(QUESTION, text="May I pay 5 euros?", approves="pay")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("amendment", "answers"),
    [
        (Amendment("s-1", text="yes", answers=LEAVE.id, question=LEAVE.text), True),
        # An answer that an earlier attempt had got to the very same question.
        (Amendment("s-1", text="yes", answers="s-1.9", question=LEAVE.text), True),
        # Leave for something else, or no leave at all: what a voice makes of it does not count.
        (Amendment("s-1", text="yes", answers="s-1.9", question="May I pay 500 euros?"), False),
        (Amendment("s-1", text="yes", answers=LEAVE.id), False),
        (Amendment("s-1", text="yes", answers="s-1.9"), False),
    ],
)
async def test_leave_is_for_what_was_asked_and_nothing_else(amendment: Amendment, answers: bool) -> None:
    mailbox = Mailbox(1)
    got: list[str] = []

    async def ask() -> None:
        got.append(await mailbox.answer(LEAVE))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        mailbox.put(amendment)
        await anyio.wait_all_tasks_blocked()
        assert got == (["yes"] if answers else [])
        group.cancel_scope.cancel()


@pytest.mark.parametrize("tainted", [True, False])
def test_what_others_found_may_taint_the_task(tainted: bool) -> None:
    mailbox = Mailbox(1)
    mailbox.put(Amendment("s-1", (Found(finding=Finding("a page says", tainted=tainted)),), revision=2))
    assert mailbox.taint.there == tainted
