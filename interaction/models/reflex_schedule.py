"""Timers, cues and counts: which items of the agenda a sentence asks for.

Items come without an id (the brain numbers them). A sentence is matched as a whole, so that half of one never starts a
timer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, assert_never

import msgspec

from interaction.models.reflex_words import (
    DURATION,
    NUMBER,
    duration_ms,
    in_words,
    number,
    phrase_key,
    spoken_duration,
    turned,
    unquoted,
)
from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCount, OnCue

__all__ = ["confirmation", "count_question", "item_kind", "retimed", "schedule", "unschedule"]

_UNIT: Final = r"(?:second|minute|hour|day)"
_VERB: Final = (
    r"(?P<verb>say|shout|write|print|repeat|reply|answer|respond|remind me|tell me)(?: with| by saying| to me)?"
    r"(?P<to> to| that| about| of)?"
)
_MANNERS: Final = r"(?:please |then |just |always |you |can you |could you |should |i want you to )*"
_WORDS: Final = r"(?P<words>\S.*)"
_QUOTED: Final = r"\"[^\"]{1,200}\"|'[^']{1,200}'"
_PHRASE: Final = rf"(?:the (?:words?|phrase|name) )?(?P<phrase>{_QUOTED}|\S.*?)"
_I_SAY: Final = (
    r"(?:i|you hear(?: me)?)(?:'ve| have)?(?: ever)? (?:said|say|saying|mention(?:ed)?|typed?|write|wrote"
    r"|used?|speak of)"
)
_I_SAY_OR_HEAR: Final = rf"(?:{_I_SAY}|you (?:hear|see|read))"
_EACH_TIME: Final = r"(?:whenever|when|each time|every time|any ?time|if|as soon as|the moment|once)(?: that)?"
_EVERY: Final = rf"(?:every|each) (?P<other>other )?(?P<period>{DURATION}|{_UNIT})"
_LIMIT: Final = (
    rf"(?:,? (?:for (?P<span>{DURATION})|(?P<times>{NUMBER}) times|(?P<twice>once|twice)|until i (?:say|tell)\b.*))?"
)
_QUIET: Final = (
    rf"(?:(?P<each>whenever|each time|every time)|if|when|once|as soon as|after) (?:"
    rf"(?:i|it|we|there|nobody|no one)(?:'m|'s|'ve|ve| am| is| are| have|m|s)?(?: been| stay| go| keep)?"
    rf" (?:quiet|silent|silence|idle|still)"
    rf"|i (?:don'?t|do not|haven'?t|have not) (?:say|said|type|typed|write|written|speak|spoken|talk)(?:"
    rf" anything| a word)?"
    rf"|(?:nobody|no one) (?:says|said|speaks|talks|types)(?: anything| a word)?"
    rf") for (?:more than |at least |about )?(?P<quiet>{DURATION})"
)
_SILENCE: Final = rf"after (?P<quiet>{DURATION}) of (?:silence|quiet)"
_ALERT: Final = r"(?:tell me|let me know|alert me|warn me|notify me|say so|beep|ping me)"
_ALOUD: Final = (
    r"(?P<aloud>,? (?:aloud|out loud))?(?:,? (?:from now on|starting now|from now|so far|today|in this conversation))?"
)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"{pattern}[.!]*", re.IGNORECASE)


def _matched(match: re.Match[str], name: str) -> str:
    return match.groupdict().get(name) or ""


# --- what is to be said ----------------------------------------------------------------------------------------------


def _to_say(match: re.Match[str]) -> str:
    words = unquoted(_matched(match, "words"))
    verb, to = _matched(match, "verb").lower(), _matched(match, "to").strip().lower()
    if verb == "remind me" or (verb == "tell me" and to == "to"):
        return f"Reminder: {turned(words)}." if words else "This is your reminder."
    # Only "remind me" and "tell me" govern what follows; "say that" and "say of" are words to be said.
    return turned(words) if verb == "tell me" else unquoted(f"{to} {words}")


def _phrases(match: re.Match[str], *joints: str) -> list[str]:
    phrase = match.group("phrase").strip().rstrip(",")
    if phrase[:1] in "\"'":
        return [unquoted(phrase)]
    parts = re.split("|".join(rf",? {joint} " for joint in joints), phrase)
    return [unquoted(part) for part in parts if unquoted(part)]


# --- one reader for each kind of sentence ----------------------------------------------------------------------------


def _at(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    in_ms = duration_ms(match.group("delay"))
    if in_ms is None:
        return ()
    return (At(id="", say=_to_say(match), in_ms=in_ms),)


def _timer(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    in_ms = duration_ms(match.group("delay"))
    if in_ms is None:
        return ()
    words = turned(unquoted(_matched(match, "words")))
    return (At(id="", say=f"Time's up: {words or spoken_duration(in_ms)}.", in_ms=in_ms),)


def _every(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    period = match.group("period")
    period_ms = duration_ms(period) or duration_ms(f"1 {period}")
    if period_ms is None:
        return ()
    times = number(_matched(match, "times"))
    return (
        Every(
            id="",
            say=_to_say(match),
            period_ms=period_ms * (2 if _matched(match, "other") else 1),
            times={"once": 1, "twice": 2}.get(_matched(match, "twice").lower(), int(times or 0)),
            for_ms=duration_ms(_matched(match, "span")),
        ),
    )


def _every_limited_first(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    limited = any(_matched(match, name) for name in ("span", "times", "twice"))
    return _every(match) if limited else ()


def _quiet(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    quiet_ms = duration_ms(match.group("quiet"))
    if quiet_ms is None:
        return ()
    return (AfterSilence(id="", say=_to_say(match), quiet_ms=quiet_ms, once=not _matched(match, "each")),)


def _cue(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    return tuple(OnCue(id="", say=_to_say(match), phrase=phrase) for phrase in _phrases(match, "or"))


def _count(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    return tuple(
        OnCount(id="", say="{count}", phrase=phrase, silent=not _matched(match, "aloud"))
        for phrase in _phrases(match, "and", "or")
    )


def _count_aloud(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    return tuple(OnCount(id="", say="{count}", phrase=phrase) for phrase in _phrases(match, "or"))


def _nth(match: re.Match[str]) -> tuple[AgendaItem, ...]:
    n = int(number(match.group("n")) or 0)
    if n < 1:
        return ()
    items: list[AgendaItem] = []
    for phrase in _phrases(match, "or"):
        say = _to_say(match) if _matched(match, "words") else f'That was "{phrase}" number {n}.'
        items.append(OnCount(id="", say=say, phrase=phrase, n=n))
    return tuple(items)


_READERS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[AgendaItem, ...]]], ...]] = (
    # counts come first: "each time I say X, count" would else be a cue
    (
        _whole(
            r"(?:count|keep (?:a )?(?:count|track|tally|score) of|track|tally)"
            r"(?: how (?:often|many times)| (?:each|every) time| the (?:number of )?times| whenever)(?: that)?"
            rf" {_I_SAY} {_PHRASE}{_ALOUD}"
        ),
        _count,
    ),
    (_whole(rf"count (?:the|every|each) (?:words?|phrase) {_PHRASE}(?: i (?:say|use))?{_ALOUD}"), _count),
    (_whole(rf"count (?:my|every|each) (?P<phrase>{_QUOTED}|[\w'-]{{1,40}})(?: i (?:say|use))?{_ALOUD}"), _count),
    (
        _whole(
            rf"{_EACH_TIME} {_I_SAY_OR_HEAR} {_PHRASE},? {_MANNERS}(?:count(?: it| them| that)?(?: aloud| out loud)?"
            r"|(?:say|tell me) (?:the (?:count|number)|how (?:often|many)(?: times)?.{0,40}))"
        ),
        _count_aloud,
    ),
    (_whole(rf"{_ALERT} (?:when|once|as soon as|if|after) {_I_SAY} {_PHRASE} (?P<n>{NUMBER}) times"), _nth),
    (
        _whole(
            rf"(?:when|once|as soon as|after) {_I_SAY} {_PHRASE} (?P<n>{NUMBER}) times,? {_MANNERS}{_VERB} {_WORDS}"
        ),
        _nth,
    ),
    # silence before cues and times: they share their beginnings
    (_whole(rf"(?:{_QUIET}),? {_MANNERS}{_VERB} {_WORDS}"), _quiet),
    (_whole(rf"(?:{_SILENCE}),? {_MANNERS}{_VERB} {_WORDS}"), _quiet),
    (_whole(rf"{_VERB} (?P<words>\S.*?),? {_QUIET}"), _quiet),
    # cues
    (_whole(rf"{_EACH_TIME} {_I_SAY_OR_HEAR} {_PHRASE},? {_MANNERS}{_VERB} {_WORDS}"), _cue),
    (_whole(rf"{_VERB} (?P<words>\S.*?),? {_EACH_TIME} {_I_SAY_OR_HEAR} {_PHRASE}"), _cue),
    # again and again
    (_whole(rf"{_EVERY}{_LIMIT},? {_MANNERS}{_VERB} {_WORDS}"), _every_limited_first),
    (_whole(rf"{_EVERY},? {_MANNERS}{_VERB} (?P<words>\S.*?){_LIMIT}"), _every),
    (_whole(rf"(?P<verb>remind me) {_EVERY}(?: to| that| about| of) (?P<words>\S.*?){_LIMIT}"), _every),
    (_whole(rf"{_VERB} (?P<words>\S.*?),? {_EVERY}{_LIMIT}"), _every),
    # once
    (
        _whole(
            rf"(?P<verb>remind me) (?:in|after) (?P<delay>{DURATION})(?: from now)?(?:,? (?:to|that|about"
            rf"|of) {_WORDS})?"
        ),
        _at,
    ),
    (_whole(rf"(?:in|after) (?P<delay>{DURATION})(?: from now)?,? {_MANNERS}{_VERB} {_WORDS}"), _at),
    (_whole(rf"(?P<delay>{DURATION}) from now,? {_MANNERS}{_VERB} {_WORDS}"), _at),
    (_whole(rf"{_VERB} (?P<words>\S.*?),? (?:in|after) (?P<delay>{DURATION})(?: from now)?"), _at),
    (
        _whole(
            r"(?:set|start|make|give|create)(?: me)? (?:an?|the|another) (?:timer|alarm|reminder"
            r"|countdown) (?:for|of|in|to go off in)"
            rf" (?P<delay>{DURATION})(?: from now)?(?: (?:to|for|called|named|about) {_WORDS})?"
        ),
        _timer,
    ),
    (
        _whole(
            rf"(?:(?:set|start|make|give)(?: me)? )?(?:an? )?(?P<delay>{DURATION.replace(' ?', '[ -]?')})["
            rf" -]timer(?: for {_WORDS})?"
        ),
        _timer,
    ),
    (_whole(rf"(?:timer|countdown)(?: for| of)? (?P<delay>{DURATION})"), _timer),
    (
        _whole(
            rf"(?:wake|ping|nudge|alert|notify|warn) me(?: up)? (?:in|after) (?P<delay>{DURATION})(?:"
            rf" (?:to|about) {_WORDS})?"
        ),
        _timer,
    ),
)
_STARTS: Final = re.compile(
    r"(?:remind|every|each|in|after|say|shout|write|print|repeat|reply|answer|respond|tell|let|whenever"
    r"|when|any|if|as|the|once|count|keep"
    r"|track|tally|set|start|make|give|create|timer|countdown|wake|ping|nudge|alert|notify|warn|beep|an?"
    r"|\d|one|two|three|four|five|ten)\b|\d",
    re.IGNORECASE,
)


def schedule(text: str) -> tuple[AgendaItem, ...]:
    """The items that `text` (tidied) asks for; empty if it is no such sentence."""
    text = text.rstrip("?! .")
    if not _STARTS.match(text):
        return ()
    for pattern, read in _READERS:
        match = pattern.fullmatch(text)
        if match is not None:
            items = read(match)
            if items and all(item.say for item in items):
                # A period below 200 ms would be refused by the agenda; the person hears what they get instead.
                return tuple(
                    msgspec.structs.replace(item, period_ms=max(item.period_ms, 200))
                    if isinstance(item, Every)
                    else item
                    for item in items
                )
    return ()


# --- asking about it, and taking it off ------------------------------------------------------------------------------

_HOW_OFTEN: Final = _whole(
    rf"(?:so |and )?how (?:many times|often|much) (?:did|have|do) {_I_SAY} {_PHRASE}"
    r"(?:,? (?:so far|now|by now|already|until now|in total|today))*"
)
_HOW_MANY: Final = _whole(
    r"(?:so |and )?how many (?P<phrase>[\w'\"-]{1,40}(?: [\w'\"-]{1,40}){0,3}?)(?: (?:so far|did i say"
    r"|have i said|by now|until now))"
)
_TALLY: Final = _whole(
    r"(?:so )?(?:what(?:'?s| is) (?:the|my) (?:count|tally|score)|what are the (?:counts|tallies))(?:"
    r" (?:for|of) (?P<phrase>.+?))?(?: (?:so far|now))?"
)


def count_question(text: str) -> str | None:
    """The phrase whose tally is asked for; empty for "what's the count?"; `None` if it is no such question."""
    text = text.rstrip("?! .")
    for pattern in (_HOW_OFTEN, _HOW_MANY, _TALLY):
        match = pattern.fullmatch(text)
        if match is not None:
            return phrase_key(re.sub(r"^the words? ", "", match.group("phrase") or ""))
    return None


_END: Final = (
    r"(?:please )?(?:stop|cancel|drop|forget|remove|delete|clear|end|quit|turn off|never ?mind|no more|don'?t"
    r"|do not)(?: about)?(?: with)?"
)
_WHICH: Final = r"(?: all)?(?: of)?(?: (?:the|my|that|those|this|these|any|your))?"
_UNSCHEDULE: Final = _whole(
    rf"{_END}{_WHICH} (?:(?P<kind>reminders?|timers?|alarms?|countdowns?|cues?|counters?|counts?|tally"
    rf"|counting|reminding|remind|repeating"
    r"|saying|say)(?: me)?(?: (?:to|about|for|of|that|the|how often|how many times))*(?: (?P<words>\S.*?))?"
    r"|(?P<before>\S[^,]{0,80}?) (?P<after>reminders?|timers?|alarms?|cues?|counters?))(?: (?:now|please"
    r"|any ?more|again))*"
)
_KINDS: Final = {"cue": ("cue",), "count": ("count",), "tally": ("count",), "say": (), "repeat": ("every",)}
_TIMED: Final = ("timer", "every", "quiet")


def unschedule(text: str) -> tuple[tuple[str, ...], str] | None:
    """What is to be taken off the agenda: (kinds of items, words that tell which); no kinds means any."""
    match = _UNSCHEDULE.fullmatch(text.rstrip("?! ."))
    if match is None:
        return None
    word = (match.group("kind") or match.group("after")).lower()
    kinds = next((kinds for name, kinds in _KINDS.items() if word.startswith(name)), _TIMED)
    return kinds, unquoted(match.group("words") or match.group("before") or "")


def item_kind(item: AgendaItem) -> str:
    """What an item's id begins with."""
    match item:
        case At():
            return "timer"
        case Every():
            return "every"
        case AfterSilence():
            return "quiet"
        case OnCue():
            return "cue"
        case OnCount():
            return "count"
        case _:
            assert_never(item)


