"""Small talk: what the voice answers itself, and never delegates. It says of itself that it works by rules."""

from __future__ import annotations

import re
from typing import Final

from interaction.models.reflex_words import pick

__all__ = ["ABOUT", "answer", "small_talk"]

ABOUT: Final = "Embedded and rule-based: it follows fixed English rules. It is not a language model and needs no key."

_NAME = r"(?:,? (?:there|duologue|reflex|again|everyone|you|friend))?"
_TALK: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(rf"(?:{pattern})[\s.!?]*", re.IGNORECASE))
    for kind, pattern in (
        (
            "hello",
            (
                rf"(?:hello|hi|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|yo|what'?s up"
                rf"|sup|hallo|welcome back){_NAME}"
            ),
        ),
        (
            "how are you",
            (
                rf"(?:(?:hello|hi|hey){_NAME}[,!.]? )?(?:how are (?:you|things)|how'?re you|how do you do"
                rf"|how(?:'?s| is) (?:it|life|everything) going|how are you doing|you ok(?:ay)?"
                r"|are you (?:ok|okay|well|alright))(?: today| doing)*"
            ),
        ),
        (
            "thanks",
            (
                rf"(?:ok |okay |no |great |perfect |cool |many |yes )?,?(?:thanks|thank you|thx|ta|cheers|much"
                rf" appreciated)(?: (?:a lot|so much|very much|a million|for .{{1,60}}))?{_NAME}(?:,?"
                rf" (?:that(?:'?s| is) (?:all|great|perfect|enough|helpful)|great|bye))?"
            ),
        ),
        ("no thanks", r"no(?:,| )+(?:thanks|thank you)(?: .{0,40})?|i(?:'?m| am) (?:fine|good|ok)(?:,? thanks)?"),
        (
            "bye",
            (
                rf"(?:ok |okay )?(?:bye(?:[ -]bye)?|goodbye|good night|see you(?: later| soon| tomorrow)?"
                rf"|farewell|cu|ciao|i(?:'?m| am) (?:off|leaving|done)|so long){_NAME}"
            ),
        ),
        (
            "who",
            (
                r"(?:who|what) (?:are|r) (?:you|u)(?: .{0,30})?|who am i (?:talking|speaking) (?:to|with)"
                r"|what(?:'?s| is) your name|are you (?:a |an )?(?:human|robot|bot|ai|person|machine|real"
                r"|language model|llm|chatgpt|gpt)(?: .{0,40})?"
                r"|introduce yourself|tell me about yourself|what model are you|how do you work|which model .{0,30}"
            ),
        ),
        (
            "help",
            (
                r"help(?: me)?|(?:can|could) you help(?: me)?(?: (?:out|please))?|i need help|what (?:can"
                r"|could) (?:you|u|i) (?:do|ask|say|help (?:me )?with)(?: .{0,30})?|what do you (?:do|know"
                r"|offer)|how (?:can|could) you help(?: me)?|what are your (?:tools|abilities|commands|skills)"
                r"|(?:which|what) tools (?:do you|have you|are there|can you).{0,30}|what tools|commands|usage"
                r"|\?+|how does this work|how do i use (?:you|this)|what(?:'?s| is) this"
            ),
        ),
        (
            "hear",
            (
                r"(?:can|do) you (?:hear|see|read|understand|follow) (?:me|this|that|what i .{1,20})|are you"
                r" (?:there|listening|awake|here|alive|with me)|anybody (?:there|home)|(?:hello,? )?is"
                r" (?:anyone|anybody) (?:there|here)|test(?:ing)?(?:[ ,]+(?:test(?:ing)?|1[ ,]*2[ ,]*3|one,?"
                r" two,? three))*"
            ),
        ),
        (
            "joke",
            (
                r"(?:(?:can you |please )?(?:tell|give|say|know|crack) (?:me |us )?)?(?:a|another|one more|any"
                r"|some) (?:good |funny |short )?jokes?(?: please| then)?|do you know (?:a|any) (?:good"
                r" )?jokes?|make me laugh|joke"
            ),
        ),
        (
            "praise",
            (
                r"(?:(?:that(?:'?s| is| was)|you(?:'?re| are)|this is|very|so|really|wow,?|oh,?) )*(?:great"
                r"|good|nice|awesome|amazing|cool|perfect|wonderful|brilliant|excellent|helpful|fantastic"
                r"|impressive|clever|smart|funny|well done|good (?:job|work|bot)|i (?:like|love) (?:you|it"
                r"|that|this))(?: (?:job|work|one|answer|stuff))?"
            ),
        ),
        (
            "blame",
            (
                r"(?:you(?:'?re| are) |that(?:'?s| is| was) )(?:so |very |really |just )?(?:stupid|dumb"
                r"|useless|bad|slow|wrong|annoying|terrible|not (?:helpful|right|true|good))"
            ),
        ),
        (
            "sorry",
            r"(?:i(?:'?m| am) )?(?:so |very )?sorry(?: about that)?|my (?:bad|mistake)|oops|whoops|excuse me|apologies",
        ),
        (
            "loud",
            (
                r"(?:speak |talk |a bit |a little )*(?:louder|quieter|softer|slower|faster|more slowly|more"
                r" quietly|up)|(?:can you )?(?:speak|talk) (?:louder|up|slower|faster|more .{1,12})"
            ),
        ),
        ("count up", r"count(?: up)? to (?:ten|five|three|3|5|10)"),
        ("weather chat", r"(?:i(?:'?m| am)) (?:bored|tired|happy|sad|hungry|back|here|fine|good)(?: .{0,30})?"),
    )
)
_JOKES: Final = (
    "Why do programmers mix up Halloween and Christmas? Because oct 31 is dec 25.",
    "I would tell you a joke about UDP, but you might not get it.",
    "There are ten kinds of people: those who read binary, and those who do not.",
    "A timing joke is all about... I will tell you when the moment is good.",
)
_COUNTS: Final = {"three": "One, two, three.", "five": "One, two, three, four, five."}
_ANSWERS: Final[dict[str, tuple[str, ...]]] = {
    "hello": ("Hello. What can I do for you?", "Hi again. I'm listening.", "Hello."),
    "how are you": ("All rules in order, thank you.", "Fine, thank you. And you?"),
    "thanks": ("You're welcome.", "Gladly.", "Any time."),
    "no thanks": ("All right.", "Fine."),
    "bye": ("Goodbye.", "See you."),
    "hear": ("Yes, I'm listening.", "I'm here."),
    "joke": _JOKES,
    "praise": ("Thank you.", "Glad to hear it."),
    "blame": ("I'm sorry. I work by fixed rules; tell me what you meant, and I'll try again.", "I'm sorry about that."),
    "sorry": ("No problem.", "That's all right."),
    "loud": ("I can't change how I sound; that is set where you hear me.",),
    "weather chat": ("I see. Tell me if I can look something up for you.", "I hear you."),
}


