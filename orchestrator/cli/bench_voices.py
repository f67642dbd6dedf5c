"""Which voice a name means, for a benchmark: one for each conversation, and the time it can run in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from orchestrator.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from orchestrator.bench.tasks.holding import Voice
    from orchestrator.ports import InteractionModel

__all__ = ["NamedVoice", "make_sure", "named_voice"]


class NamedVoice(msgspec.Struct, frozen=True):
    """A voice and the time it can run in: one that waits for a server needs real time."""

    name: str
    make: Voice
    clock: Literal["virtual", "real"]


def named_voice(name: str) -> NamedVoice:
    """The voice `silent`, `reflex`, `chat:NAME[@URL]`, or `module:attr` of an `InteractionModel` (or what makes one).

    Raises:
        ConfigError: there is no such voice.
    """
    match name.partition(":"):
        case ("silent", "", ""):
            from orchestrator.bench.tasks.silent import SilentModel

            return NamedVoice(name, SilentModel, "virtual")
        case ("reflex", "", ""):
            from interaction.models.reflex import ReflexModel

            return NamedVoice(name, ReflexModel, "virtual")
        case ("chat", ":", str(model)) if model:
            from interaction.models.chat import ChatModel
            from orchestrator.completions.naming import parse_model

            named = parse_model(model)
            return NamedVoice(name, lambda: ChatModel(named.model, endpoint=named.settings), "real")
        case (str(module), ":", str(attribute)) if module and attribute:
            return NamedVoice(name, _maker(module, attribute), "virtual")
        case _:
            raise ConfigError(
                f"there is no voice called {name!r}",
                "there are silent, reflex, chat:NAME[@URL], and module:attr of a voice of your own",
                "use one of these",
            )


def make_sure(voice: NamedVoice) -> None:
    """Try the model of a `chat:` voice, in a few tiny requests: one without a server would pass for a silent one.

    Raises:
        ModelError: it cannot be used.
    """
    kind, _, model = voice.name.partition(":")
    if kind != "chat":
        return
    import anyio

    from orchestrator.cli.model_probes import examined
    from orchestrator.completions.naming import parse_model

    tried = anyio.run(examined, parse_model(model))
    if tried.trouble:
        what, why, todo = (*tried.trouble, "", "")[:3]
        raise ModelError(what, why, todo)


def _maker(module: str, attribute: str) -> Voice:
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the voice {module}:{attribute} is not there",
            str(error),
            "install its package, or name its folder in PYTHONPATH",
        ) from error
    if hasattr(found, "open") and not isinstance(found, type):
        model = cast("InteractionModel", found)
        return lambda: model
    if not callable(found):
        raise ConfigError(
            f"{module}:{attribute} is no voice",
            "it has no open(), and makes nothing that has",
            "name an InteractionModel, its class, or a function that returns one",
        )
    return cast("Voice", found)
