"""Chat completions: what the voice and the reasoner share when a language model stands behind them.

`asking` is the language (a request, the pieces of a streamed answer, the port `Completions`), `accumulator` makes
pieces of whatever a server streams, `profile` says what a server can and cannot do, `endpoint` is the one door to the
`openai` client, `troubles` puts what goes wrong into one clear line.
"""
