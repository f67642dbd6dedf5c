"""The rules of the guard: each a small pure function from a sentence and its scene to a reason, or none.

They go by structure: shared words, numbers, names, quotes, length. English words only add to that, and where a rule
cannot know, the sentence passes. A reason is written for the model, which is told of it.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from interaction.models.chat_guard_sentences import Knowledge, content, english, facts, names, normal, words
from interaction.models.reflex_words import stem
from orchestrator.effects import Work
from orchestrator.finding import Finding

__all__ = [
    "Scene",
    "answers_itself",
    "asks_to_repeat",
    "claims_the_end",
    "harmless_so_far",
    "oversteps",
    "repeats",
    "same_task",
    "stale",
]


class Scene(msgspec.Struct, frozen=True):
    """What a sentence is judged against."""

    line: str
    telling: bool
    offers: tuple[Finding, ...]
    open: tuple[Work, ...]
    """Tasks without an answer that is offered now."""
    handed_over: tuple[str, ...]
    """Tasks the model has handed over in this very answer."""
    acted: bool
    """It has done something else: scheduled, amended, cancelled."""
    known: Knowledge
    said: frozenset[str]
    """Sentences that were said, as `normal` writes them."""
    gone: tuple[Finding, ...]
    """Findings that are not to be told any more, and were not heard."""


def _all(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENOUGH_WORDS: Final = 4
"""So many words of a sentence tell whether it is on the matter of a task. Each costs the person a word's time."""
_MOST_WORDS: Final = 8
"""Where they do not, no more are asked: the sentence is half over."""
_SPACED: Final = re.compile(r"\S+(?=\s)")
_LEAST_WORDS: Final = 4
"""Shorter sentences ("Yes, of course.") may be said as often as they fit."""
_WORKING: Final = frozenset(
    stem(word)
    for word in _all(
        "search searching searched look looking lookup check checking checked work working wait waiting moment second"
        " minute minutes while soon still yet already progress task request question answer result results information"
        " info find finding found try trying start started going run running take takes taking taken long longer time"
        " bit little hold hang back know tell hear ask asking need background colleague way underway done ready finish"
        " finished complete completed process processing busy shortly once until almost nearly come coming see pending"
        " thing things other others next new right sure fine great good alright sorry course thank thanks hello hi yeah"
    )
)
_LEANS: Final = _all(
    "it that this they them he she there one ones those these yet so and well any anything news result results answer"
    " found ready done status far"
)
_SPEAKERS: Final = _all("i i'm i'll i've i'd me we we're we'll we've you you'll you're let let's")
_END_CLAIM: Final = re.compile(
    r"\b(?:done|finished|completed?|ready|found|all set|here (?:is|are)(?! what| how)|here's(?! what| how)"
    r"|(?:answer|results?) (?:is|are)|turns out"
    r"|that's (?:it|all|everything)|fertig|gefunden|erledigt|antwort (?:ist|lautet)|terminé|trouvé|fini|voici"
    r"|réponse est|listo|encontrado|encontré|terminado|respuesta es|trovato|finito|ecco|klaar|gevonden)\b"
)
_NOT_YET: Final = re.compile(
    r"n't\b|'ll\b|\b(?:not|no|nothing|never|yet|still|until|till|once|when|whenever|soon|if|will|would|so far|first"
    r"|part|partial|partly|nearly|almost|trying|being|to be|before|after|far from|nicht|nichts|noch|sobald|wenn|bald"
    r"|bisher|bis|kein|keine|pas|encore|quand|dès|jusqu|bientôt|rien|todavía|aún|cuando|hasta|pronto|nada"
    r"|ancora|quando|finora|niente|nog|zodra|niet)\b"
)
_REPEAT: Final = re.compile(
    r"\b(?:again|repeat|pardon|come again|once more|one more time|say that|did you say|didn't (?:hear|catch|get)"
    r"|missed that|huh|noch ?mal|noch einmal|wie bitte|wiederhol\w*|répèt\w*|encore une fois|otra vez|repite|repita"
    r"|ripeti|herhaal)\b"
)
_IS_DONE: Final = re.compile(
    r"\b(?:is|are|was|were|has been|have been)\s+(?:now\s+|all\s+|already\s+)?([^\W\d_]+(?:ed|en|nt|ght|ne))\b"
)
_CLOCK: Final = re.compile(r"\b(?:time|day|date|month|year|late|early|hot|cold|warm)\b.* is it\b|\bis it \w+ing\b")
"""Here "it" is nothing: "what time is it?"."""
_CLAUSES: Final = re.compile(r"[,;:.?!\n]\s+|\s(?:and|but|und|aber|et|mais|y|pero|e|ma|en)\s|[。？！、]")  # noqa: RUF001
_HAVE_DONE: Final = re.compile(r"\b(?:i've|i have|we've|we have)\s+(?:just\s+|now\s+|already\s+)?([^\W\d_]+)")


