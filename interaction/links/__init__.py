"""Links: where a person's input comes from and where speech goes.

`memory` for programs and tests, `plain` for pipes and screen readers, `jsonl` for machines, `terminal` for a person at
a keyboard.

Every link here is also a `Journal`: hand it in as one, and it shows (or prints) what goes on besides the speech.
"""
