"""Whether a person gives leave, read from what they said. Pure, and English only.

Whatever is not clearly a yes is none. "Always" is a yes that holds for the same thing from now on.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

__all__ = ["Consent", "consent"]

Consent: TypeAlias = Literal["yes", "always", "no", "unclear"]
"""`unclear`: neither a yes nor a no, so it may be asked once more; nothing is done meanwhile."""

_YES: Final = re.compile(
    r"(?:(?:oh|well|um|uh|hm+|so|and)[ ,]+)*"
    r"(yes|yeah|yep|yup|sure|ok|okay|please|certainly|absolutely|definitely|of course|go ahead|go on|go for it|do it|"
    r"do that|do so|fine|alright|all right|approved|allow(?:ed)?|right|correct|always|every time|you may|by all means|"
    r"y)\b",
)
_ALWAYS: Final = re.compile(
    r"\b(always|every time|each time|from now on|all the time|in (the )?future|"
    r"(don't|dont|do not|no need to|never) (have to )?ask( me)?( again| any ?more)?|without asking|stop asking)\b"
)
_NO: Final = re.compile(r"\b(no|not|don't|dont|never|stop|wait|cancel|nope|nah|later|rather not|hold on|refuse)\b")
_PERMANENT: Final = re.compile(
    r"\b(don't|dont|do not|no need to|never|stop) (have to )?ask(ing)?( me)?( again| any ?more)?\b"
)
_ASK_ME: Final = re.compile(r"\bask me\b")


def consent(answer: str) -> Consent:
    """What an answer to "may I ...?" comes to.

    >>> consent("Yes, go ahead."), consent("yes, but not today"), consent("hm")
    ('yes', 'no', 'unclear')
    >>> consent("always"), consent("Sure, and don't ask again"), consent("never"), consent("no, always ask me")
    ('always', 'always', 'no', 'no')
    """
    words = " ".join(answer.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()).strip(" .!?,;:")
    # "yes, don't ask again" has a "don't" in it that forbids nothing.
    rest = _PERMANENT.sub(" ", words)
    if _NO.search(rest):
        return "no"
    if not _YES.match(words) or _ASK_ME.search(rest):
        return "unclear"
    return "always" if _ALWAYS.search(words) else "yes"
