"""Scenarios are data: the same for a seed, the same after a file, and each family makes what its name says."""

from __future__ import annotations

import pytest

from orchestrator.bench.families import FAMILIES, REPORT_FROM, report_seeds, scenario, scenarios, train_seeds
from orchestrator.bench.scenario import Arrival, Cue, Scenario, Work, encode_scenario, read_scenario
from orchestrator.errors import ScenarioError, UsageError


@pytest.mark.parametrize("family", FAMILIES)
def test_a_scenario_survives_its_file_and_depends_on_its_seed_alone(family: str) -> None:
    made = [scenario(family, seed) for seed in range(6)]
    assert [read_scenario(encode_scenario(one), one.id) for one in made] == made
    assert [scenario(family, seed) for seed in range(6)] == made
    assert len({encode_scenario(one) for one in made}) == len(made)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_scenario_says_can_be_told_apart(family: str) -> None:
    """No fact's words are a part of another's, and no line ends as another one does: so words tell who is meant."""
    for one in scenarios([family], range(8)):
        words = [fact.words for fact in one.facts]
        lines = [step.line for step in one.steps if step.line]
        assert len(set(words)) == len(words) and len(set(lines)) == len(lines)
        assert not any(a in b for a in words for b in words if a is not b)
        assert not any(b.endswith(a) for a in lines for b in lines if a is not b)
        assert all(step.lasts_ms >= step.strokes[-1].at_ms for step in one.steps if step.strokes)


def test_training_and_report_seeds_are_disjoint() -> None:
    assert set(train_seeds(REPORT_FROM)).isdisjoint(report_seeds(1_000))


def test_a_family_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no family 'nonsense'"):
        scenario("nonsense", 1)


def test_a_file_that_is_no_scenario() -> None:
    with pytest.raises(ScenarioError, match=r"x\.json is no scenario"):
        read_scenario(b"{}", "x.json")


def test_a_scenario_that_names_what_it_does_not_have() -> None:
    with pytest.raises(ScenarioError, match="names facts that it does not have"):
        Scenario("x", "x", 1, 1, (), (), (Work("r1", (Arrival(Cue(), facts=("f9",)),)),))
