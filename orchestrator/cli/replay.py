"""`duologue replay`: a recording once more, under its own policy or another."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from orchestrator.cli.policies import policy_named
from orchestrator.cli.replay_text import Comparison, differs, side_by_side, summary
from orchestrator.errors import ConfigError, EnvironmentProblem, ScenarioError
from orchestrator.journal import encode_record
from orchestrator.lanes import picture
from orchestrator.recording import Recording, read_recording, rebuilt
from orchestrator.replaying import replay as replay_same
from orchestrator.replaying import what_if
from orchestrator.timing import TimingPolicy, default_policy

__all__ = ["replay"]

_CHANGED: Final = 1
_WIDTH: Final = 120
_NAMED: Final = 5


def replay(path: Path, *, policy: str | None, config: Sequence[str], as_json: bool, page: Path | None) -> int:
    """Replay the recording at `path` and print what came of it. Returns the exit code.

    Raises:
        ScenarioError: the file is not there, or cannot be understood.
        ConfigError: there is no such policy or setting.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as problem:
        raise ScenarioError(
            f"{path} cannot be read", problem.strerror or "", "give the file of 'duologue chat --record FILE'"
        ) from problem
    recording = read_recording(lines, path.name)
    changed = _settings(config)
    settings = recording.config(changed)
    own, notes = _recorded_policy(recording)
    name = _policy_name(recording)
    before = picture(recording.records, pace=recording.config().pace)
    assumptions: tuple[str, ...] = ()
    if policy is None and not changed:
        same = replay_same(recording, policy=own, config=settings)
        records = same.records
        after = None if same.difference is None else picture(records, pace=settings.pace)
        names = (name, name if after is None else "as this version does it")
    else:
        chosen = own if policy is None else policy_named(policy)
        other = what_if(recording, policy=chosen, config=settings)
        same, records = None, other.records
        assumptions = _assumptions(other.own_words, other.latency_ms, closed=other.closed)
        after = picture(records, pace=settings.pace)
        names = (name, " ".join([policy or name, *config]))
    comparison = Comparison(path.name, names, before, after, same, (*notes, *assumptions), settings.tick_ms)
    if as_json:
        for record in records:
            sys.stdout.buffer.write(encode_record(record.at, record.n, record.item) + b"\n")
        sys.stdout.buffer.write(msgspec.json.encode({"type": "replay.summary", **summary(comparison)}) + b"\n")
        sys.stdout.buffer.flush()
    else:
        width = shutil.get_terminal_size((_WIDTH, 24)).columns
        sys.stdout.writelines(f"{line}\n" for line in side_by_side(comparison, width))
    if page is not None:
        _write(page, comparison)
        sys.stderr.write(f"the page is {page}\n")
    return _CHANGED if differs(comparison) else 0


def _recorded_policy(recording: Recording) -> tuple[TimingPolicy, tuple[str, ...]]:
    notes: list[str] = []
    own: TimingPolicy | None = None
    if recording.opened is None:
        notes.append("The recording does not say its settings and policy: the defaults are assumed.")
    else:
        own = rebuilt(recording.opened.policy)
        if own is None:
            named = _policy_name(recording)
            notes.append(f"Its policy ({named}) is not one of Duologue's: the default is taken. Name it with --policy.")
    if recording.torn:
        notes.append("The last line is torn: whoever wrote it was stopped.")
    if recording.unknown:
        notes.append(f"Passed over, because not known here: {', '.join(recording.unknown)}.")
    return own or default_policy(), tuple(notes)


def _policy_name(recording: Recording) -> str:
    described = None if recording.opened is None else recording.opened.policy
    if described is None or rebuilt(described) == default_policy():
        return "default"
    if isinstance(described, str):
        return described
    return str(cast("dict[str, Any]", described).get("type", "?")) if isinstance(described, dict) else "?"


def _assumptions(own_words: Sequence[str], latency_ms: int, *, closed: bool) -> tuple[str, ...]:
    told = (
        f"No recorded words fit {_some(own_words)}: told in their own words, {latency_ms} ms after the offer."
        if own_words
        else "Every finding is told in the recorded words, as long after its offer as the voice took then."
    )
    return (
        "The person and the background do what they did, at the same instants; neither reacts to the other timing.",
        "The voice's answers and requests stay at their instants; only words that tell a finding move.",
        told,
        *(() if closed else ("Something was still owed when the what-if ended.",)),
    )


def _some(findings: Sequence[str]) -> str:
    named = ", ".join(findings[:_NAMED])
    return f"{named} and {len(findings) - _NAMED} more" if len(findings) > _NAMED else named


def _settings(given: Sequence[str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for setting in given:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"{setting!r} is not a setting", "it has no value", "give NAME=VALUE, such as pace=30")
        try:
            changed[name] = None if value == "none" else msgspec.json.decode(value)
        except msgspec.DecodeError:
            changed[name] = value
    return changed


def _write(page: Path, comparison: Comparison) -> None:
    from orchestrator.cli.replay_page import html_page

    try:
        page.write_bytes(html_page(comparison))
    except OSError as problem:
        raise EnvironmentProblem(
            f"the page cannot be written to {page}", problem.strerror or "", "choose another file for --html"
        ) from problem
