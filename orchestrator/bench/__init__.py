"""The benchmark of when a finding is spoken: a simulated person and background, a journal any system can write, a
scorer that reads nothing else.

How to run it, also on another system: docs/benchmark.md. `record`, `scoring` and `table` know nothing of Duologue's
policies.
"""
