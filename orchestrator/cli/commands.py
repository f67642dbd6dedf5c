"""What `duologue` can be told: options and help only. Imports nothing but click, so that `--help` is quick."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from orchestrator.cli.bench import bench
from orchestrator.cli.operating import tasks, top
from orchestrator.cli.tool_options import tool_options
from orchestrator.cli.tools import tools
from orchestrator.version import __version__

__all__ = ["duologue"]

_REDIS = click.option(
    "--redis",
    metavar="URL",
    help="Hand work over on this Redis (default: REDIS_URL; without one, work in this process).",
)
_MODEL = click.option(
    "--model",
    metavar="NAME[@URL]",
    help="Let this language model talk (default: rules). It is asked at OPENAI_BASE_URL, or at URL.",
)
_BACKGROUND_MODEL = click.option(
    "--background-model",
    metavar="NAME[@URL]",
    help="Let this language model do the work (default: that of --model, or rules).",
)
_LOG = click.option("--log", metavar="FILE", type=click.Path(path_type=Path), help="Write what goes wrong inside here.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="duologue", message="%(prog)s %(version)s")
def duologue() -> None:
    """Talk with an assistant that listens while it talks and works while you talk.

    Settings come from the options, then DUOLOGUE_* variables, then duologue.toml in the current folder.
    """


@duologue.command()
@click.option("--plain", is_flag=True, default=None, help="Lines only: for screen readers and pipes.")
@click.option(
    "--json", "as_json", is_flag=True, help="For machines: user events in, the journal out, one object a line."
)
@_MODEL
@_BACKGROUND_MODEL
@_REDIS
@tool_options
@click.option("--pace", metavar="CPS", help="Characters of speech a second (default: 60), or 'none' for no pacing.")
@click.option("--record", metavar="FILE", type=click.Path(path_type=Path), help="Write the journal of the talk here.")
@click.option("--session", metavar="NAME", help="Go on with the conversation of this name, or begin it (needs Redis).")
@click.option("--take-over", is_flag=True, help="Also when another process has it open; that one then ends.")
@_LOG
def chat(
    plain: bool | None,
    as_json: bool,
    model: str | None,
    background_model: str | None,
    redis: str | None,
    chosen: Mapping[str, object],
    pace: str | None,
    record: Path | None,
    session: str | None,
    take_over: bool,
    log: Path | None,
) -> int:
    """Talk with the assistant: in the terminal, or through a pipe.

    No key, no account and no server are needed: the embedded voice goes by rules, and says so. With --model a language
    model talks, on any server that knows OpenAI's chat completions (OPENAI_API_KEY, OPENAI_BASE_URL). Every key is
    heard as it is typed. Ctrl-C or Ctrl-D leaves. Lines piped in are given one at a time, each when the one before has
    been answered; work started by them is waited for at the end.
    """
    from orchestrator.cli.chat import chat as run
    from orchestrator.cli.settings import load

    if plain and as_json:
        raise click.UsageError("--plain is for people and --json for machines: choose one.")
    settings = load(
        plain=plain,
        model=model,
        background_model=background_model,
        redis=redis,
        **chosen,
        pace=pace,
        session=session,
        log=log,
    )
    return run(settings, as_json=as_json, record=record, take_over=take_over)


@duologue.command()
@_BACKGROUND_MODEL
@_REDIS
@click.option("--slots", metavar="N", type=int, help="How many tasks may run at once (default: 8).")
@tool_options
@click.option("--lease", metavar="MS", type=int, help="How long a silent worker keeps its tasks (default: 5000).")
@_LOG
def worker(
    background_model: str | None,
    redis: str | None,
    slots: int | None,
    chosen: Mapping[str, object],
    lease: int | None,
    log: Path | None,
) -> int:
    """Work in the background for chats that run elsewhere, over Redis.

    The first Ctrl-C takes no more tasks and gives those that run 10 seconds; then,
    or at the second, they are handed back.
    """
    from orchestrator.cli.settings import load
    from orchestrator.cli.worker import worker as run

    settings = load(
        background_model=background_model,
        redis=redis,
        slots=slots,
        **chosen,
        lease_ms=lease,
        log=log,
    )
    return run(settings)


@duologue.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--clock",
    type=click.Choice(["virtual", "real"]),
    default="virtual",
    show_default=True,
    help="'virtual' takes no time and gives the same bytes each time.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the journal, one object a line.")
def simulate(scenario: Path, clock: str, as_json: bool) -> int:
    """Run a session with the scripted person in the file SCENARIO."""
    from orchestrator.cli.simulate import simulate as run

    return run(scenario, clock=clock, as_json=as_json)


@duologue.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--policy", metavar="NAME", help="What would this timing policy have said? Or give yours: MODULE:NAME.")
@click.option("--config", "config", metavar="NAME=VALUE", multiple=True, help="A setting of the session to change.")
@click.option("--json", "as_json", is_flag=True, help="Print the journal of the replay, then a summary.")
@click.option("--html", metavar="PAGE", type=click.Path(path_type=Path), help="Write the lanes as one page to look at.")
def replay(recording: Path, policy: str | None, config: tuple[str, ...], as_json: bool, html: Path | None) -> int:
    """Replay the journal in the file RECORDING, as 'chat --record' writes it.

    Without --policy it must give the same effects, and the first that is not the same is shown (exit code 1). With it,
    what would have been said when stands beside what was.
    """
    from orchestrator.cli.replay import replay as run

    return run(recording, policy=policy, config=config, as_json=as_json, page=html)


@duologue.command()
@_REDIS
@tool_options
@click.option("--models", is_flag=True, help="Try the models instead: a handful of tiny requests each.")
@click.option(
    "--model",
    "model",
    metavar="NAME[@URL]",
    multiple=True,
    help="Which ones (default: `model` and `background_model` of the settings). Means --models.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as one JSON object.")
def doctor(
    redis: str | None,
    chosen: Mapping[str, object],
    models: bool,
    model: tuple[str, ...],
    as_json: bool,
) -> int:
    """Check what Duologue needs, and say what to do about what is missing."""
    if models or model:
        from orchestrator.cli.models_page import models_page

        return models_page(model, as_json=as_json)
    from orchestrator.cli.doctor import doctor as run

    return run({"redis": redis, **chosen}, as_json=as_json)


duologue.add_command(bench)
duologue.add_command(top)
duologue.add_command(tasks)
duologue.add_command(tools)
