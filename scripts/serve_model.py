"""Serves a GGUF file with llama.cpp's server: .venv-model-server/bin/python scripts/serve_model.py FILE.gguf --port N

It is the server that `llama-server --jinja --slots --metrics` is, in the same C++, out of a Python wheel. On the
loopback only; until it is ended.
"""

from __future__ import annotations

import argparse
import signal
from importlib import import_module
from typing import Any


def serve() -> None:
    """Load the model, say where it listens, and stay."""
    parser = argparse.ArgumentParser(description="Serve a GGUF file with llama.cpp's server, on the loopback.")
    parser.add_argument("file", help="the model")
    parser.add_argument("--name", default="tiny", help="what it is called")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--window", type=int, default=16384, help="tokens of prompt and answer together, a slot")
    parser.add_argument("--slots", type=int, default=2, help="answers at the same time")
    parser.add_argument("--seed", type=int, default=7, help="of chance, where a request names none")
    parser.add_argument("--key", default="", help="refuse whoever does not show it")
    wanted = parser.parse_args()

    # Not in the environment that the types are checked in.
    llama: Any = import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = wanted.file
    params.model_alias = {wanted.name}
    params.hostnames = ["127.0.0.1"]
    params.port = wanted.port
    params.n_ctx = wanted.window * wanted.slots
    params.n_parallel = wanted.slots
    params.sampling.seed = wanted.seed
    params.api_keys = [wanted.key] if wanted.key else []
    params.use_jinja = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = True
    params.ctx_shift = True  # an answer may be longer than the window
    params.warmup = params.ui = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = llama.Server(params)  # it serves as long as this lives
    print(f"listening on {server.listening_address}", flush=True)
    # The server's own handlers stop it and leave the process.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_DFL)
    signal.pause()


if __name__ == "__main__":
    serve()
