"""Other hand-offs over Redis, each driven by a small program that runs in an environment of its own."""
