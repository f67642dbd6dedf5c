"""What goes wrong with a query, where it matters which it was."""

from __future__ import annotations

__all__ = ["Unreadable"]


class Unreadable(Exception):
    """A row could not be computed, as where a text is no number. The message is the database's own, and may hold what
    is in it: it is to be told as rows are, and not as our own words."""
