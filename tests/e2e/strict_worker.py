"""A program that the tests start: a worker that gives a task up as soon as one worker has lost it.

python strict_worker.py URL
"""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.assistant import Assistant
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.cli import guarded
from orchestrator.cli.watched import WatchedBus
from orchestrator.cli.worker import say, work_until_stopped
from tools.bundled import bundled

if __name__ == "__main__":
    url = sys.argv[1]
    bus = RedisBus(url, settings=RedisSettings(lease_ms=600, max_attempts=1))
    assistant = Assistant(tools=bundled(Path.cwd()), bus=WatchedBus(bus, say))
    sys.exit(guarded(lambda: work_until_stopped(assistant, url)))