def retimed(item: AgendaItem, correction: str) -> AgendaItem | None:
    """The same item at another time, for "no, I meant 10 minutes"; `None` if the correction names no time."""
    ms = duration_ms(correction)
    if ms is None or not re.fullmatch(
        rf"(?:in |every |after |for )?{DURATION}", correction.rstrip(" .!?"), re.IGNORECASE
    ):
        return None
    match item:
        case At():
            return msgspec.structs.replace(item, in_ms=ms)
        case Every():
            return msgspec.structs.replace(item, period_ms=max(ms, 200))
        case AfterSilence():
            return msgspec.structs.replace(item, quiet_ms=ms)
        case OnCue() | OnCount():
            return None
        case _:
            assert_never(item)


def confirmation(item: AgendaItem) -> str:
    """What the person hears when an item was taken; short enough to be said while they go on typing."""
    match item:
        case At(in_ms=in_ms, say=say):
            told = spoken_duration(in_ms)
            return f"I'll remind you in {told}." if say.startswith(("Reminder:", "This is")) else f"Okay, in {told}."
        case Every(period_ms=period_ms, times=times, for_ms=for_ms):
            told = "second" if period_ms == 1_000 else "minute" if period_ms == 60_000 else spoken_duration(period_ms)
            limit = f", {in_words(times)} times" if times > 1 else f", for {spoken_duration(for_ms)}" if for_ms else ""
            return f"Okay, every {told}{limit}."
        case AfterSilence(quiet_ms=quiet_ms):
            return f"Okay, after {spoken_duration(quiet_ms)} of quiet."
        case OnCue(phrase=phrase):
            return f'Okay, listening for "{phrase}".'
        case OnCount(phrase=phrase, n=0):
            return f'Counting "{phrase}" from now.'
        case OnCount(phrase=phrase, n=n):
            return f'Okay, at "{phrase}" number {n}.'
        case _:
            assert_never(item)
