"""Frames: how a chat voice tells what the session says from what the person, or a page on the web, says.

A frame is a pair of tags that carry the session's nonce. Whoever does not know the nonce cannot write one, and whatever
stands inside a frame, or is said by the person, is made harmless first: an attempt at a tag loses its bracket, and the
nonce itself is blotted out. Look-alikes count as what they look like.
"""

# ruff: noqa: RUF001 (look-alikes are what this file is about)

from __future__ import annotations

import re
import unicodedata
from typing import Final

from orchestrator.errors import ConfigError

__all__ = ["NAME", "Frames", "shortened"]

NAME: Final = "duologue"
"""What every tag begins with."""

_BLOT: Final = "[hidden]"
"""Letters, so that what stood on both sides of a nonce does not make a new one."""
_INSTEAD: Final = "("
"""What stands for the bracket of a tag that is none."""
_NONCE: Final = re.compile(r"[A-Za-z0-9]{6,64}")
_ANGLES: Final = frozenset("<＜﹤‹〈〈⟨˂ᐸ≺≪⪡《«❮❬❰⧼⟪⦑⦓𐌂く")
_WRITTEN_OUT: Final = re.compile(r"&(?:lt|#0*60|#x0*3c);?|%3c|\\u003c|\\x3c", re.IGNORECASE)
"""Other ways to write `<`."""
_SIGNS: Final = ("<", "lt", "3c", "6o")
"""What a bracket can look like in a skeleton, also one that is written out."""
_ALIKE: Final = {
    **dict.fromkeys("оοօᴏσ0", "o"),
    **dict.fromkeys("υսᴜʋц", "u"),
    **dict.fromkeys("ԁɗďđ", "d"),
    **dict.fromkeys("ɡցǥԍ", "g"),
    **dict.fromkeys("еεҽᴇℯ", "e"),
    **dict.fromkeys("i1|ıіӏɩιł∣", "l"),
    **dict.fromkeys("аα", "a"),
    **dict.fromkeys("сϲ", "c"),
    **dict.fromkeys("в", "b"),
    **dict.fromkeys("рρ", "p"),
    **dict.fromkeys("ѕ", "s"),
    **dict.fromkeys("хχ", "x"),
    **dict.fromkeys("уγ", "y"),
}


def _skeleton(character: str) -> str:
    """What a character looks like: a bracket, letters and digits, or nothing."""
    if character in (_INSTEAD, ">"):
        # These part: taking one bracket out does not bring another together with a name.
        return character
    if character in _ANGLES:
        return "<"
    plain: list[str] = []
    for part in unicodedata.normalize("NFKD", character).casefold():
        part = _ALIKE.get(part, part)
        if part in _ANGLES:
            plain.append("<")
        elif part.isalnum():
            plain.append(part)
    return "".join(plain)


class _Skeletons(dict[int, str]):
    """A translation table that fills itself: what was looked at once costs nothing the second time."""

    def __missing__(self, code: int) -> str:
        found = self[code] = _skeleton(chr(code))
        return found


_SKELETONS: Final = _Skeletons()
_TAG: Final = re.compile(f"<(?={NAME})")
_BEGUN: Final = re.compile(
    "<(?=(?:" + "|".join(re.escape(NAME[:size]) for size in range(len(NAME) - 1, 0, -1)) + r")?\Z)"
)
"""A tag that breaks off at the end: the next piece could complete it."""


class Frames:
    """The frames of one session."""

    def __init__(self, nonce: str) -> None:
        """`nonce`: 6 to 64 letters and digits that nobody outside can guess. Raises `ConfigError` for another."""
        if not _NONCE.fullmatch(nonce):
            raise ConfigError(
                f"{nonce!r} is no nonce",
                "it stands in the name of a tag, and must be hard to guess",
                "take 6 to 64 letters and digits, made at random for each session",
            )
        self.tag: str = f"{NAME}-{nonce}"
        self._nonce = nonce.translate(_SKELETONS)

    def frame(self, kind: str, text: str, **attributes: str) -> str:
        """A frame round `text`, which is made harmless; attributes that are empty are left out."""
        head = "".join(f' {name}="{self._value(value)}"' for name, value in attributes.items() if value)
        return f'<{self.tag} kind="{kind}"{head}>\n{self.quoted(text).strip()}\n</{self.tag}>'

    def quoted(self, text: str) -> str:
        """`text` without anything that could pass for a frame. Most texts come back as they are."""
        bare = text.translate(_SKELETONS)
        if self._nonce not in bare and not any(sign in bare for sign in _SIGNS):
            return text
        spelled = _WRITTEN_OUT.sub("<", text)
        if spelled != text and _TAG.search(spelled.translate(_SKELETONS)):
            text, bare = spelled, spelled.translate(_SKELETONS)
        if self._nonce not in bare and not _attempted(bare):
            return text
        return self._blotted(_unbracketed(text))

    def leaks(self, text: str) -> bool:
        """Whether `text` shows a frame or the nonce: the voice must not say such a thing."""
        bare = _WRITTEN_OUT.sub("<", text).translate(_SKELETONS)
        return self._nonce in bare or _TAG.search(bare) is not None

    def _value(self, text: str) -> str:
        return " ".join(self.quoted(text).replace('"', "'").replace("<", "(").replace(">", ")").split())

    def _blotted(self, text: str) -> str:
        bare, places = _with_places(text)
        out, kept = list[str](), 0
        at = bare.find(self._nonce)
        while at >= 0:
            end = at + len(self._nonce)
            out += [text[kept : places[at]], _BLOT]
            kept = places[end - 1] + 1
            at = bare.find(self._nonce, end)
        return "".join(out) + text[kept:]


def _attempted(bare: str) -> bool:
    return _TAG.search(bare) is not None or _BEGUN.search(bare) is not None


def _unbracketed(text: str) -> str:
    bare, places = _with_places(text)
    letters = list(text)
    for pattern in (_TAG, _BEGUN):
        for match in pattern.finditer(bare):
            letters[places[match.start()]] = _INSTEAD
    return "".join(letters)


def _with_places(text: str) -> tuple[str, list[int]]:
    """The skeleton of `text`, and for each of its characters the place in `text` that it comes from."""
    parts = [character.translate(_SKELETONS) for character in text]
    return "".join(parts), [place for place, part in enumerate(parts) for _ in part]


def shortened(text: str, limit: int) -> str:
    """`text` in about `limit` characters: head and tail are kept, and how much is missing is said between them."""
    if len(text) <= limit:
        return text
    head = max(limit * 2 // 3, 1)
    tail = max(limit - head, 0)
    missing = len(text) - head - tail
    ending = text[len(text) - tail :] if tail else ""
    return f"{text[:head].rstrip()} [... {missing:,} characters left out ...] {ending.lstrip()}".rstrip()
