"""`duologue doctor --models`: what the models that are configured can do, beside what is assumed of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from orchestrator.cli.model_probes import REQUESTS, Tried, examined
from orchestrator.cli.settings import load
from orchestrator.cli.table import WIDE, Column, clean, table
from orchestrator.completions.naming import ModelName, parse_model

__all__ = ["configured", "models_page"]

_ENVIRONMENT = 3
_COLUMNS = (Column("FEATURE"), Column("ASSUMED"), Column("FOUND", gives=True))


def configured(given: Sequence[str]) -> list[ModelName]:
    """The models to try: those given, else those of the settings, each once; else whatever the usual server has.

    Raises:
        ConfigError: one cannot be understood, or a setting makes no sense.
    """
    texts = list(given)
    if not texts:
        settings = load()
        texts = [text for text in (settings.model, settings.background_model) if text]
    return [parse_model(text) for text in dict.fromkeys(texts)] or [ModelName("")]


def models_page(given: Sequence[str], *, as_json: bool) -> int:
    """Try each model and print a table of each, or one JSON object. Returns 0, or 3 where one cannot be used.

    Raises:
        ConfigError: a model, an address or a profile cannot be understood.
    """
    import anyio

    names = configured(given)
    if not as_json:
        plural = "s" if len(names) > 1 else ""
        _write(f"trying {len(names)} model{plural}: up to {REQUESTS} tiny requests each, which may cost a little")
    tried: list[Tried] = []
    for name in names:
        found = anyio.run(examined, name)
        tried.append(found)
        if not as_json:
            for line in _page(found):
                _write(line)
    failed = any(found.failed for found in tried)
    if as_json:
        _write(msgspec.json.encode({"ok": not failed, "models": tried}).decode())
    return _ENVIRONMENT if failed else 0


def _page(found: Tried) -> list[str]:
    head = f"{found.model or 'no model'} at {found.where}"
    if found.trouble:
        return ["", head, *(f"  {line}" for line in map(clean, found.trouble))]
    window = f", a window of {found.window} tokens" if found.window else ""
    lines = ["", clean(f"{head}: profile {found.profile}{window}")]
    rows = table(_COLUMNS, [(probe.feature, probe.assumed, probe.found) for probe in found.probes], WIDE)
    lines.append(f"      {rows[0]}")
    for probe, row in zip(found.probes, rows[1:], strict=True):
        lines.append(f"{probe.state:<5} {row}")
        if probe.todo:
            lines.append(f"{'':<5} -> {clean(probe.todo)}")
    return lines


def _write(line: str) -> None:
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(line.encode(encoding, errors="replace").decode(encoding) + "\n")
    sys.stdout.flush()