def asks_to_repeat(line: str) -> bool:
    """Whether the person wants to hear something once more."""
    found = words(line)
    short = len(found) <= 2 and line.rstrip().endswith("?") and not content(line)
    return short or _REPEAT.search(" ".join(found)) is not None


def stale(sentence: str, scene: Scene) -> str:
    """Freshness: what was replaced, cancelled or withdrawn is not told."""
    own, brought = content(sentence), facts(sentence)
    live = max((len(own & content(finding.text)) for finding in scene.offers), default=0)
    for finding in scene.gone:
        its = facts(finding.text)
        told = scene.known.new(brought)
        shares = (told.numbers & its.numbers) | (told.names & its.names) | (told.quoted & its.quoted)
        alike = len(own & content(finding.text))
        if (shares and alike >= live) or (scene.telling and alike > live and 2 * alike >= len(own)):
            return f"it tells of {finding.id}, which is no longer current"
    return ""


def repeats(sentence: str, scene: Scene) -> str:
    """Duplicates: the same sentence is not said twice, unless the person's words ask for it."""
    plain = normal(sentence)
    if plain not in scene.said or len(plain.split()) < _LEAST_WORDS:
        return ""
    if not scene.telling:
        if sentence.rstrip().endswith("?") or scene.handed_over:
            return ""
        if asks_to_repeat(scene.line) or content(scene.line) & content(sentence):
            return ""
    return "it was said just now, word for word, and the person did not ask to hear it again"


def claims_the_end(sentence: str, scene: Scene) -> str:
    """Progress is not the answer: nothing is called done or found before it is."""
    plain = " ".join(words(sentence))
    if sentence.rstrip().endswith("?") or _NOT_YET.search(plain):
        return ""
    for task in _tasks(scene):
        claim = _END_CLAIM.search(plain) is not None
        done = _HAVE_DONE.search(plain) or _IS_DONE.search(plain)
        claim = claim or (done is not None and stem(done.group(1)) in content(task.task))
        if not claim:
            continue
        matter = content(f"{task.task} {task.progress}") - _WORKING
        own = content(sentence) - _WORKING
        leaning = not own and not scene.acted and not _elsewhere(scene, task)
        if (own & matter and not _offered_more(sentence, scene, len(own & matter))) or leaning:
            only = f"only progress is there ({task.progress})" if task.progress else "nothing is there yet"
            return f"it calls {_named(task)} done, and {only}"
    return ""


def answers_itself(sentence: str, scene: Scene) -> str:
    """What was handed over is answered by whoever works on it, not by the voice while it waits."""
    if sentence.rstrip().endswith(("?", "？")):  # noqa: RUF001
        return ""
    own, brought = content(sentence), scene.known.new(facts(sentence))
    for task in _tasks(scene):
        matter = content(f"{task.task} {task.progress}")
        shared = (own & matter) - _WORKING
        if _offered_more(sentence, scene, len(shared)):
            continue
        if shared and shared <= names(f"The {task.task}") and _own_matter(scene, task):
            # "How big is Lyon?" is another question than the one for trains to Lyon.
            continue
        leaning = len(own - _WORKING) <= 2 and _asks_after(scene, task) and not _beside(sentence, scene, matter)
        if brought and (shared or leaning):
            return f"it answers {_named(task)} itself, with what nobody has found yet ({_list(brought)})"
        if (len(shared) >= 2 or (shared and leaning)) and _asserts(sentence, scene):
            return f"it answers {_named(task)} itself, and nothing has been found yet"
    return ""


def oversteps(sentence: str, scene: Scene, *, acknowledged: bool, longest: int) -> str:
    """Beside a hand-off: one short sentence without new facts, questions, and talk about other things."""
    if not scene.handed_over or sentence.rstrip().endswith(("?", "？")):  # noqa: RUF001
        return ""
    own, brought = content(sentence), scene.known.new(facts(sentence))
    matter = content(" ".join(scene.handed_over))
    if not own & matter and _beside(sentence, scene, matter):
        return ""
    if brought:
        return f"the question has just been handed over, and this brings an answer of its own ({_list(brought)})"
    if len(words(sentence)) > longest:
        return f"the question has just been handed over: one short sentence of at most {longest} words will do"
    return "the hand-off has been acknowledged already" if acknowledged else ""


