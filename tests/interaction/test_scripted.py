"""The scripted voice: a double that others write tests with."""

from __future__ import annotations

import msgspec
import pytest

from interaction.models.scripted import Handover, ScriptedModel, When
from orchestrator.effects import Heard, MicroTurn, Offer, Work
from orchestrator.errors import ScenarioError
from orchestrator.events import ModelAmended, ModelDelegated, ModelEvent, ModelRested, ModelSpoke
from orchestrator.finding import Finding
from orchestrator.ports import InteractionModel, Opening

RULES = (
    When("train", say="On it.", delegate=Handover("trains", "the next train")),
    When("tr[a-z]+ck", delegate=Handover()),
    When("hello|HI there", say="Hello."),
)


async def answers(model: InteractionModel, *turns: MicroTurn) -> list[ModelEvent]:
    """What the model makes of the turns; each ends with its resting event."""
    got: list[ModelEvent] = []
    async with model.open(Opening("s")) as stream:
        events = stream.events()
        for turn in turns:
            await stream.send(turn)
            async for event in events:
                got.append(event)
                if isinstance(event, ModelRested):
                    break
    return got


def entered(n: int, text: str, **told: object) -> MicroTurn:
    return msgspec.structs.replace(MicroTurn(n, 200 * n, heard=(Heard(text, final=True),)), **told)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("When is the next TRAIN?", [ModelDelegated("the next train", ("trains",)), ModelSpoke("On it.")]),
        ("a train on a track", [ModelDelegated("the next train", ("trains",)), ModelSpoke("On it.")]),
        ("a track", [ModelDelegated("a track")]),
        ("hi there", [ModelSpoke("Hello.")]),
        ("hello! hi there. hello", [ModelSpoke("Hello. Hello. Hello.")]),
        ("the weather", []),
    ],
)
async def test_the_first_rule_that_is_met_wins(text: str, expected: list[ModelEvent]) -> None:
    assert await answers(ScriptedModel(RULES), entered(1, text)) == [*expected, ModelRested(1)]


@pytest.mark.anyio
async def test_it_hears_as_the_embedded_voice_does() -> None:
    turns = [
        MicroTurn(1, 0, heard=(Heard("hel"),)),
        MicroTurn(2, 200, heard=(Heard("lo"),)),
        MicroTurn(3, 1_200, quiet_ms=1_000),
        MicroTurn(4, 1_800, quiet_ms=1_600),
        MicroTurn(5, 2_000, heard=(Heard("", final=True),)),
    ]
    assert await answers(ScriptedModel(RULES), *turns) == [
        ModelRested(1),
        ModelRested(2),
        ModelRested(3),
        ModelSpoke("Hello."),
        ModelRested(4),
        ModelRested(5),
    ]


@pytest.mark.anyio
async def test_findings_are_said_in_their_own_words() -> None:
    one, two = Finding("At 9:12, direct. At noon.", delegation="s-1"), Finding("Twelve.", delegation="s-2")
    turns = [
        MicroTurn(1, 0, offers=(Offer(one), Offer(two))),
        MicroTurn(2, 0, offers=(Offer(one, said="At 9:12, dir"), Offer(two, said="At 9:12, dir"))),
        MicroTurn(3, 0, offers=(Offer(two, said="As I was saying, direct. At noon. Twelve."),)),
    ]
    assert await answers(ScriptedModel(RULES), *turns) == [
        ModelSpoke("At 9:12, direct. At noon. Twelve.", ("s-1.0", "s-2.0")),
        ModelRested(1),
        ModelSpoke("As I was saying, direct. At noon. Twelve.", ("s-1.0", "s-2.0")),
        ModelRested(2),
        ModelRested(3, ("s-2.0",)),
    ]


@pytest.mark.anyio
async def test_an_answer_that_no_rule_meets_goes_to_whoever_asked() -> None:
    work = (Work("s-1", "a train", "running"),)
    turn = entered(1, "Lyon", work=work, expecting="s-1.2")
    again = entered(2, "Nice", work=work, expecting="s-1.2")
    assert await answers(ScriptedModel(RULES), turn, again) == [
        ModelAmended("s-1", "Lyon", answers="s-1.2"),
        ModelRested(1),
        ModelRested(2),
    ]


def test_a_broken_pattern_is_named_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        ScriptedModel([When("fine"), When("(not fine")])
    assert "(not fine" in caught.value.what
    assert caught.value.why
    assert caught.value.todo


def test_a_rule_is_a_line_of_a_scenario() -> None:
    line = b'{"type":"given.model","at_ms":0,"when":"train","say":"On it.","delegate":{"tool":"trains","task":"x"}}'
    assert msgspec.json.decode(line, type=When) == When("train", "On it.", Handover("trains", "x"))
    assert msgspec.json.decode(b'{"type":"given.model","when":"x","delegate":null}', type=When) == When("x")


@pytest.mark.anyio
async def test_it_tells_which_rules_were_never_met() -> None:
    model = ScriptedModel(RULES)
    await answers(model, entered(1, "hello"), entered(2, "train"))
    assert model.unmet == (RULES[1],)
    with pytest.raises(AssertionError, match=r"tr\[a-z\]\+ck"):
        model.assert_complete()
    await answers(model, entered(1, "track"))
    model.assert_complete()
