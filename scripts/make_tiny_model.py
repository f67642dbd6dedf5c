"""Makes a language model of 730 KB within a second: python scripts/make_tiny_model.py FILE.gguf

Its weights are random (from a fixed seed), so it knows nothing, and needs no download; any server that runs GGUF files
runs it. It says short sentences of words that do not belong together. Where a grammar holds it (a forced function call,
a JSON schema) it says what the grammar allows: nonsense of the right shape, which is what a test of a protocol needs.

Standard library only: whoever wants to try a server can run it alone.
"""

from __future__ import annotations

import random
import struct
import sys
from array import array
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

WIDTH, HEADS, LAYERS, INNER = 64, 4, 2, 96
WINDOW = 32768

TEXT = """
about after again all always and answer any apple are around ask at autumn back bird blue boat book bread bridge bright
bring butter but by call candle carry cat chair clear clock cloud coat cold come could cup dance day dark deep door down
dream each early earth east evening every far farm fast field find fire first fish five flower fly for forest four fresh
friend from garden gentle give glass go gold good grass gray green half hand happy have hear heart here high hill home
honey horse house how ice if in into is island it just kettle key kind kitchen know lake lamp large last late leaf learn
left letter light like line listen little long look made make many map march meadow milk mill mirror moon more morning
most mountain move much music name near never new night noon north not now of often old on once one only open orange
other our out over page paper path pear people piano pick picture pilot place plain plum pocket poem pond quiet quick
rain read red rest rice river road roof room rope round sail salt same sand sea second see seed seven shade sheep ship
shop short shoulder silver sing six sky sleep slow small smile snow so soft some song soon south spoon spring square
stair star stay still stone story street summer sun sweet swim table tall tea tell ten that the then there thin this
three time to today together tomorrow tower town train tree two under until up valley very voice wait walk wall warm
was watch water wave way we west wheel when where white who wide wild will wind window winter with wood word write
year yellow yes yet you young
"""
WORDS = TEXT.split()
LAST_WORDS = ["again", "here", "indeed", "now", "please", "soon", "then", "today"]
END, CALL = "<|im_end|>", "<tool_call>"
CONTROL = ["<|endoftext|>", "<|im_start|>", END]

# ChatML, with functions in the manner of Hermes and Qwen, which servers know how to force.
TEMPLATE = """
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- '# Tools\\n\\nYou may call these functions:\\n<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' + (tool | tojson) }}
    {%- endfor %}
    {{- '\\n</tools>\\n\\nCall one like this:\\n<tool_call>\\n' }}
    {{- '{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call><|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' + (message.content or '') }}
        {%- for call in message.tool_calls or [] %}
            {{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
            {{- (call.function.arguments | tojson) + '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""".strip()


class Strings(list[str]):
    """GGUF keeps the type of an array's members, so an empty one must have one too."""


class Numbers(list[int]):
    """The same for whole numbers."""


