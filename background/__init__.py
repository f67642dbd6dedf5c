"""The background: takes tasks, thinks, uses tools, and streams back what it finds.

It knows the hub (`orchestrator`) and neither the voice nor the tools, which are handed in. The rooms: `worker` claims,
`serving` takes one claim to its one answer, `desk` is what a reasoner works with, `workbench` runs tools within their
limits, `mailbox` and `outbox` hold what comes in and goes out, `reasoning` turns any async callable into a reasoner,
and `models` has the reasoners.
"""

from __future__ import annotations

from background.reasoning import Agent, as_reasoner
from background.settings import WorkerSettings
from background.workbench import Workbench
from background.worker import Worker

__all__ = ["Agent", "Workbench", "Worker", "WorkerSettings", "as_reasoner"]
