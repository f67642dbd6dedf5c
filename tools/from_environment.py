"""`${NAME}` in a setting: read from the environment when it is used, and never before, so that what is secret stands in
no program and in no list of settings."""

from __future__ import annotations

import os
import re
from typing import Final

from tools.settled import Settled

__all__ = ["filled", "scrubbed", "variables"]

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SHORTEST_SECRET: Final = 4
"""What is shorter is not blotted out: it would tear holes into ordinary words, and hides nothing."""


def variables(text: str) -> tuple[str, ...]:
    """The names in `text`, each once."""
    return tuple(dict.fromkeys(_VARIABLE.findall(text)))


def filled(text: str, *, what: str, needs: str) -> str:
    """`text` with what the environment says now, without blanks around it (files of secrets end with a line break).

    Raises `Settled` where a variable is not set or empty; `what` cannot be asked then, and `needs` says for what it
    is needed.
    """
    missing = [name for name in variables(text) if not os.environ.get(name, "").strip()]
    if missing:
        raise Settled(
            f"{what} cannot be asked.",
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set, and {needs} needs it.",
            "Whoever runs this has to set it in the environment of the worker, and start it again.",
        )
    return _VARIABLE.sub(lambda found: os.environ[found[1]].strip(), text)


def scrubbed(text: str, *secrets: str) -> str:
    """`text` with every secret blotted out.

    >>> scrubbed("no entry for hunter2", "hunter2")
    'no entry for ***'
    """
    for secret in sorted((each for each in secrets if len(each) >= SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
