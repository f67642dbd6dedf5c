"""The assistant that the commands run: embedded voice and reasoner, and the bundled tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.settings import Settings
from orchestrator.errors import ConfigError
from orchestrator.siblings import PACKAGES, require

if TYPE_CHECKING:
    from orchestrator.assistant import Assistant
    from orchestrator.bus import Bus
    from orchestrator.equipment import ToolLike

__all__ = ["bundled_assistant", "chosen_bus", "chosen_tools"]


def bundled_assistant(settings: Settings, bus: Bus | None) -> Assistant:
    """An assistant as `settings` say.

    Raises:
        SiblingShadowed: a stranger's folder stands in for one of ours.
        ConfigError: a language model or a search engine is named that cannot be asked: there is no key for it.
    """
    for package in PACKAGES:
        require(package)
    from orchestrator.assistant import Assistant
    from orchestrator.config import SessionConfig

    thinker = settings.background_model or settings.model
    for named in {settings.model, thinker} - {None}:
        _can_be_asked(str(named))
    return Assistant(
        tools=chosen_tools(settings),
        interaction=f"chat:{settings.model}" if settings.model else "reflex",
        background=f"chat:{thinker}" if thinker else "rules",
        bus=bus,
        config=SessionConfig(pace=settings.pace),
    )


def chosen_tools(settings: Settings) -> list[ToolLike]:
    """The tools that the settings name: one's own, and those that come with Duologue.

    Raises:
        ConfigError: there are none where they are said to be, or an engine is named that cannot be.
        ToolDefinitionError: what is there cannot become a tool.
    """
    from orchestrator.siblings import require

    require("tools")
    from orchestrator.reloading import Reloading
    from tools.bundled import WebSettings, bundled

    own: list[ToolLike] = [Reloading(spec) for spec in settings.tools]
    if settings.mcp:
        from tools.mcp import mcp_servers

        own += [server for file in settings.mcp for server in mcp_servers(file)]
    if not settings.bundled:
        return own
    web = WebSettings(settings.search, settings.web_allow)
    return [*bundled(settings.root.resolve(), web=web, python=settings.python), *own]


def _can_be_asked(model: str) -> None:
    """A missing key is known before anybody has said anything; a wrong one is told in the conversation."""
    from orchestrator.completions.endpoint_settings import OPENAI_URL
    from orchestrator.completions.naming import parse_model

    at = parse_model(model).settings
    if at.url == OPENAI_URL and not at.key:
        raise ConfigError(
            f"the model {model!r} cannot be asked: there is no key",
            "OPENAI_API_KEY is not set, and no other server is named, so it would be OpenAI's own",
            "set OPENAI_API_KEY, or name your server: OPENAI_BASE_URL=http://localhost:8000/v1, or NAME@URL",
        )


def chosen_bus(settings: Settings) -> Bus | None:
    """The hand-off that the settings name; `None` for one within the process."""
    if settings.redis is None:
        return None
    from orchestrator.bus.redis import RedisBus, RedisSettings

    return RedisBus(settings.redis, settings=RedisSettings(lease_ms=settings.lease_ms))