def small_talk(text: str) -> str:
    """The kind of small talk that `text` is as a whole; empty if it is none."""
    if len(text) > 120:
        return ""
    for kind, pattern in _TALK:
        if pattern.fullmatch(text):
            if kind == "count up":
                return f"count to {text.rstrip('.!? ').split()[-1].lower()}"
            return kind
    return ""


def answer(kind: str, tools: str, turn: int) -> str:
    """What is said to it. `tools` names the tools at hand; `turn` varies the words."""
    if kind.startswith("count to "):
        return _COUNTS.get(
            {"3": "three", "5": "five"}.get(kind[9:], kind[9:]),
            "One, two, three, four, five, six, seven, eight, nine, ten.",
        )
    hands = f"For work I have {tools}." if tools else "I have no tools for work just now."
    if kind == "who":
        return f"I'm Reflex, the voice built into Duologue. I work by fixed rules, not with a language model. {hands}"
    if kind == "help":
        return (
            f"I'm a rule-based voice. {hands} Ask, and go on talking: I tell you the result in a pause."
            f" You can correct me,"
            ' ask how far I am, or cancel. I also do reminders, words on a cue, and counts: "remind me in'
            " ten seconds to"
            ' stretch", "whenever I say coffee, say tea", "count how often I say um".'
        )
    return pick(_ANSWERS[kind], turn)
