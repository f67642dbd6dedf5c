"""What every hand-off must do, as checks that run on any implementation.

```python
@pytest.mark.anyio
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_my_bus(check: BusCheck) -> None:
    await check(MyHarness())
```

or `await check_bus(harness)` for all of them, one after the other. A failed check raises `AssertionError` and names
what was expected. The checks know no server and wait for no clock: they go on as soon as what they await has happened.
"""

from __future__ import annotations

from typing import Final

from orchestrator.testing.bus_stage import BusCheck, BusHarness
from orchestrator.testing.claim_checks import CLAIM_CHECKS
from orchestrator.testing.queue_checks import QUEUE_CHECKS

__all__ = ["CHECKS", "BusCheck", "BusHarness", "check_bus"]

CHECKS: Final[tuple[BusCheck, ...]] = (*QUEUE_CHECKS, *CLAIM_CHECKS)


async def check_bus(harness: BusHarness) -> None:
    """Run every check. Raises `AssertionError` for the first thing that a hand-off must do and this one does not."""
    for check in CHECKS:
        await check(harness)