def harmless_so_far(beginning: str, scene: Scene) -> bool:
    """Whether a sentence that has begun like this need not be heard to its end before it may go out.

    That is so after a few words which have nothing to do with any task that is open, bring no fact and call nothing
    done, in an answer to something else (or in the telling of what is offered). What is on the matter of a task waits
    until it is whole.
    """
    ends = [found.end() for found in _SPACED.finditer(beginning)][_ENOUGH_WORDS - 1 : _MOST_WORDS]
    return any(_harmless(beginning[:end], scene) for end in ends)


def _harmless(beginning: str, scene: Scene) -> bool:
    if scene.known.new(facts(beginning)) or _END_CLAIM.search(" ".join(words(beginning))):
        return False
    own = content(beginning) - _WORKING
    for task in scene.open:
        shared = own & content(f"{task.task} {task.progress}")
        if _offered_more(beginning, scene, len(shared)):
            continue
        if shared or not (own and (scene.telling or _elsewhere(scene, task))):
            return False
    return True


def same_task(task: str, other: str) -> bool:
    """Whether two tasks ask for the same: the same words, or a few more that bring no number or name."""
    if normal(task) == normal(other):
        return True
    one, two = content(task), content(other)
    if not one or not two or not (one <= two or two <= one):
        return False
    if facts(f"So {task}").numbers != facts(f"So {other}").numbers:
        return False
    more = one ^ two
    named = names(f"The {task}") | names(f"The {other}")
    return len(one & two) / len(one | two) >= 0.75 and not more & named


# --- what the rules share --------------------------------------------------------------------------------------------


def _tasks(scene: Scene) -> tuple[Work, ...]:
    handed = tuple(Work("", task, "offered") for task in scene.handed_over)
    return (*scene.open, *handed)


def _figures(text: str) -> frozenset[str]:
    return facts(text).numbers


def _offered_more(sentence: str, scene: Scene, shared: int) -> bool:
    """Whether the sentence has at least as much to do with what is offered to be told."""
    own = content(sentence) | facts(sentence).numbers
    told = [
        len(own & (content(finding.text) | facts(finding.text).numbers)) for finding in scene.offers if _tells(finding)
    ]
    return max(told, default=0) >= max(shared, 1)


def _tells(finding: Finding) -> bool:
    return finding.kind != "progress"


def _beside(sentence: str, scene: Scene, matter: frozenset[str]) -> bool:
    """Whether it is about a clause of the line that has nothing to do with the matter, beside one that has."""
    clauses = [content(clause) | _figures(clause) for clause in _CLAUSES.split(scene.line)]
    if not any(clause & matter for clause in clauses):
        return False
    other = frozenset[str]().union(*(clause for clause in clauses if not clause & matter))
    return bool(((content(sentence) | _figures(sentence)) - _WORKING) & other)


def _elsewhere(scene: Scene, task: Work) -> bool:
    """Whether the person's line is about something else than the task."""
    own = content(scene.line) | facts(scene.line).numbers
    return bool(own) and not scene.telling and not own & content(task.task) and not _leans(scene.line)


def _own_matter(scene: Scene, task: Work) -> bool:
    """Whether the line has something of its own to ask, and shares no more than names with the task."""
    own = content(scene.line)
    shared = own & content(task.task)
    return bool(own - shared - _WORKING) and shared <= names(f"The {task.task}") and not _leans(scene.line)


def _leans(line: str) -> bool:
    if _CLOCK.search(" ".join(words(line))):
        return False
    return bool(set(words(line)) & _LEANS) and len(content(line) - _WORKING) <= 2 and not facts(line)


def _asks_after(scene: Scene, task: Work) -> bool:
    """Whether the line asks how the task stands, or for more of it ("and when does it leave?")."""
    if not task.delegation:
        # Handed over in this answer: it is what the line is about.
        return True
    own = content(scene.line)
    return not scene.telling and (_leans(scene.line) or bool((own & content(task.task)) - names(f"The {task.task}")))


def _asserts(sentence: str, scene: Scene) -> bool:
    """Whether it states something new about the world; told of English only."""
    if not english(sentence) or set(words(sentence)) & _SPEAKERS or _NOT_YET.search(" ".join(words(sentence))):
        return False
    return bool(content(sentence) - _WORKING - scene.known.words)


def _named(task: Work) -> str:
    name = f'"{task.task}"'
    return f"{task.delegation} ({name})" if task.delegation else name


def _list(brought: object) -> str:
    parts = [*getattr(brought, "numbers", ()), *getattr(brought, "names", ()), *getattr(brought, "quoted", ())]
    return ", ".join(sorted(parts))
