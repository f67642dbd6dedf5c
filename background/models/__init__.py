"""Reasoners: `rules` (embedded, needs no key) and `scripted` (a double for tests)."""
