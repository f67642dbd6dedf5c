"""Sums as they are spoken: whether a text holds one, and the same in signs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from background.models.words import NUMBER, SMALL_NUMBERS

__all__ = ["looks_like_math", "spoken_math"]

_MATH: Final = re.compile(
    rf"{NUMBER}\s*(?:[-+*/^x\u00d7÷%]|\*\*|plus|minus|times|over|divided by|multiplied by|percent of|"
    rf"to the power of)\s*[-(]*(?:{NUMBER}|sqrt|\()|\)\s*[-+*/^]|square root|squared|\bsqrt\b|\d\s*%\s*of|\d!|"
    r"\b(?:cbrt|log|ln|sin|cos|tan|exp)\(\d",
    re.IGNORECASE,
)
_NUMERAL: Final = re.compile(rf"\b(?:{'|'.join(SMALL_NUMBERS)})\b", re.IGNORECASE)

_N: Final = r"((?<!\d)\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)"
_EXTRA: Final = (
    r"(?:tip|gratuity|discount|rebate|(?:sales )?tax|vat|interest|commission|surcharge|service charge|markup)"
)
_LIST: Final = rf"({_N}(?:\s*(?:,|and|, and)\s*{_N})+)"


def _mean(match: re.Match[str]) -> str:
    numbers = re.findall(_N, match[1])
    return f"({' + '.join(numbers)}) / {len(numbers)}"


_MORE: Final[tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]] = (
    (r"[$€£](?=\s*\d)|(?<=\d)\s*(?:[€$£]|\b(?:dollars?|euros?|bucks|quid)\b)", ""),
    (
        rf"{_N}\s*(?:%|percent|per cent)\s+{_EXTRA}\s+(?:on|of|for|to)\s+(?:a |an |the )?(?:bill of )?{_N}",
        r"\1 / 100 * \2",
    ),
    (rf"{_N}\s*(?:%|percent|per cent)\s+off(?: of)?\s+{_N}", r"\2 * (100 - \1) / 100"),
    (rf"\bremainder of\s+{_N}\s*(?:divided by|/|over|and|by)\s*{_N}", r"\1 % \2"),
    (rf"{_N}\s+(?:mod|modulo)\s+{_N}", r"\1 % \2"),
    (rf"\b(?:a |one )?half of\s+{_N}", r"\1 / 2"),
    (rf"\b(?:a |one )?third of\s+{_N}", r"\1 / 3"),
    (rf"\b(?:a |one )?quarter of\s+{_N}", r"\1 / 4"),
    (rf"\b(?:twice|double)\s+{_N}", r"2 * \1"),
    (rf"\b(?:average|mean) of\s+{_LIST}", _mean),
    (rf"\bsum of\s+{_LIST}", lambda match: " + ".join(re.findall(_N, match[1]))),
    (rf"\bproduct of\s+{_LIST}", lambda match: " * ".join(re.findall(_N, match[1]))),
    (rf"\bdifference (?:between|of)\s+{_N}\s+and\s+{_N}", r"\1 - \2"),
    (
        rf"\b(?:split|divide|share)\s+{_N}\s+(?:by|between|among|into)\s+{_N}(?:\s+(?:people|ways|parts|persons))?",
        r"\1 / \2",
    ),
    (rf"\b{_N}\s+factorial\b|\bfactorial of\s+{_N}", lambda match: f"({match[1] or match[2]}!)"),
    (rf"\bcube root of\s+{_N}", r"cbrt(\1)"),
    (
        rf"\b(log|ln|sin|cos|tan|exp)(?:arithm|e|ine|gent)?\s*(?:of\s+|\(\s*)?{_N}\s*(?:°|degrees?)\s*\)?",
        r"\1(\2 * pi / 180)",
    ),
    (rf"\b(log|ln|sin|cos|tan|exp)(?:arithm|e|ine|gent)?\s+(?:of\s+)?{_N}", r"\1(\2)"),
)
"""What stands for a sum in words; what is left is told by its signs."""


def looks_like_math(text: str) -> bool:
    """Whether there is something to calculate in it."""
    plain = _NUMERAL.sub(lambda match: str(SMALL_NUMBERS[match[0].lower()]), text)
    return _MATH.search(plain) is not None or _MATH.search(_in_signs(plain)) is not None


def spoken_math(text: str) -> str:
    """The sum in a sentence, in signs: "what is 3 times (4 plus 5)?" is "3 * (4 + 5)".

    Empty where there is none, and where it would leave out a number: a part of a sum is a wrong sum.
    """
    math = re.sub(
        r"^(?:.*?\b(?:is|are|calculate|compute|evaluate|work out|result of|value of|sum(?! of))\b)\s*:?",
        "",
        text,
        count=1,
        flags=re.IGNORECASE,
    )
    for word, number in SMALL_NUMBERS.items():
        math = re.sub(rf"\b{word}\b", str(number), math, flags=re.IGNORECASE)
    math = _in_signs(math)
    for spoken, sign in (
        (r"(?:\bthe )?square root of\s*\(?([\d.]+)\)?", r"sqrt(\1)"),
        (r"\s*\bsquared\b", "**2"), (r"\s*\bcubed\b", "**3"),
        (r"\b(?:to the power of|raised to)\b", "**"), (r"([\d.]+)\s*(?:percent|%) of", r"\1 / 100 *"),
        (r"\b(?:multiplied by|times)\b|\u00d7|(?<=\d)\s*x\s*(?=\d)", " * "), (r"\b(?:divided by|over)\b|÷", " / "),
        (r"\bplus\b", "+"), (r"\bminus\b", "-"), (r"(?<=\d),(?=\d{3}\b)", ""),
        (r"(?<=\d)\s*(?:percent|per cent)\b", "%"), (rf"(?<=%)\s*{_EXTRA}\b", ""),
    ):  # fmt: skip
        math = re.sub(spoken, sign, math, flags=re.IGNORECASE)
    runs = re.findall(r"(?:[-+*/^%!().,\d\s]|\b(?:[a-z]+\d*(?=\()|pi|e|tau)\b)+", math)
    best = max((run.strip(" ,") for run in runs if re.search(r"\d|pi|\be\b", run)), key=len, default="")
    best = re.sub(r"\s+", " ", best.rstrip(".! ")).strip()
    return "" if len(re.findall(_N, best)) < len(re.findall(_N, math)) else best


def _in_signs(text: str) -> str:
    for spoken, signs in _MORE:
        text = re.sub(spoken, signs, text, flags=re.IGNORECASE)
    return text
