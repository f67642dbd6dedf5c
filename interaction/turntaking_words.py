"""How a line looks: ended, complete without an end, open, or broken off in the middle.

Signs (punctuation, brackets, numbers) count in every language. Words are English, with a few joining words of its
neighbours; where no rule fits, the line is `open`, and time decides.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from orchestrator.floor import is_backchannel

__all__ = ["Look", "asks", "at_clause", "look"]

Look = Literal["ended", "complete", "open", "unfinished"]
"""`ended`: with the sign of a sentence's end. `complete`: a question or request that could stand so. `open`: may be
whole or not. `unfinished`: the next word is missing."""

_LOOKED_AT: Final = 400
"""Characters at the end of a line that are judged; a pasted page must not be read at each micro-turn."""
_OPENED_WITHIN: Final = 2_000
"""Characters in which an open quote or bracket is looked for."""
_CLOSERS: Final = "\"')]}\u201d\u2019»"
_ENDS: Final = ".?!。？！؟।"  # noqa: RUF001 - sentence ends of other scripts
_JOINTS: Final = ",;:-–—/+*=(&[{$€£#@\\、，：；"  # noqa: RUF001
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DOTTED: Final = re.compile(r"(?:^|\s)\S*[\d/\\_@.]\S*\.$")
_LISTED: Final = re.compile(r"(?:^|[.!?\n]\s*)\d{1,3}[.)]$")


def _all(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ABBREVIATIONS: Final = _all("e.g i.e mr mrs ms dr prof st vs etc approx fig cf al no z.b bzw ca")
_LEADS_ON: Final = _all(
    "the a an my your our their his its this these those every each some any another of to from for with without into"
    " onto at by than as and or but nor because since although though while whereas unless until if whether that which"
    " who whose when where so then like between among during before after via per plus versus is are was were am be"
    " been will would shall should can could may might must do does did has have had i'm i'll i'd i've you're it's"
    " we're they're let's very really quite about not i we they he she und oder aber weil dass mit für von zum zur et"
    " ou mais pour avec chez parce que y o pero con para porque por e ma per perché en maar omdat"
)
_MAY_END_QUESTION: Final = _all(
    "of to from for with without into at by like about before after in on is are was were do"
)
_MAY_LEAD_ON: Final = _all(
    "in on up out over off down through about before after that so then do have this these those"
)
"""These end a request as well as they carry it on: "turn it on", "put it on the table"."""
_ASKS: Final = _all(
    "what what's whats when when's where where's who who's whose which why how how's is are was were am do does did has"
    " have had will would shall should can could may might must isn't aren't doesn't don't didn't can't won't wie was"
    " wann wo wer warum welche quel quelle quand où qui comment pourquoi qué cuándo dónde quién cómo"
)
_REQUESTS: Final = _all(
    "find show tell give get look search check book order call send write read open list compare count add make put"
    " set remind schedule plan translate summarize summarise explain describe calculate compute convert play stop"
    " cancel start turn go help say repeat please let keep change move delete fetch draw define name suggest recommend"
)


def look(line: str, *, answer: bool = False) -> Look:
    """How `line` looks. `answer`: a question was put to the person, so that one word may be all."""
    text = line[-_LOOKED_AT:].rstrip()
    if not text:
        return "open"
    if _opened(line[-_OPENED_WITHIN:]):
        return "unfinished"
    bare = text.rstrip(_CLOSERS)
    last = bare[-1:] or text[-1]
    if last in _ENDS:
        return _dotted(bare) if last == "." else "ended"
    if last == "…":
        return "open"
    if last in _JOINTS:
        return "unfinished"
    words = [word.replace("’", "'").casefold() for word in _WORD.findall(_last_sentence(text))]
    if not words:
        return "open"
    if answer or is_backchannel(text):
        return "complete" if words[-1] not in _LEADS_ON or len(words) == 1 else "unfinished"
    return _worded(words)


def _worded(words: list[str]) -> Look:
    first, last = words[0], words[-1]
    if first == "please" and len(words) > 1:
        first = words[1]
    asking = first in _ASKS
    if last in _MAY_LEAD_ON and len(words) > 1:
        return "open"
    if last in _LEADS_ON:
        return "open" if asking and len(words) >= 3 and last in _MAY_END_QUESTION else "unfinished"
    if last.isdigit():
        return "open"
    if (asking and len(words) >= 3) or (first in _REQUESTS and len(words) >= 2):
        return "complete"
    return "open"


def asks(line: str) -> bool:
    """Whether the last sentence of `line` is a question, by its sign or its first word."""
    text = line[-_LOOKED_AT:].rstrip().rstrip(_CLOSERS)
    if text[-1:] in ("?", "？", "؟"):  # noqa: RUF001
        return True
    words = _WORD.findall(_last_sentence(text.rstrip(_ENDS)))
    return bool(words) and words[0].casefold() in _ASKS


def at_clause(line: str) -> bool:
    """Whether `line` has come to the end of a clause."""
    return line.rstrip().rstrip(_CLOSERS)[-1:] in (*",;:.!…–—、，。！",)  # noqa: RUF001


def _dotted(bare: str) -> Look:
    """What a full stop at the end means."""
    if bare.endswith(".."):
        return "open"
    if _LISTED.search(bare):
        return "unfinished"
    word = bare[bare.rfind(" ") + 1 : -1].casefold().lstrip("\"'([{")
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return "unfinished"
    # "notes." may become "notes.md" only where the word looks like a path, a version or an address.
    return "open" if _DOTTED.search(bare) else "ended"


def _opened(line: str) -> bool:
    """Whether a quote or a bracket waits for its other half."""
    if line.count('"') % 2 or line.count("\u201c") > line.count("\u201d") + line.count('"'):
        return True
    return any(line.count(left) > line.count(right) for left, right in ("()", "[]", "{}"))


def _last_sentence(text: str) -> str:
    begins = max(text.rfind(sign) for sign in (". ", "? ", "! ", "\n", "。", "？", "！"))  # noqa: RUF001
    return text[begins + 1 :]
