"""`python -m orchestrator.cli` is `duologue`."""

from __future__ import annotations

from orchestrator.cli import main
from orchestrator.siblings import forget_current_folder

if __name__ == "__main__":
    forget_current_folder()
    main()
