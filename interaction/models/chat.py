"""The live voice on chat completions: any OpenAI-compatible server, hosted or one's own.

Such a model answers in turns: it hears nothing while it speaks, and cannot be asked five times a second. So whose turn
it is, is judged by rules (`interaction.turntaking`), and the model is asked on events: the person has finished, a
finding is to be told. What it streams is said as it comes; when the person begins, it is cut and its request closed.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from zlib import crc32

import msgspec

from interaction.models.chat_asking import Asking
from interaction.models.chat_brain import ChatBrain
from interaction.models.chat_settings import ChatSettings
from interaction.models.chat_stream import chat_stream
from orchestrator.completions.asking import Completions
from orchestrator.completions.endpoint_settings import EndpointSettings
from orchestrator.completions.naming import parse_model
from orchestrator.completions.sharing import SharedEndpoint
from orchestrator.errors import ConfigError
from orchestrator.ports import InteractionStream, Opening, VoiceTraits

__all__ = ["ChatModel"]


class ChatModel:
    """An `InteractionModel` on chat completions.

    >>> voice = ChatModel("gpt-5.2-mini")
    >>> voice = ChatModel("qwen3", endpoint=EndpointSettings(base_url="http://localhost:8000/v1"))
    """

    def __init__(
        self,
        model: str,
        *,
        endpoint: Completions | EndpointSettings | None = None,
        settings: ChatSettings | None = None,
        instructions: str = "",
        nonce: Callable[[], str] | None = None,
    ) -> None:
        """`model`: its name, as the server knows it; without an `endpoint` also `name@http://host/v1`. `endpoint`:
        where the server is; an open `Endpoint` (or a double) is used as it is, and left open. `instructions` stand
        before those of the assistant. `nonce` makes a secret for each session.

        Raises:
            ConfigError: there is no name, or no address.
        """
        if not model.strip():
            raise ConfigError(
                "the voice has no model",
                "a server has many, and has to be told which",
                'name one, as in ChatModel("gpt-5.2-mini")',
            )
        if endpoint is None and "://" in model:
            named = parse_model(model)
            model, endpoint = named.model, named.settings
        self.model: str = model.strip()
        self.settings: ChatSettings = settings or ChatSettings()
        self._instructions = instructions
        self._nonce = nonce or _secret
        self._way = SharedEndpoint(endpoint, model=self.model)

    @property
    def traits(self) -> VoiceTraits:
        """It hears text while it is typed, also while it speaks: by rules, not by the model."""
        about = f"{self.model}, by chat completions: it answers in turns, and rules judge whose turn it is."
        return VoiceTraits(name="chat", about=about, duplex=False)

    def open(self, opening: Opening) -> AbstractAsyncContextManager[InteractionStream]:
        """Begin a conversation, or take one up. The first one opens the way to the server, which takes a second."""
        return self._open(opening)

    @asynccontextmanager
    async def _open(self, opening: Opening) -> AsyncGenerator[InteractionStream]:
        told = "\n\n".join(part for part in (self._instructions.strip(), opening.instructions.strip()) if part)
        opening = msgspec.structs.replace(opening, instructions=told)
        nonce = self._nonce()
        async with self._way.held() as completions:
            asking = Asking(opening, model=self.model, profile=completions.profile, nonce=nonce, settings=self.settings)
            brain = ChatBrain(asking, settings=self.settings, spread=crc32(nonce.encode()) / 2**32)
            async with chat_stream(brain, completions, stall_s=self.settings.stall_ms / 1_000) as stream:
                yield stream


def _secret() -> str:
    return secrets.token_hex(8)
