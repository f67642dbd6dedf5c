"""What a page holds and does not show: taken out before its text is. A hidden sentence is written for machines alone.

Works on a tree of lxml, in one pass that takes time in proportion to the page. What a page hides by scripts, by style
sheets of other files, or by rules beyond a single class or id is not known here.
"""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["hide", "hiding_names"]

_NEVER_SHOWN: Final = frozenset(
    [
        *("script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "canvas", "audio"),
        *("video", "dialog", "select", "datalist", "textarea", "input", "button", "map"),
    ]
)
_HIDING: Final = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|content-visibility:hidden|opacity:0*\.?0+(?:%|;|!|$)|"
    r"font-size:0*\.?0+(?:px|em|rem|pt|%)?(?:;|!|$)|font-size:0*(?:\.\d+|1)px|(?:color|-webkit-text-fill-color):transparent|"
    r"(?:text-indent|left|top|right|margin-left|margin-top):-\d{3,}(?![\d%])|"
    r"clip:rect\((?:0(?:px)?|1px)[, ]|clip-path:(?:inset\((?:50|100)%|circle\(0)|transform:scale[xy]?\(0\)"
)
_BOXLESS: Final = re.compile(r"(?:^|;)(?:max-)?(?:height|width):(?:0|1px)(?:px|em|%)?(?:;|!|$)")
_INK: Final = re.compile(r"(?:^|;)color:([^;!]+)")
_PAPER: Final = re.compile(r"(?:^|;)background(?:-color)?:([^;! ]+)")
_WHITE: Final = frozenset({"#fff", "#ffffff", "white", "rgb(255,255,255)", "rgba(255,255,255,1)"})
_SIMPLE: Final = re.compile(r"[.#][\w-]{1,80}")
MOST_STYLE: Final = 200_000
MOST_ANCESTORS: Final = 32


def hide(root: Any) -> None:
    """Empty every element of the tree that a person would not see. What follows it stays."""
    classes, ids = hiding_names("\n".join(style.text or "" for style in root.iter("style")))
    for element in list(root.iter()):
        tag = element.tag
        if not isinstance(tag, str) or tag in _NEVER_SHOWN or _is_hidden(element, classes, ids):
            tail = element.tail
            # Emptied and not taken out: joining the tails of siblings would take their square.
            element.clear()
            element.tail = tail
            if isinstance(tag, str) and tag not in ("html", "body", "head"):
                element.tag = "span"


def _is_hidden(element: Any, classes: frozenset[str], ids: frozenset[str]) -> bool:
    attributes = element.attrib
    if not attributes or element.tag in ("html", "body"):
        return False
    if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    if ids and attributes.get("id", "")[:200] in ids:
        return True
    if classes and not classes.isdisjoint(attributes.get("class", "")[:1_000].split()):
        return True
    style = attributes.get("style", "")
    return bool(style) and (_hides(style[:2_000]) or _is_white_on_white(element, style[:2_000]))


def _hides(style: str) -> bool:
    plain = re.sub(r"/\*.*?\*/|\s+", "", style.lower())
    if _HIDING.search(plain):
        return True
    if "overflow:hidden" in plain and _BOXLESS.search(plain):
        return True
    ink, paper = _INK.search(plain), _PAPER.search(plain)
    return bool(ink and paper and ink[1] == paper[1])


def _is_white_on_white(element: Any, style: str) -> bool:
    """White letters, with no background of their own or of what they stand in: pages are white."""
    ink = _INK.search(re.sub(r"\s+", "", style.lower()))
    if not ink or ink[1] not in _WHITE:
        return False
    around = element
    for _ in range(MOST_ANCESTORS):
        if around is None:
            return True
        if "background" in around.attrib.get("style", "")[:2_000] or "bgcolor" in around.attrib:
            return False
        around = around.getparent()
    return True


def hiding_names(css: str) -> tuple[frozenset[str], frozenset[str]]:
    """The classes and ids that a page's own style sheet hides by a rule of their own, outside of any `@media`."""
    classes: set[str] = set()
    ids: set[str] = set()
    css = re.sub(r"/\*.*?(?:\*/|\Z)", "", css[:MOST_STYLE], flags=re.DOTALL)
    depth = begun = 0
    selector = ""
    for match in re.finditer(r"[{}]|;", css):
        at = match.start()
        if match[0] == "{":
            depth += 1
            if depth == 1:
                selector = css[begun:at].strip()
            begun = at + 1
        elif match[0] == "}":
            if depth == 1 and not selector.startswith("@") and _hides(css[begun:at][-2_000:]):
                for each in selector.split(","):
                    if _SIMPLE.fullmatch(each.strip()):
                        (classes if each.strip().startswith(".") else ids).add(each.strip()[1:])
            depth = max(0, depth - 1)
            begun = at + 1
        elif depth == 0:
            begun = at + 1
    return frozenset(classes), frozenset(ids)
