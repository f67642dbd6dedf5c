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
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_ASK_ME: Final = re.compile(r"\bask me\b")


_BESIDE: Final = frozenset((
    "yes", "yeah", "yep", "yup", "sure", "ok", "okay", "please", "certainly", "absolutely", "definitely", "of",
    "course", "go", "ahead", "on", "for", "it", "do", "that", "so", "fine", "alright", "all", "right", "approved",
    "allow", "allowed", "correct", "always", "every", "each", "time", "you", "may", "by", "means", "y", "oh",
    "well", "um", "uh", "hm", "and", "i", "the", "a", "this", "to", "is", "it's", "that's", "thanks", "thank",
    "very", "much", "now", "just", "from", "in", "future", "without", "asking", "ask", "me", "again", "anymore",
    "any", "more", "no", "need", "never", "stop", "not", "don't", "dont", "have", "we", "can", "could", "would",
    "be", "good", "great", "with", "let's", "lets",
))  # fmt: skip
MOST_BESIDE: Final = 3
"""So many other words may stand beside a yes, not counting those of the question: more is about something else."""


def consent(answer: str, question: str = "") -> Consent:
    """What an answer to "may I ...?" comes to. `question` is what was asked: its own words say nothing else.

    >>> consent("Yes, go ahead."), consent("yes, but not today"), consent("hm")
    ('yes', 'no', 'unclear')
    >>> consent("always"), consent("Sure, and don't ask again"), consent("never"), consent("no, always ask me")
    ('always', 'always', 'no', 'no')
    >>> consent("Sure, tell me about the weather in Lyon")
    'unclear'
    """
    words = " ".join(answer.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()).strip(" .!?,;:")
    # "yes, don't ask again" has a "don't" in it that forbids nothing.
    rest = _PERMANENT.sub(" ", words)
    if _NO.search(rest):
        return "no"
    if not _YES.match(words) or _ASK_ME.search(rest) or answer.rstrip().endswith("?"):
        return "unclear"
    asked = _WORD.findall(question.lower())
    if sum(word not in _BESIDE and word not in asked for word in _WORD.findall(words)) > MOST_BESIDE:
        return "unclear"
    return "always" if _ALWAYS.search(words) else "yes"
