"""Reasoners: `rules` (embedded, needs no key), `chat` (a language model on any endpoint that speaks chat completions)
and `scripted` (a double for tests).

The rooms of `chat`: `chat_work` is one task, `chat_call` one model call, `chat_calls` the functions that it calls.
`chat_prompt`, `chat_conversation`, `chat_frames` and `chat_transcript` make the prompt; `chat_functions`,
`chat_output`, `chat_sentences` and `chat_sources` read the answer; `chat_spending`, `chat_troubles` and `chat_models`
say what may be spent, what to do when a call fails, and whom to ask.
"""
