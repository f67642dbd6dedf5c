"""Each law between the sides is kept by good evidence, and broken by evidence that is bad in just that way."""

from __future__ import annotations

import msgspec
import pytest

from tests.chaos.evidence import Evidence, Life
from tests.chaos.notes import Line
from tests.chaos.plan import Plan
from tests.chaos.sides import LAWS_OF_ALL_SIDES, violations
from tests.chaos.test_laws import GOOD, D, line

END = line("at end", jobs=0, pending=0, without_ttl=[], dead=[])
NOBODY = Evidence(Plan(1, 1_000))
MINUTE = 60_000


def at(t: int, type_: str, /, **fields: object) -> Line:
    return {**line(type_, **fields), "t": t}


def claimed(t: int, attempt: int = 1, worker: str = "a") -> Line:
    return at(t, "claimed", delegation=D, attempt=attempt, worker=worker)


def finished(t: int, tail: str = "1", worker: str = "a") -> Line:
    return at(t, "finished", delegation=D, attempt=1, worker=worker, finding=f"{D}.{tail}")


def started(pid: int = 5) -> Line:
    return at(0, "started", name="worker-0", pid=pid)


def ended(t: int, code: int, *, expected: bool) -> Line:
    return at(t, "ended", name="worker-0", pid=5, code=code, expected=expected)


