"""The names of everything in Redis, and which of it stays.

Every key carries the hash tag of its partition, so that a script may touch several of them on a Cluster. Sessions are
not spread over partitions yet: there is one, `{0}`.

| key | what | lives |
|---|---|---|
| `duo:{0}:jobs[:pool]` | stream of what is outstanding; group `workers` | for ever: no task may expire unseen |
| `duo:{0}:urgent[:pool]` | the same for urgent tasks, which are taken first | for ever |
| `duo:{0}:job:<id>` | state, attempt and token (the fence), front end, last beat | deadline or end, + 10 min |
| `duo:{0}:orders:<id>` | list of amendments and cancellations | as the job |
| `duo:{0}:steps:<id>` | hash of what must not be done twice: by step, who began it and how it ended | as the job |
| `duo:{0}:log:<id>` | list of findings, for a front end that takes over | as the job |
| `duo:{0}:ctx:<front end>:<session>:<n>` | list: a long conversation in pieces, for the workers | as the longest job |
| `duo:{0}:out:<front end>` | stream of all that goes to one front-end process | as the longest job |
| `duo:{0}:ctl` | stream of doorbells: "there is a new order for <id>" | as the longest job |
| `duo:{0}:dead` | stream of tasks that were given up: why, and all to try again | 7 days after the last |
| `duo:{0}:session:<id>` | hash: owner and lease, and all of a session but what was said | 24 h after the last owner |
| `duo:{0}:said:<id>` | list: what was said in it, in the batches that were saved | as the session |
| `duo:{0}:probe:<front end>` | proof that Redis takes writes again | a second |
| `duo:{0}:workers` | hash: who works, where, and when last heard of; see `redis_registry` | a minute or 10 leases |
| `duo:{0}:pools` | sorted set of pool names by when they were last used, for whoever looks on | a day |

An order is in its list, and the doorbell only says that there is one: so a worker that missed the bell, or came later,
finds it all the same.
"""

from __future__ import annotations

from typing import Final

__all__ = ["GROUP", "FrontKeys", "Keys"]

GROUP: Final = "workers"
"""The consumer group of every jobs stream."""


class Keys:
    """The names under one prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix: str = f"{prefix}:{{0}}:"
        self.bells: str = f"{self.prefix}ctl"
        self.dead: str = f"{self.prefix}dead"
        self.workers: str = f"{self.prefix}workers"
        self.pools: str = f"{self.prefix}pools"

    def jobs(self, pool: str, *, urgent: bool = False) -> str:
        """What is outstanding in a pool; the empty name is the default pool."""
        lane = f"{self.prefix}urgent" if urgent else f"{self.prefix}jobs"
        return f"{lane}:{pool}" if pool else lane

    def job(self, task: str) -> str:
        """The state of a task."""
        return f"{self.prefix}job:{task}"

    def log(self, task: str) -> str:
        """The findings of a task."""
        return f"{self.prefix}log:{task}"

    def steps(self, task: str) -> str:
        """What a task has done that must not be done twice."""
        return f"{self.prefix}steps:{task}"

    def orders(self, task: str) -> str:
        """What a task was told after it had left."""
        return f"{self.prefix}orders:{task}"

    def session(self, id: str) -> str:
        """A session that can be taken up again."""
        return f"{self.prefix}session:{id}"

    def said(self, id: str) -> str:
        """Its conversation."""
        return f"{self.prefix}said:{id}"


class FrontKeys:
    """The names of what belongs to one front-end process."""

    def __init__(self, keys: Keys, front: str) -> None:
        self.out: str = f"{keys.prefix}out:{front}"
        """What goes to it."""
        self.probe: str = f"{keys.prefix}probe:{front}"
        """Written when Redis was away, to see whether it takes writes."""
        self._context = f"{keys.prefix}ctx:{front}"

    def context(self, session: str, generation: int) -> str:
        """The conversation of a session, as this front end has told it to the workers."""
        return f"{self._context}:{session}:{generation}"
