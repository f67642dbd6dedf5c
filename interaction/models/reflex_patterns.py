"""The sentences that the rules know: patterns only. Each runs in linear time on the 600 characters it is given."""

from __future__ import annotations

import re
from typing import Final

from interaction.models.reflex_words import all_of

__all__ = [
    "ABOUT_ITSELF",
    "ASKING",
    "BACKCHANNEL",
    "BARE",
    "CALL_OFF",
    "CALL_OFF_ALL",
    "DO_FORM",
    "ECHO",
    "FILES",
    "FOLLOW",
    "HOW_IS_IT",
    "HUSH",
    "KNOWN",
    "LOOSE",
    "MARKER",
    "MARKS",
    "MORE",
    "NOT_FORM",
    "OPERATOR",
    "PRONOUN",
    "QUESTION",
    "REPEAT",
    "REPEAT_ANSWER",
    "STATUS_CLOSED",
    "STATUS_OPEN",
    "STOP_WORK",
    "SUM",
    "SURELY_OFF",
    "SURE_CORRECTIONS",
    "TELLING",
    "VERBS",
    "WAIT",
    "WHERE",
    "WORK",
]


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{pattern})[\s.!?]*", re.IGNORECASE)


_MANNERS = r"(?:(?:ok|okay|oh|please|well|so|hey|no|and|now|actually|sorry|wait|alright|um|uh),? )*"
_AFTER = (
    r"(?:,? (?:please|now|then|for now|thanks|thank you|already|yet|ok|okay|right now|at the moment|there|so"
    r" far|anymore|any more|again))*"
)

HUSH = _whole(
    rf"{_MANNERS}(?:stop(?: it| that| talking| speaking| there)?|(?:be )?(?:quiet|silent)|sh+h*|shush|hush"
    rf"|shut up|silence|enough"
    r"|that(?:'?s| is) enough|pause|wait(?: a (?:moment|minute|second|sec))?|hold on(?: a (?:moment|minute"
    r"|second|sec))?|hang on"
    rf"|one (?:moment|second|sec)|just a (?:moment|minute|second|sec)|stop stop){_AFTER}"
)
WAIT = re.compile(r"\b(?:wait|hold on|hang on|pause|one (?:moment|second|sec)|just a)\b", re.IGNORECASE)
BACKCHANNEL = _whole(r"m+h?m+|mm+-?hm+|mhm+|uh[- ]?huh|uhu|hm+|ah+|oh+|aha|yep|yup|um+|uh+|er+m?|huh")
_WORKING = (
    r"(?:search(?:ing)?|look(?:ing)?(?: for| up)?|work(?:ing)?(?: on)?|find(?:ing)?|read(?:ing)?"
    r"|calculat(?:e|ing|ion)|comput(?:e|ing)"
    r"|convert(?:ing)?|check(?:ing)?|list(?:ing)?|quer(?:y|ying)|request|task|job|lookup|comput(?:ation)"
    r"|sum|question|booking|research)"
)
CALL_OFF_ALL = _whole(
    rf"{_MANNERS}(?:cancel|stop|abort|forget|drop|never ?mind|call off) (?:everything|all(?: of (?:it|them"
    rf"|that))?|all (?:the |my )?(?:tasks|jobs|searches|work)"
    rf"|(?:both|all) of them){_AFTER}"
)
CALL_OFF = _whole(
    rf"{_MANNERS}(?:cancel|abort|call off|forget(?: about)?|drop|never ?mind(?: about)?|scrap|kill|don'?t"
    rf" bother(?: with| about)?|do not bother(?: with)?)"
    rf"(?: (?P<what>\S.{{0,200}}?))?{_AFTER}"
)
STOP_WORK = _whole(
    rf"{_MANNERS}(?:stop|quit|don'?t|do not|no need to|you can stop) (?P<what>(?:(?:the|that|this|my)"
    rf" )?{_WORKING}\b.{{0,200}}?){_AFTER}"
)
SURELY_OFF = re.compile(r"\b(?:cancel|abort|call off|stop)\b", re.IGNORECASE)
PRONOUN = _whole(
    r"it|that|this|that one|this one|the task|the job|the request|what you(?:'re| are) doing|the last"
    r" (?:one|thing|task)"
)

