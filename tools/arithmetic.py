"""Arithmetic as people write and say it. No `eval`: a small parser that knows numbers, operators and a few functions.

Numbers stay exact fractions as long as that is possible, so that 0.1 + 0.2 is 0.3. Law: whatever comes in, the work is
bounded; a power or a factorial that would fill the memory is refused before it is begun.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

__all__ = ["ArithmeticProblem", "Number", "evaluate", "written"]

Number: TypeAlias = Fraction | float

MAX_CHARS: Final = 500
MAX_DEPTH: Final = 50
MAX_BITS: Final = 4_000
"""Size of a number (about 1,200 digits). More is neither said nor read by anybody."""
MAX_READ_BITS: Final = 100
"""Size of a number (about 30 digits) that is still written in full."""
MAX_FACTORIAL: Final = 400


class ArithmeticProblem(ValueError):
    """What cannot be worked out; the message says why, in words for a person."""


class Token(NamedTuple):
    """One piece of an expression; `kind` is number, name, sign, or end."""

    kind: str
    text: str


_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][+-]?\d{1,4}(?![\d.]))?|\.\d+)"
    r"|(?P<name>log10|log2|[a-z_]+)|(?P<sign>\*\*|//|[-+*/^%!()]))"
)

# What is said for an operator, longest first. Sounds like the sign, so that a spoken and a typed sum are one.
_SAID: Final = (
    (r"(?:to the power of|raised to(?: the power of)?|to the)", "^"),
    (r"(?:multiplied by|times)", "*"),
    (r"(?:divided by|over)", "/"),
    (r"(?:modulo|modulus)", "mod"),
    (r"(?:added to|plus|and)", "+"),
    (r"(?:minus|less)", "-"),
    (r"squared", "^2"),
    (r"cubed", "^3"),
    (r"factorial", "!"),
    (r"per\s?cent(?:age)?", "%"),
    (r"(?:the\s+)?cube\s+root\s+of", "cbrt"),
    (r"(?:the\s+)?(?:square\s+)?root\s+of", "sqrt"),
    (r"(?:one\s+|a\s+)?half\s+of", "(1/2)*"),
    (r"(?:one\s+|a\s+)third\s+of", "(1/3)*"),
    (r"(?:one\s+|a\s+)quarter\s+of", "(1/4)*"),
    (r"(?:twice|double)", "2*"),
    (r"(?<=[\d)]) ?x ?(?=[\d(])", "*"),
)
_PHRASES: Final = [(re.compile(said if said.startswith("(?<") else rf"\b{said}\b"), sign) for said, sign in _SAID]
_EXTRA: Final = (
    r"(?:tip|gratuity|discount|rebate|(?:sales )?tax|vat|interest|commission|surcharge|service charge|markup)"
)
_NUMBER: Final = r"((?<!\d)\d[\d,]*(?:\.\d+)?|\.\d+)"
# What is said in another order than it is written.
_TURNED: Final = [
    (re.compile(said), sign)
    for said, sign in (
        (r"[$€£](?=\s*[\d.])|(?<=\d)\s*(?:[$€£]|\b(?:dollars?|euros?|bucks|quid)\b)", ""),
        (rf"(?<=%)\s*{_EXTRA} (?:on|of|for|to)(?: an?| the)?(?: bill of)?\b", " of "),
        (rf"(?<=%)\s*{_EXTRA}\b", ""),
        (rf"{_NUMBER}\s*% off(?: of)? (.+)$", r"(\2) - \1%"),
        (r"\b(?:the )?remainder of (.+?) (?:/|and|by) (.+)$", r"(\1) mod (\2)"),
        (
            rf"\b(?:split|divide|share) {_NUMBER} (?:by|between|among|into) {_NUMBER}(?: (?:people|ways|parts))?",
            r"\1/\2",
        ),
        (rf"\bdifference (?:between|of) {_NUMBER} \+ {_NUMBER}", r"\1-\2"),
        (rf"{_NUMBER}\s*(?:degrees?\b|°)", r"(\1*pi/180)"),
    )
]
_LISTED: Final = re.compile(r"\b(average|mean|sum|product) of ([\d\s.,+]+)$")
_FANCY: Final = {
    "\N{MULTIPLICATION SIGN}": "*", "\N{MIDDLE DOT}": "*", "\N{DIVISION SIGN}": "/", "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-", "\N{SQUARE ROOT}": " sqrt ", "\N{GREEK SMALL LETTER PI}": " pi ",
    "\N{SUPERSCRIPT TWO}": "^2", "\N{SUPERSCRIPT THREE}": "^3", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}  # fmt: skip
_AROUND: Final = re.compile(
    r"^(?:please|can you|could you|what(?:'s| is| are| does)?|how much is|how many is|calculate|compute|work out|"
    r"evaluate|tell me|solve|the (?:result|value|answer) of|result of|value of|me|"
    r"(?:the|an?)(?= (?:[\d.$€£]|sum|average|mean|product|difference|remainder)))\b[\s,:]*"
)
_BEHIND: Final = re.compile(r"(?:\s*(?:=|\?|please|equals?|make|is)\s*)+$")

_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS: Final = {word: value for value, word in enumerate(_SMALL.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), start=2)
}
_SCALES: Final = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_NUMBER_WORD: Final = rf"(?:{'|'.join([*_WORDS, *_SCALES])})"
_SPOKEN: Final = re.compile(rf"\b{_NUMBER_WORD}(?:(?:[\s-]+(?:and\s+)?){_NUMBER_WORD})*\b")
_SCALED: Final = re.compile(r"(?<=\d)\s+(hundred|thousand|million|billion|trillion)\b")

_CONSTANTS: Final[dict[str, float]] = {"pi": math.pi, "e": math.e, "tau": math.tau}


def evaluate(text: str) -> tuple[Number, str]:
    """The value of an expression, and the expression as it was understood. Angles are in radians.

    Raises:
        ArithmeticProblem: it is no expression, has no value, or is too large.
    """
    if len(text) > MAX_CHARS:
        raise ArithmeticProblem(f"it is longer than {MAX_CHARS} characters")
    plain = _plain(text)
    tokens = _tokens(plain)
    try:
        value = _Parser(tokens).whole()
        return _kept(value), _echo(tokens)
    except ZeroDivisionError as error:
        raise ArithmeticProblem("nothing can be divided by zero") from error
    except OverflowError as error:
        raise ArithmeticProblem("the numbers in it are too large") from error


def written(value: Number) -> str:
    """A number as a person reads it: whole ones in full as far as that can be read, others to twelve digits."""
    if isinstance(value, Fraction) and value.denominator == 1:
        if value.numerator.bit_length() > MAX_READ_BITS:
            return f"about {Decimal(value.numerator):.6e}"
        return f"{value.numerator:,}" if abs(value.numerator) >= 10_000 else str(value.numerator)
    number = float(value)
    if number == int(number) and 0 < abs(number) < 1e15:
        return written(Fraction(int(number)))
    return f"{number:,.12g}"


def _echo(tokens: list[Token]) -> str:
    """The expression as it was understood: "17 times 23" is 17 * 23."""
    text = ""
    for token, following in itertools.pairwise(tokens):
        joins_both = token.text in ("*", "/", "+", "-", "//", "mod", "of")
        is_sign = token.text in "+-" and (not text or text.endswith((" ", "(", "^")))
        if joins_both and not is_sign:
            text = f"{text.rstrip()} {token.text} "
        elif token.text == "%" and following.kind == "number":
            text += " % "
        elif token.kind == "name" and following.kind in ("number", "name"):
            text += f"{token.text} "
        else:
            text += token.text
    return text.strip()


def _plain(text: str) -> str:
    plain = " ".join(text.casefold().split())
    for fancy, sign in _FANCY.items():
        plain = plain.replace(fancy, sign)
    while (shorter := _BEHIND.sub("", _AROUND.sub("", plain)).strip(" ,.;:?")) != plain:
        plain = shorter
    plain = _SCALED.sub(lambda match: f" * {_SCALES[match[1]]}", plain)
    plain = _SPOKEN.sub(lambda match: str(_from_words(match[0])), plain)
    for pattern, sign in _PHRASES:
        plain = pattern.sub(f" {sign} ", plain)
    plain = " ".join(plain.split())
    for turned, sign in _TURNED:
        plain = turned.sub(sign, plain)
    plain = re.sub(r"^sum(?: of)?\b", "", _LISTED.sub(_of_list, plain))
    return re.sub(r"\^\s+(\d+)(?:st|nd|rd|th)(?:\s+power)?\b", r"^ \1", plain).strip()


def _of_list(match: re.Match[str]) -> str:
    """The average of 3, 5 and 10: a comma with a space behind it ends a number, one without may stand in it."""
    numbers = [part.strip() for part in re.split(r",\s+|\+|,(?!\d{3}\b)", match[2]) if part.strip()]
    joined = f"({('*' if match[1] == 'product' else '+').join(numbers)})"
    return f"{joined}/{len(numbers)}" if match[1] in ("average", "mean") else joined


def _from_words(text: str) -> int:
    total = group = 0
    for word in re.findall(r"[a-z]+", text):
        if word in _WORDS:
            group += _WORDS[word]
        elif word == "hundred":
            group = max(group, 1) * 100
        elif word in _SCALES:
            total += max(group, 1) * _SCALES[word]
            group = 0
    return total + group


def _tokens(plain: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(plain):
        match = _TOKEN.match(plain, at)
        if match is None:
            raise ArithmeticProblem(f"{plain[at:].strip()[:40]!r} is no part of an expression")
        tokens.append(Token(match.lastgroup or "", match[match.lastgroup or 0]))
        at = match.end()
    if not tokens:
        raise ArithmeticProblem("there is nothing to work out")
    return [*tokens, Token("end", "")]


class _Parser:
    """Recursive descent, one method a level; the weakest operator first."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Number:
        value = self._sum()
        if self._next.kind != "end":
            raise ArithmeticProblem(f"{self._next.text!r} is not expected there")
        return value

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> str:
        """The next token if it is one of these."""
        if self._next.kind != "end" and self._next.text in texts:
            self._at += 1
            return self._tokens[self._at - 1].text
        return ""

    def _sum(self) -> Number:
        value, _ = self._product()
        while sign := self._take("+", "-"):
            other, is_percent = self._product()
            # As on every pocket calculator: 80 + 15% is 92.
            change = _kept(value * other) if is_percent else other
            value = _kept(value + change if sign == "+" else value - change)
        return value

    def _product(self) -> tuple[Number, bool]:
        """A product, and whether it is a lone percentage."""
        value, is_percent = self._signed()
        while sign := self._take("*", "/", "//", "mod", "of", "%"):
            other, _ = self._signed()
            is_percent = False
            match sign:
                case "*" | "of":
                    value = _kept(value * other)
                case "/":
                    value = _kept(value / other)
                case "//":
                    value = _kept(Fraction(value // other))
                case _:
                    value = _kept(value % other)
        return value, is_percent

    def _signed(self) -> tuple[Number, bool]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ArithmeticProblem("it is nested too deeply")
        try:
            if sign := self._take("-", "+"):
                value, is_percent = self._signed()
                return (-value if sign == "-" else value), is_percent
            return self._power()
        finally:
            self._depth -= 1

    def _power(self) -> tuple[Number, bool]:
        value = self._atom()
        while self._take("!"):
            value = _factorial(value)
        is_percent = False
        # A % between two values divides and keeps the rest; one that nothing follows is a percentage.
        if self._next.text == "%" and not self._value_follows():
            self._take("%")
            value, is_percent = _kept(value / 100), True
        if self._take("^", "**"):
            exponent, _ = self._signed()  # to the right, so 2^3^2 is 2^9
            return _power(value, exponent), False
        return value, is_percent

    def _value_follows(self) -> bool:
        after = self._tokens[self._at + 1]
        return after.kind == "number" or after.text == "(" or after.text in _FUNCTIONS or after.text in _CONSTANTS

    def _atom(self) -> Number:
        token = self._next
        self._at += 1
        match token:
            case Token("number", text):
                return _kept(Fraction(text.replace(",", "")))
            case Token("name", text) if text in _CONSTANTS:
                return _CONSTANTS[text]
            case Token("name", text) if text in _FUNCTIONS:
                return self._call(text)
            case Token("sign", "("):
                value = self._nested()
                if not self._take(")"):
                    raise ArithmeticProblem("a bracket is not closed")
                return value
            case Token("end"):
                raise ArithmeticProblem("it ends too early")
            case _:
                raise ArithmeticProblem(f"{token.text!r} is not expected there")

    def _nested(self) -> Number:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ArithmeticProblem("it is nested too deeply")
        value = self._sum()
        self._depth -= 1
        return value

    def _call(self, name: str) -> Number:
        self._take("of")
        # "the square root of 16 plus 9" is 7: without brackets a function takes the next value only.
        value, _ = self._signed()
        try:
            return _kept(_FUNCTIONS[name](value))
        except ValueError as error:
            raise ArithmeticProblem(f"{name} has no value for {written(value)}") from error


def _kept(value: Number) -> Number:
    """The value, if it is one and not too large."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ArithmeticProblem("the result is too large, or no number at all")
        return value
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise ArithmeticProblem(f"the result has more than {MAX_BITS * 3 // 10:,} digits")
    return value


def _power(value: Number, exponent: Number) -> Number:
    if isinstance(value, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        size = max(value.numerator.bit_length(), value.denominator.bit_length())
        if size > 1 and abs(exponent) * (size - 1) > MAX_BITS:
            raise ArithmeticProblem(f"the result would have more than {MAX_BITS * 3 // 10:,} digits")
        if abs(exponent) <= MAX_BITS:
            return Fraction(value) ** int(exponent)
        return Fraction(value ** (int(exponent) % 2 or 2))  # 0, 1 and -1 only: nothing else is that small
    base, power = float(value), float(exponent)
    if base < 0:
        raise ArithmeticProblem("a root of a negative number is not a real one")
    return math.pow(base, power)


def _factorial(value: Number) -> Number:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise ArithmeticProblem("only whole numbers from 0 on have a factorial")
    if value > MAX_FACTORIAL:
        raise ArithmeticProblem(f"the factorial of a number over {MAX_FACTORIAL} is too large")
    return Fraction(math.factorial(int(value)))


def _absolute(value: Number) -> Number:
    return -value if value < 0 else value


def _root(value: Number) -> Number:
    if isinstance(value, Fraction) and value >= 0:
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return math.sqrt(value)


def _cube_root(value: Number) -> Number:
    near = round(math.cbrt(value))
    return Fraction(near) if near**3 == value else math.cbrt(value)


_FUNCTIONS: Final[dict[str, Callable[[Number], Number]]] = {
    "sqrt": _root,
    "cbrt": _cube_root,
    "abs": _absolute,
    "round": lambda value: Fraction(math.floor(value + Fraction(1, 2))),  # as at school, not to the even one
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log10,
    "log10": math.log10,
    "log2": math.log2,
}
