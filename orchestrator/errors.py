"""Every error Duologue raises on purpose.

```
DuologueError
+-- UsageError              the caller asked for something that cannot be (exit code 2)
|   +-- ConfigError         a setting is wrong
|   +-- ScenarioError       a line of a scenario or journal cannot be understood
|   +-- ToolDefinitionError a function cannot become a tool
+-- EnvironmentProblem      something outside is missing or broken (exit code 3)
|   +-- BusUnavailable      the bus cannot be reached just now; try again later
|   +-- BusBusy             the queue is full; nothing was taken
|   +-- ClaimLost           another worker owns the task now; stop, publish nothing more
|   +-- SessionLost         another process owns the session now; stop, say nothing more
|   +-- SiblingShadowed     another folder stands where one of our packages should be
+-- ModelError              an interaction or background model failed (exit code 4)
+-- ToolRetry               raised by a tool: the model may try again with other arguments
+-- ToolFailed              raised by a tool: tell the model, it is not a bug
```

An error for a person has three lines: what, why, and what to do. `str()` gives all three.
"""

from __future__ import annotations

__all__ = [
    "BusBusy",
    "BusUnavailable",
    "ClaimLost",
    "ConfigError",
    "DuologueError",
    "EnvironmentProblem",
    "ModelError",
    "ScenarioError",
    "SessionLost",
    "SiblingShadowed",
    "ToolDefinitionError",
    "ToolFailed",
    "ToolRetry",
    "UsageError",
]


class DuologueError(Exception):
    """The root. `what` happened, `why`, and what `todo`: each one line, the last two may be empty."""

    exit_code = 1

    def __init__(self, what: str, why: str = "", todo: str = "") -> None:
        super().__init__("\n".join(line for line in (what, why, todo) if line))
        self.what = what
        self.why = why
        self.todo = todo


class UsageError(DuologueError):
    """The caller asked for something that cannot be."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting is wrong; nothing has started."""


class ScenarioError(UsageError):
    """A line of a scenario or journal cannot be understood; the message names the line."""


class ToolDefinitionError(UsageError):
    """A function cannot become a tool; the message names file and line."""


class EnvironmentProblem(DuologueError):
    """Something outside the program is missing or broken."""

    exit_code = 3


class BusUnavailable(EnvironmentProblem):
    """The bus cannot be reached just now. Nothing is lost: whoever submits keeps the task and tries again."""


class BusBusy(EnvironmentProblem):
    """The queue is full and took nothing. `length` tasks are outstanding, the oldest for `oldest_ms` milliseconds."""

    def __init__(self, what: str, why: str = "", todo: str = "", *, length: int = 0, oldest_ms: int = 0) -> None:
        super().__init__(what, why, todo)
        self.length = length
        self.oldest_ms = oldest_ms


class ClaimLost(EnvironmentProblem):
    """The lease went to another worker (or the task is finished or gone). Stop; publish nothing more."""


class SessionLost(EnvironmentProblem):
    """The conversation goes on elsewhere: another process has taken it over. Stop; say and save nothing more."""


class SiblingShadowed(EnvironmentProblem):
    """A folder named like one of our packages is imported in its place; the message names both paths."""


class ModelError(DuologueError):
    """A model failed."""

    exit_code = 4


class ToolRetry(DuologueError):
    """Raised by a tool: the call was wrong in a way the model can mend; it may try again."""


class ToolFailed(DuologueError):
    """Raised by a tool: it could not be done. The model is told; it is not a bug in the tool.

    Where the tool has `retries`, it is tried again: after `after_s` seconds, as a server has asked for, or after a
    pause that doubles.
    """

    def __init__(self, what: str, why: str = "", todo: str = "", *, after_s: float | None = None) -> None:
        super().__init__(what, why, todo)
        self.after_s = after_s