STATUS_OPEN = _whole(
    rf"{_MANNERS}(?:"
    r"what (?:are|r) (?:you|u) (?:doing|working on|up to|busy with|looking for|searching(?: for)?)(?P<a> .{0,60})?"
    r"|what(?:'?re| is) you (?:doing|up to)|whatcha doing"
    r"|how far (?:are|r|did|have) (?:you|u)(?: got(?:ten)?| get| come| along| with .{1,80})*|how far along"
    r" (?:are you|is .{1,60})"
    r"|what(?:'?s| is) taking (?:so|you so|that|it so) (?:long|much time)(?P<b> .{0,60})?|why (?:is it"
    r"|does it|is this|is that) (?:so slow|tak(?:e|ing) so long)"
    r"|what(?:'?s| is) (?:the )?(?:status|progress|state)(?: (?:of|on|with) (?P<c>.{1,80}?))?|status(?:"
    r" report| update)?|progress(?: report)?"
    r"|how(?:'?s| is| are) (?P<d>.{1,60}?) (?:going|coming(?: along| on)?|getting on|progressing|doing)"
    r"|how is it coming(?: along)?"
    r"|how much longer.{0,40}|how long (?:will|does|is) (?:it|that|this) .{0,30}"
    r"|(?:any|what(?:'?s| is) the) (?:news|progress|updates?|luck|results?)(?: (?:on|about|with|from|of)"
    r" (?P<e>.{1,80}?))?"
    r"|what(?:'?s| is| are) (?:you )?(?:still )?(?:running|pending|in progress)|what(?:'?s| is) going on"
    r"|what happened to (?P<f>.{1,80}?)"
    rf"){_AFTER}"
)
STATUS_CLOSED = _whole(
    rf"{_MANNERS}(?:"
    r"(?P<done>is (?:it|that|this|the .{1,60}?) (?:done|ready|finished|complete)|are you (?:done|ready"
    r"|finished|through)"
    r"|(?:did|have) you (?:find|found|finish|finished|get|got|done)(?: .{1,60}?)?|(?:done|ready|finished))"
    r"|(?P<still>(?:are|r) you still .{1,60}?|still (?:searching|looking|working|there|busy|on it|at it"
    r"|running).{0,40}?"
    r"|is (?:it|that|the .{1,60}?) still (?:running|going|working|searching))"
    rf"){_AFTER}"
)
HOW_IS_IT = _whole(r"how(?:'?s| is) (?:it|everything|life) going.*")

REPEAT = _whole(
    rf"{_MANNERS}(?:(?:can|could|would) you )?(?:please )?(?:say|repeat|tell me) (?:that|it|this)(?: again"
    rf"| once more| one more time)?{_AFTER}"
    r"|repeat(?: please)?|again(?: please)?|once more|come again|pardon(?: me)?|what\?*|huh\?+|sorry\?+"
    r"|what was that|what did you (?:just )?say"
    r"|what do you mean|excuse me|say again|i did(?:n'?t| not) (?:catch|hear|get|understand) (?:that|it"
    r"|you)|read (?:that|it) again"
)
REPEAT_ANSWER = _whole(
    rf"{_MANNERS}(?:repeat|say|tell me|give me|what was|what were|what'?s) the (?:last )?(?:answer|result"
    rf"|finding|results)(?: again| once more)?"
)
MORE = _whole(
    rf"{_MANNERS}(?:(?:tell|show|give|read) me )?(?:more|the rest|all of it|the full (?:text|answer))(?:"
    rf" please| about (?:it|that))?|go on|continue|keep going|carry on|and then"
)

KNOWN = _whole(
    rf"{_MANNERS}(?:(?:thanks|thank you|yes|yeah|ok|okay|right|alright|cool|great),? )*(?:i (?:already"
    rf" )?(?:know|knew|see|saw|heard|got|have)(?: (?:that|it|this))?(?: already)?"
    r"|got it|gotcha|understood|noted|never ?mind the (?:answer|result)|i understand|already know(?:"
    r" that)?|that(?:'?s| is) (?:all|fine|enough), thanks)"
    r"(?:,? (?:thanks|thank you|already|now))*"
)
BARE = _whole(
    r"(?:(?:ok|okay|k|right|alright|all right|sure|fine|yes|yeah|yep|no|nope|nah|good|great|cool|nice"
    r"|perfect|interesting|wow|exactly|true|correct),? ?)+(?:then|thanks)?"
)

SURE_CORRECTIONS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (
            r"^not (?:the |in |to |from )?(?P<old>.{1,80}?)(?:, (?:but |rather |i (?:meant|mean) )?| but"
            r" (?:rather )?| - )(?P<new>.{1,200})$"
        ),
        r"^(?P<new>.{1,200}?),? (?:and )?not (?P<old>.{1,80})$",
        r"^(?P<new>.{1,200}?),? instead of (?P<old>.{1,80})$",
        (
            r"^instead of (?P<old>.{1,80}?),? (?:use |take |try |make it |do |look for |search for |find"
            r" )?(?P<new>.{1,200})$"
        ),
        r"^(?:change|replace|switch) (?P<old>.{1,80}?) (?:to|with|for|by) (?P<new>.{1,200})$",
        r"^(?:make|change|let'?s make|can you make|switch) (?:that|it|this) (?:to be |to |into )?(?P<new>.{1,200})$",
        (
            r"^(?:i (?:meant|mean|said|wanted|was asking (?:for|about))|i'?m asking about|it should be|should"
            r" be|correction:?|that should be|i should have said) (?:to say )?(?P<new>.{1,200})$"
        ),
        r"^(?P<new>.{1,200}?),? (?:instead|rather|i (?:meant|mean))$",
        r"^(?:rather|instead),? (?P<new>.{1,200})$",
        r"^(?:use|take|try|do|let'?s (?:say|do|use|take)) (?P<new>.{1,200}?)(?:,? instead)?$",
    )
)
NOT_FORM: Final = 1
"""The index of "Lyon, not Paris": a correction only if Paris was asked for."""
DO_FORM: Final = 9
"""The index of "use the other one": a correction only after "no," or "actually,"."""
MARKER: Final = re.compile(
    r"(?:(?:no|nope|nah|actually|sorry|wait|oops|whoops|hold on|hang on|scratch that|correction|i mean|on"
    r" second thought|oh|ah|ok|okay|well|argh|hmm+|um+|uh+|my mistake|my bad|excuse me"
    r"|rather)(?:[,.!:;-]+\s*|\s+)){1,4}",
    re.IGNORECASE,
)
MARKS: Final = re.compile(
    r"\b(?:no|nope|nah|actually|sorry|oops|whoops|scratch that|correction|i mean|second thought|wait|my"
    r" mistake|my bad)\b",
    re.IGNORECASE,
)
FOLLOW: Final = re.compile(
    r"(?:and(?: what about| how about)?|what about|how about|same for|also(?: for)?|or) (?P<new>\S.{0,80})",
    re.IGNORECASE,
)
ECHO: Final = re.compile(r"say (?P<words>\S.{0,200})", re.IGNORECASE)

