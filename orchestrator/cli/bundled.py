"""The assistant that the commands run: embedded voice and reasoner, and the bundled tools on the person's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.settings import Settings
from orchestrator.siblings import PACKAGES, require

if TYPE_CHECKING:
    from orchestrator.assistant import Assistant
    from orchestrator.bus import Bus

__all__ = ["bundled_assistant", "chosen_bus"]


def bundled_assistant(settings: Settings, bus: Bus | None) -> Assistant:
    """An assistant as `settings` say. Raises `SiblingShadowed` where a stranger's folder stands in for one of ours."""
    for package in PACKAGES:
        require(package)
    from orchestrator.assistant import Assistant
    from orchestrator.config import SessionConfig
    from tools.bundled import bundled

    return Assistant(tools=bundled(settings.root.resolve()), bus=bus, config=SessionConfig(pace=settings.pace))


def chosen_bus(settings: Settings) -> Bus | None:
    """The hand-off that the settings name; `None` for one within the process."""
    if settings.redis is None:
        return None
    from orchestrator.bus.redis import RedisBus, RedisSettings

    return RedisBus(settings.redis, settings=RedisSettings(lease_ms=settings.lease_ms))
