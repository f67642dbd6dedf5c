"""Live voices: `reflex` (embedded, no key) and `scripted` (a double for tests)."""

from __future__ import annotations

from interaction.models.reflex import ReflexModel as ReflexModel
from interaction.models.scripted import Handover as Handover
from interaction.models.scripted import ScriptedModel as ScriptedModel
from interaction.models.scripted import When as When

__all__ = ["Handover", "ReflexModel", "ScriptedModel", "When"]
