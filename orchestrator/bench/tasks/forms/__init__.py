"""Makers of cases: one file a family of tasks. The same seed makes the same cases on every Python."""