def memory(*mebibytes: int) -> list[Line]:
    return [
        at(number * MINUTE // 2, "memory", name="worker-0", pid=5, kib=size * 1024)
        for number, size in enumerate(mebibytes)
    ]


def evidence(
    *, workers: tuple[Line, ...] = (), driver: tuple[Line, ...] = (END,), charges: tuple[str, ...] = (), log: str = ""
) -> Evidence:
    life = Life("p", tuple(GOOD), finished=True)
    return Evidence(Plan(1, 1_000), (life,), workers, driver, charges, {"worker-0.log": log})


EMPTIED = at(5_000, "harm", kind="empty redis", lasts_ms=0)
POISONED = at(1, "poisoned", delegation=D, worker="worker-0-5")
ON_PURPOSE = "Traceback (most recent call last):\n  File x\nRuntimeError: broken on purpose\n"
BUG = "Traceback (most recent call last):\n  File x\nKeyError: 'x'\n"
RESET = """ERROR asyncio: Future exception was never retrieved
future: <Future finished exception=ConnectionResetError(104, 'Connection reset by peer')>
Traceback (most recent call last):
  File "/usr/lib/python3.11/asyncio/selector_events.py", line 1057, in write
    n = self._sock.send(data)
        ^^^^^^^^^^^^^^^^^^^^^
ConnectionResetError: [Errno 104] Connection reset by peer
"""


def twice(*driver: Line) -> Evidence:
    """Somebody comes back, and is not known any more."""
    opened = at(6_000, "opened", pid=2, known=False)
    before = Life("p", (*GOOD, at(4_000, "saved", lines=9)), finished=False)
    return msgspec.structs.replace(evidence(driver=driver), lives=(before, Life("p", (opened,), finished=True)))


MOVED = Life("p", (*GOOD, at(4_500, "opened", pid=2, known=True)), finished=True)
GAP = at(5_500, "gap", delegation=D, worker="a", since=4, found=[6, 9], n=4)

GOOD_ONES: dict[str, Evidence] = {
    "told by somebody who died, and lost with Redis": msgspec.structs.replace(
        evidence(workers=(GAP,), driver=(EMPTIED, END)), lives=(MOVED,)
    ),
    "begun anew after a loss of data": twice(EMPTIED, END),
    "one claim, one end": evidence(workers=(claimed(1), finished(2)), charges=(D,)),
    "run again after a death": evidence(workers=(claimed(1), claimed(700, 2, "b"), finished(800, "1", "b"))),
    "all twice after a loss of data": evidence(
        workers=(claimed(1), finished(2), claimed(6_000, 1, "b"), finished(6_100, "1", "b")),
        driver=(EMPTIED, END),
        charges=(D, D),
    ),
    "taken by Redis, and lost with it": evidence(workers=(claimed(1), finished(4_900, "9")), driver=(EMPTIED, END)),
    "a dead letter": evidence(
        workers=(*(claimed(number, number) for number in range(1, 6)),),
        driver=({**END, "dead": [[D, "dead"]]},),
    ),
    "killed": evidence(driver=(started(), ended(9_000, -9, expected=True), END)),
    "poisoned": evidence(workers=(POISONED,), driver=(started(), ended(9_000, -9, expected=False), END)),
    "told to end before it could listen": evidence(driver=(started(), ended(500, -15, expected=True), END)),
    "a worker that fills up once": evidence(driver=(*memory(30, 60, 61, 61, 60, 62, 61), END)),
    "a line that was reset, and collected as its process ended": evidence(log=f"WARNING x\n{RESET}WARNING y\n"),
    "broken on purpose": evidence(log=f"ERROR background.serving: {D}: the reasoner failed\n{ON_PURPOSE}WARNING x\n"),
}

BAD_ONES: list[tuple[str, Evidence]] = [
    ("a task is finished once", evidence(workers=(claimed(1), finished(2), finished(3, "2.1", "b")))),
    ("an attempt has one owner", evidence(workers=(claimed(1), claimed(700, 1, "b")))),
    ("an attempt has one owner", evidence(workers=(claimed(1, 2), claimed(700, 1, "b")))),
    ("a tool that must not run twice runs once", evidence(workers=(claimed(1), claimed(2, 2)), charges=(D, D))),
    (
        "a worker is told everything",
        evidence(workers=(GAP,)),
    ),
    ("a worker is told everything", evidence(workers=(GAP,), driver=(EMPTIED, END))),
    ("a worker is told everything", msgspec.structs.replace(evidence(workers=(GAP,)), lives=(MOVED,))),
    ("what was acknowledged arrives", evidence(workers=(claimed(1), finished(2, "7")))),
    ("nobody is forgotten", twice(END)),
    ("nothing is left in Redis", NOBODY),
    ("nothing is left in Redis", evidence(driver=({**END, "jobs": 1},))),
    ("nothing is left in Redis", evidence(driver=({**END, "pending": 1},))),
    ("nothing is left in Redis", evidence(driver=({**END, "without_ttl": ["duo:{0}:job:x"]},))),
    ("dead letters are explained", evidence(workers=(claimed(1),), driver=({**END, "dead": [[D, "dead"]]},))),
    ("dead letters are explained", evidence(driver=({**END, "dead": [[D, "unreadable"]]},))),
    ("nobody ends by himself", evidence(driver=(started(), ended(9_000, 0, expected=False), END))),
    ("nobody ends by himself", evidence(driver=(started(), ended(9_000, 1, expected=True), END))),
    ("nobody ends by himself", evidence(driver=(started(), ended(9_000, -15, expected=True), END))),
    ("nobody ends by himself", evidence(driver=(at(1, "did not end", name="front-0"), END))),
    ("memory does not grow", evidence(driver=(*memory(30, 60, 80, 90, 110, 130, 150), END))),
    ("no bug in the logs", evidence(log=f"WARNING x\n{BUG}WARNING y\n")),
    ("no bug in the logs", evidence(log=f"{ON_PURPOSE}{BUG}")),
    ("no bug in the logs", evidence(log=RESET.replace("/usr/lib/python3.11/asyncio/selector", "/ours/bus/redis"))),
    ("no bug in the logs", evidence(log=f"{RESET}{BUG}")),
    ("no bug in the logs", evidence(log="ERROR background.serving: x: its answer cannot be sent\n")),
]


@pytest.mark.parametrize("name", GOOD_ONES)
def test_good_evidence_keeps_every_law(name: str) -> None:
    assert violations(GOOD_ONES[name]) == []


@pytest.mark.parametrize(("law", "bad"), BAD_ONES)
def test_bad_evidence_breaks_its_law(law: str, bad: Evidence) -> None:
    assert law in {violation.law for violation in violations(bad)}


def test_every_law_can_be_broken() -> None:
    assert {law for law, _ in BAD_ONES} == set(LAWS_OF_ALL_SIDES)


def test_a_conversation_counts_too() -> None:
    bad = msgspec.structs.replace(evidence(), lives=(Life("p", (*GOOD, *GOOD[-4:]), finished=True),))
    assert [violation.law for violation in violations(bad)][:1] == ["nothing is told twice"]
