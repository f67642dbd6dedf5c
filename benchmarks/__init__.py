"""What the figures in `benchmarks/README.md` are made with: `python -m benchmarks`, or `make bench`.

Each module measures one thing and has one function, `run(small=...)`, which returns a `Report`. Nothing here asserts a
time: machines differ and are shared. Sides that are compared take turns in one run, and medians of the rounds count.
"""