def vocabulary() -> list[str]:
    """The 256 bytes, so that any text can be read and any can be said; then what it says by itself.

    It has one set of words for what it says freely and one for what stands in quotes, so that the last token alone
    tells it where it is: " word" ... "." and "word " ... "now.\"".
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    shifted = iter(range(0x100, 0x200))
    # GPT-2 writes each byte as a letter; those that are none get one from further up.
    letters = [chr(byte if byte in printable else next(shifted)) for byte in range(256)]
    space = letters[ord(" ")]
    return [
        *letters,
        *(space + word for word in WORDS),
        *(word + space for word in WORDS),
        *(word + '."' for word in LAST_WORDS),
        *CONTROL,
        CALL,
    ]


def weights(tokens: Sequence[str]) -> dict[str, tuple[tuple[int, ...], array[float]]]:
    """Tensors by name, each with its shape, the fastest dimension first.

    Chance decides, but for three things, without which it would babble bytes and never stop:

    - the first number of every embedding is the same, so that the last layer can like some tokens better than others;
    - the second says whether the token is spoken freely (1), in quotes (-1), or either (0), and likes the same side;
    - each word has a successor, in chains of at most eight. After the last comes the end; where a grammar forbids to
      end, a call comes; where both are forbidden, another sentence.
    """
    dice = random.Random(20261126)

    def noise(count: int, spread: float) -> list[float]:
        return [dice.gauss(0, spread) for _ in range(count)]

    free = range(256, 256 + len(WORDS))
    quoted = range(free.stop, free.stop + len(WORDS))
    last = range(quoted.stop, quoted.stop + len(LAST_WORDS))
    stop, quote, newline, end, call = ord("."), ord('"'), ord("\n"), tokens.index(END), tokens.index(CALL)

    # All that follows is in logits, before what chance adds: about 1 up or down.
    liking = {
        **dict.fromkeys(range(len(tokens)), -40.0),
        **dict.fromkeys(range(256), -12.0),
        **dict.fromkeys(b" \t\r\n", -16.0),  # a grammar lets them come between any two tokens, without end
        **dict.fromkeys(b"0123456789", -8.0),
        **dict.fromkeys(b'",', -6.0),
        **dict.fromkeys(b"}]<", -5.0),  # rather close than go on
        **dict.fromkeys([*free, *quoted], 0.0),
        **dict.fromkeys(last, -3.0),
        stop: 0.0,
        end: -1.0,
        call: -2.0,
    }
    side = dict.fromkeys([*free, stop, end, call, newline], 1) | dict.fromkeys([*quoted, *last, quote], -1)
    same_side = 4.0
    follows = {stop: {end: 14.0, call: 10.0}, call: {newline: 40.0}, ord(">"): {end: 8.0}}
    for words, ends in ((free, [stop]), (quoted, list(last))):
        order = dice.sample(words, len(words))
        for place, (word, following) in enumerate(pairwise([*order, stop])):
            follows[word] = {dice.choice(ends) if place % 8 == 7 or following == stop else following: 7.0}

    # The norm before the last layer brings a token's embedding to about these lengths.
    length = WIDTH**0.5
    constant, rest = length / 1.72, WIDTH / 1.72
    embeddings = [[length, length * side.get(token, 0), *noise(WIDTH - 2, 1)] for token in range(len(tokens))]
    rows = [
        [liking[token] / constant, same_side * side.get(token, 0) / constant, *noise(WIDTH - 2, 0.02)]
        for token in range(len(tokens))
    ]
    for token, successors in follows.items():
        for successor, strength in successors.items():
            for place in range(2, WIDTH):
                rows[successor][place] += strength / rest * embeddings[token][place]

    made = {
        "token_embd.weight": ((WIDTH, len(tokens)), [x for row in embeddings for x in row]),
        "output_norm.weight": ((WIDTH,), [1.0] * WIDTH),
        "output.weight": ((WIDTH, len(tokens)), [x for row in rows for x in row]),
    }
    shapes = {"ffn_gate": (WIDTH, INNER), "ffn_up": (WIDTH, INNER), "ffn_down": (INNER, WIDTH)}
    shapes |= dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (WIDTH, WIDTH))
    for layer in range(LAYERS):
        made |= {f"blk.{layer}.{name}.weight": ((WIDTH,), [1.0] * WIDTH) for name in ("attn_norm", "ffn_norm")}
        made |= {
            f"blk.{layer}.{name}.weight": (shape, noise(shape[0] * shape[1], 0.03)) for name, shape in shapes.items()
        }
    return {name: (shape, array("f", values)) for name, (shape, values) in made.items()}


def facts(tokens: Sequence[str]) -> dict[str, object]:
    """What a server must know of it besides the weights."""
    normal, control, user_defined = 1, 3, 4
    kinds = Numbers(control if token in CONTROL else user_defined if token == CALL else normal for token in tokens)
    return {
        "general.architecture": "llama",
        "general.name": "Tiny nonsense",
        "general.file_type": 0,  # all 32-bit floats
        "llama.context_length": WINDOW,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        # Takes a word that the vocabulary has as it is, so that no merges are needed.
        "tokenizer.ggml.pre": "llama-bpe",
        "tokenizer.ggml.tokens": Strings(tokens),
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": Strings(),
        "tokenizer.ggml.bos_token_id": tokens.index("<|endoftext|>"),
        "tokenizer.ggml.eos_token_id": tokens.index(END),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
    }


def encoded(value: object) -> tuple[int, bytes]:
    """The number that GGUF gives to the type of a value, and the value in bytes."""
    match value:
        case bool():
            return 7, struct.pack("<?", value)
        case int():
            return 4, struct.pack("<I", value)
        case float():
            return 6, struct.pack("<f", value)
        case str():
            text = value.encode()
            return 8, struct.pack("<Q", len(text)) + text
        case Strings() | Numbers():
            members = [encoded(member) for member in value]
            kind = 8 if isinstance(value, Strings) else 5  # signed, and a small one looks the same
            return 9, struct.pack("<IQ", kind, len(members)) + b"".join(data for _, data in members)
        case _:
            raise TypeError(f"no such type in GGUF: {value!r}")


def model() -> bytes:
    """The file: its head, the facts, where each tensor is, and the tensors, each at a multiple of 32 bytes."""
    tokens = vocabulary()
    tensors = weights(tokens)
    known = facts(tokens)
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(known))]
    for key, value in known.items():
        kind, data = encoded(value)
        head += [encoded(key)[1], struct.pack("<I", kind), data]
    body = bytearray()
    for name, (shape, numbers) in tensors.items():
        head += [encoded(name)[1], struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(body))]
        body += struct.pack(f"<{len(numbers)}f", *numbers)
        body += bytes(-len(body) % 32)
    front = b"".join(head)
    return front + bytes(-len(front) % 32) + body


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python scripts/make_tiny_model.py FILE.gguf")
    Path(sys.argv[1]).write_bytes(model())
