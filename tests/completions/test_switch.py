"""No test run calls a real model by mistake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.completions.asking import Request
from orchestrator.completions.endpoint import Endpoint, EndpointSettings
from orchestrator.completions.switch import VARIABLE, allowing, check_allowed
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.testing import forbid_model_calls
from orchestrator.testing.model_server import ModelServer

HELLO = Request("m", ({"role": "user", "content": "hi"},))


def allowed(url: str) -> bool:
    try:
        check_allowed(url)
    except ModelTrouble as trouble:
        assert trouble.cause == "forbidden by test"
        assert not trouble.transient
        assert "ModelServer" in trouble.todo
        return False
    return True


@pytest.fixture
def _no_real_models() -> None:
    """In the place of the switch that all other tests are under: here it is turned by hand."""


@pytest.fixture(autouse=True)
def _no_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("value", "openai", "local"),
    [("", True, True), ("1", True, True), ("0", False, False), ("no", False, False), ("127.0.0.1:77", False, True)],
)
def test_the_variable(monkeypatch: pytest.MonkeyPatch, value: str, openai: bool, local: bool) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert allowed("https://api.openai.com/v1") is openai
    assert allowed("http://127.0.0.1:77/v1") is local
    with allowing(88):
        assert allowed("http://127.0.0.1:88/v1")
        assert allowed("http://h.example:88/v1") is openai


def test_the_context_manager_ends_where_it_ends() -> None:
    with forbid_model_calls():
        with forbid_model_calls():
            assert not allowed("https://api.openai.com/v1")
        assert not allowed("http://localhost:8000/v1")
    assert allowed("https://api.openai.com/v1")


@pytest.fixture(name="no_models")
def _no_models() -> Iterator[None]:
    with forbid_model_calls():
        yield


@pytest.mark.anyio
@pytest.mark.usefixtures("no_models")
async def test_only_the_server_of_the_test_is_asked() -> None:
    async with ModelServer() as server:
        server.script("m", ["Hi."])
        async with Endpoint(EndpointSettings(base_url=server.base_url)) as endpoint:
            assert [piece async for piece in endpoint.stream(HELLO)]
    async with Endpoint(EndpointSettings(base_url=server.base_url)) as endpoint:
        with pytest.raises(ModelTrouble) as caught:
            _ = [piece async for piece in endpoint.stream(HELLO)]
        assert caught.value.cause == "forbidden by test"
        with pytest.raises(ModelTrouble):
            await endpoint.models()
