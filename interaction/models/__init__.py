"""Live voices: `chat` (any OpenAI-compatible server), `reflex` (embedded, no key), `scripted` (a double for tests)."""

from __future__ import annotations

from interaction.models.chat import ChatModel as ChatModel
from interaction.models.chat_settings import ChatSettings as ChatSettings
from interaction.models.reflex import ReflexModel as ReflexModel
from interaction.models.scripted import Handover as Handover
from interaction.models.scripted import ScriptedModel as ScriptedModel
from interaction.models.scripted import When as When

__all__ = ["ChatModel", "ChatSettings", "Handover", "ReflexModel", "ScriptedModel", "When"]