WORK: Final = re.compile(
    r"(?:find|search|look (?:up|for|at|in|into|through|inside)|look(?:up)\b|locate|grep|google|read|open"
    r"|list|show|display|calculate|compute|work out"
    r"|evaluate|solve|convert|check|inspect|research|fetch|find out|figure out|count|summari[sz]e|compare"
    r"|translate|scan|investigate"
    r"|(?:add|subtract|multiply|divide|sum)\b(?=.{0,60}\d)|what(?:'?s| is) the (?:time|date|day)|what"
    r" (?:time|day|date|year) (?:is|it)|what(?:'?s| is) (?:today|tomorrow)"
    r"|how (?:much|many)|(?:tell|give) me the (?:time|date))\b",
    re.IGNORECASE,
)
SUM: Final = re.compile(
    r"(?:what(?:'?s| is| are)? |whats |how much (?:is|are)"
    r" )?[\s(-]*\d[\d.,\s]*(?:[-+*/^x\u00d7\u00f7%()=?!.,\s\d]|plus|minus|times|divided by|multiplied by"
    r"|percent|of|to the power of|squared|cubed|mod){1,200}",
    re.IGNORECASE,
)
OPERATOR: Final = re.compile(
    r"\d\s*(?:[-+*/^x\u00d7\u00f7%]|plus|minus|times|divided|multiplied|percent|to the power|squared|cubed|mod)",
    re.IGNORECASE,
)
QUESTION: Final = re.compile(
    r"(?:what|when|where|who|whom|whose|which|why|how|is|are|was|were|am|do|does|did|can|could|will|would"
    r"|should|has|have|had|whats|wheres|whos|whens|hows|anything|any)\b",
    re.IGNORECASE,
)
ASKING: Final = re.compile(
    r"(?:tell|give|show|get|bring|send|write|make|create|draw|explain|describe|define|recommend|suggest"
    r"|book|reserve|order|buy|play|turn|plan|draft|run|let me know"
    r"|i (?:want|need|would like|wonder|am looking for)|i'?d like|i'?m looking for|do you know)\b",
    re.IGNORECASE,
)
ABOUT_ITSELF: Final = re.compile(
    r"(?:what|how|why|who|where|when) (?:do|would|did) you (?:think|feel|like|love|want|live|come|believe|sleep|eat)\b"
    r"|(?:what|how|who|where|why)(?: old| tall)? (?:are|is|was|were) (?:you|your)\b|what'?s your\b|are you\b"
    r"|(?:do|did|would) you (?:like|love|think|feel|want|rather|believe|sleep|dream|eat|remember|prefer)\b",
    re.IGNORECASE,
)
TELLING: Final = re.compile(
    r"(?:i|we|he|she|they|it|that|this|there|you|my|our|his|her|their)(?:'\w+)?\b|i'?m\b", re.IGNORECASE
)
WHERE: Final = re.compile(
    r"(?:where(?:'?s| is| are| does| do| did| was)|which (?:file|document|line|page)|what does .{1,60}"
    r" (?:say|mention|contain)|who wrote)\b",
    re.IGNORECASE,
)
FILES: Final = re.compile(
    r"\b(?:files?|folders?|director(?:y|ies)|docs?|documents?|code|project|repo(?:sitory)?|readme|notes"
    r"|source)\b|\b[\w-]{1,60}\.(?:md|py|txt|toml|json|ya?ml|csv|rst|log)\b",
    re.IGNORECASE,
)
LOOSE: Final = frozenset(
    all_of(
        "a an the this that these those my your our his her its their to in on at by for from with about into of and"
        " or but nor so if then than as is are was were be am do does did can could will would should not no i you we"
        " he she they when where what which who how why because like very more most any some each every also between"
        " next last via"
    )
)
"""Words that something must follow: a sentence that ends with one is not finished."""
VERBS: Final = frozenset(
    all_of("say find search look read open list show calculate compute convert check count plus minus times divided")
)
"""Verbs that want an object; with these alone a request is not finished either."""
