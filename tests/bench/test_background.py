"""The simulated background: brings what the scenario says, on its cues, and again where the transport repeats it."""

from __future__ import annotations

import msgspec

from orchestrator.bench.background import Background
from orchestrator.bench.scenario import Arrival, Cue, Happening, Work
from orchestrator.effects import Amend, Cancel, Delegate
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding

AT_ONCE = Cue("arrival")
RUNNING = Arrival(AT_ONCE, "running")


def later(after_ms: int) -> Cue:
    return Cue("arrival", after_ms=after_ms)


def brought(background: Background, until_ms: int = 100_000) -> list[tuple[int, str]]:
    """What comes, and when: the state of an update, or kind, id and revision of a finding."""
    seen: list[tuple[int, str]] = []
    while (at := background.wakes_ms) is not None and at <= until_ms:
        for item in background.bring(at):
            match item.event:
                case DelegationUpdate(state=state):
                    seen.append((at, state))
                case Finding() as finding:
                    seen.append((at, f"{finding.kind} {finding.id} @{finding.context_revision}"))
    return seen


def test_work_is_done_in_order() -> None:
    partial = Arrival(later(1_000), "partial", 1, "Half.", ("f1",))
    final = Arrival(later(500), "final", 2, "Half. Whole.", ("f1", "f2"))
    background = Background([Work("r1", (RUNNING, partial, final))])
    assert background.order(Delegate("s-1", "r1", 3), 100) == "r1"
    assert brought(background) == [(100, "running"), (1_100, "partial s-1.1 @3"), (1_600, "final s-1.2 @3")]
    assert background.wakes_ms is None


def test_a_finding_may_wait_for_something_else() -> None:
    final = Arrival(Cue("step.begins", "s2", after_ms=300), "final", 1, "It.")
    background = Background([Work("r1", (RUNNING, final))])
    background.order(Delegate("s-1", "r1", 1), 0)
    assert brought(background, 4_000) == [(0, "running")]
    background.notice(Happening("step.begins", "s2"), 5_000)
    assert brought(background) == [(5_300, "final s-1.1 @1")]


def test_the_transport_may_bring_a_finding_twice() -> None:
    final = Arrival(later(10), "final", 1, "It.", again_ms=(40,))
    background = Background([Work("r1", (RUNNING, final))])
    background.order(Delegate("s-1", "r1", 1), 0)
    assert brought(background) == [(0, "running"), (10, "final s-1.1 @1"), (50, "final s-1.1 @1")]


def test_a_worker_that_dies_and_the_next_attempt() -> None:
    final = Arrival(later(100), "final", 1, "It.", attempt=2)
    background = Background([Work("r1", (RUNNING, Arrival(later(50), "dies"), final))])
    background.order(Delegate("s-1", "r1", 1), 0)
    assert brought(background) == [(0, "running"), (50, "queued"), (150, "final s-1.2.1 @1")]


def test_what_is_called_off_does_not_come_unless_it_was_on_its_way() -> None:
    work = Work("r1", (RUNNING, Arrival(later(100), "final", 1, "It.")))
    for deaf in (False, True):
        background = Background([msgspec.structs.replace(work, deaf=deaf)])
        background.order(Delegate("s-1", "r1", 1), 0)
        background.order(Cancel("s-1", "no longer wanted"), 50)
        assert bool(brought(background)) == deaf


def test_a_correction_makes_it_other_work_on_a_newer_revision() -> None:
    first = Work("r1", (RUNNING, Arrival(later(9_000), "final", 1, "Old.")))
    second = Work("r2", (Arrival(later(100), "final", 2, "New."),))
    background = Background([first, second])
    background.order(Delegate("s-1", "r1", 1), 0)
    assert background.order(Amend("s-1", 1, 4, "r2"), 50) == "r2"
    assert brought(background) == [(150, "final s-1.2 @4")]
    assert background.order(Amend("s-1", 4, 5), 200) == ""


def test_a_finding_names_those_that_hold_what_is_not_true_any_more() -> None:
    early = Arrival(later(10), "partial", 1, "Perhaps.", ("f1",))
    final = Arrival(later(10), "final", 2, "It.", ("f2",), replaces=("f1",))
    background = Background([Work("r1", (early, final))])
    background.order(Delegate("s-1", "r1", 1), 0)
    background.bring(10)
    (last,) = background.bring(20)
    assert isinstance(last.event, Finding) and last.event.supersedes == ("s-1.1",)
