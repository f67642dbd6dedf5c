"""What those who look after the hand-off can tell `duologue`: options and help only, as in `commands`."""

from __future__ import annotations

import click

__all__ = ["tasks", "top"]

_REDIS = click.option("--redis", metavar="URL", help="The Redis of the hand-off (default: REDIS_URL).")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.command()
@click.option("--once", is_flag=True, help="Look once and leave.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a look: away, problems, overview.")
@click.option(
    "--interval",
    metavar="S",
    type=click.FloatRange(min=0.1),
    default=1.0,
    show_default=True,
    help="Seconds between two looks.",
)
@_REDIS
@click.option("--lease", metavar="MS", type=int, help="The lease of the workers, if not the default (5000).")
def top(once: bool, as_json: bool, interval: float, redis: str | None, lease: int | None) -> int:
    """Watch the hand-off: queues, workers, running tasks, dead letters, and what is wrong.

    On a terminal it draws over itself until q or Ctrl-C; elsewhere it prints one look below the other. A look costs
    Redis next to nothing, however much there is in it.
    """
    from orchestrator.cli.settings import load
    from orchestrator.cli.top import top as run

    return run(load(redis=redis, lease_ms=lease), once=once, as_json=as_json, interval_s=interval)


@click.group()
def tasks() -> None:
    """List, show, cancel and retry tasks of the hand-off, also those that were given up."""


@tasks.command("list")
@click.option("--pool", metavar="P", help="Only those of this pool; '' is the default pool.")
@click.option("--state", type=click.Choice(["queued", "running", "dead"]), help="Only those that stand so.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1, max=200),
    default=50,
    show_default=True,
    help="At most so many that run, that wait, and that were given up.",
)
@_JSON
@_REDIS
def list_(pool: str | None, state: str | None, limit: int, as_json: bool, redis: str | None) -> int:
    """List the tasks that run, that wait (both: the oldest first), and that were given up (the newest first).

    As JSON: running, queued and dead, and counts, which says how many of each there are.
    """
    from orchestrator.cli.settings import load
    from orchestrator.cli.tasks import tasks_list

    return tasks_list(load(redis=redis), pool=pool, state=state, limit=limit, as_json=as_json)


@tasks.command()
@click.argument("id")
@_JSON
@_REDIS
def show(id: str, as_json: bool, redis: str | None) -> int:
    """Show all that is known of the task ID: who has it, what it was told, what it found, what was said before it."""
    from orchestrator.cli.settings import load
    from orchestrator.cli.tasks import tasks_show

    return tasks_show(load(redis=redis), id, as_json=as_json)


@tasks.command()
@click.argument("id")
@click.option(
    "--reason",
    metavar="WORDS",
    default="whoever runs the background called it off",
    show_default=True,
    help="What the person is told, after 'The work on ... was stopped:'.",
)
@_JSON
@_REDIS
def cancel(id: str, reason: str, as_json: bool, redis: str | None) -> int:
    """Call off the task ID, and tell the person that waits for it.

    One that waits ends at once; of one that runs its worker is told, which stops as soon as it can. As JSON: id, and
    how: ended, stopped, or sent (its worker has not confirmed it within two seconds).
    """
    from orchestrator.cli.settings import load
    from orchestrator.cli.tasks import tasks_cancel

    return tasks_cancel(load(redis=redis), id, reason=reason, as_json=as_json)


@tasks.command()
@click.argument("id")
@_JSON
@_REDIS
def retry(id: str, as_json: bool, redis: str | None) -> int:
    """Have the task ID tried again.

    One that was given up goes back to its queue with all its time, and the person is told. One that runs is taken from
    its worker, which can answer no more, and goes to the next. As JSON: id, was (dead or running), and heard (whether
    the front end that waits for it was there lately).
    """
    from orchestrator.cli.settings import load
    from orchestrator.cli.tasks import tasks_retry

    return tasks_retry(load(redis=redis), id, as_json=as_json)
