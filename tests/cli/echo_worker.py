"""A program that the tests start: a worker for the echo assistant, at the Redis that is named.

python echo_worker.py URL
"""

from __future__ import annotations

import sys

from orchestrator.assistant import Assistant
from orchestrator.bus import connect
from orchestrator.cli import guarded
from orchestrator.cli.watched import WatchedBus
from orchestrator.cli.worker import say, work_until_stopped
from tests.links.echo_talk import Echo, reasoner

if __name__ == "__main__":
    url = sys.argv[1]
    assistant = Assistant(interaction=Echo(), background=reasoner, bus=WatchedBus(connect(url), say))
    sys.exit(guarded(lambda: work_until_stopped(assistant, url)))
