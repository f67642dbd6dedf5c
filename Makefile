# Duologue. `make` alone lists what there is; nothing needs to be installed or activated first.
#
#   ARGS="..."           passed on by chat, test, bench and chaos:  make chat ARGS="--plain"   make test ARGS="-k ledger"
#   PYTHON=python3.12    which Python makes the environment   VENV=folder   where it is (default .venv)

VENV ?= .venv
ARGS ?=
BIN = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup chat test test-model-server lint format docs exports bench bench-tables bench-peers chaos lock clean

help:
	@echo "make chat      talk with the assistant (the first time it sets itself up)"
	@echo "make test      everything CI checks: style, types, architecture, tests, the wheel"
	@echo "make test-model-server  only the tests against a real model server (llama.cpp's, with a tiny random model)"
	@echo "make lint      style, types and architecture only"
	@echo "make format    put the code into shape"
	@echo "make docs      redraw the diagrams in docs/"
	@echo "make exports   accept the exported names as they are now"
	@echo "make bench     measure"
	@echo "make bench-tables  run both bench commands, and write what they print into README.md and docs/"
	@echo "make bench-peers  measure the hand-off, beside arq, taskiq and Celery (installs them, each apart)"
	@echo "make chaos     kill and cut for 15 minutes, and see whether every law holds"
	@echo "make lock      rewrite constraints.txt with the newest versions that fit"
	@echo "make setup     make or renew $(VENV) (the others do it when it is needed)"
	@echo "make clean     remove $(VENV) and everything that was generated"

setup: $(VENV)/.made-dev

# The stamps are older than these files when something to install has changed.
$(VENV)/.made-runtime: pyproject.toml constraints.txt
	@scripts/make-venv "$(VENV)" runtime

$(VENV)/.made-dev: pyproject.toml constraints.txt
	@scripts/make-venv "$(VENV)" dev

chat: $(VENV)/.made-runtime
	@$(BIN)/duologue chat $(ARGS)

# The linters go first, so that the last line is pytest's own.
test: setup
	@scripts/ensure-redis
	@scripts/ensure-model-server
	@scripts/ensure-postgres
	@scripts/ensure-chromium
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest --numprocesses auto --dist loadfile $(ARGS)

test-model-server: setup
	@CI=true scripts/ensure-model-server
	@CI=true $(BIN)/pytest tests/completions/test_real_server.py tests/completions/test_real_conversation.py $(ARGS)

lint: setup
	@echo "ruff check" && $(BIN)/ruff check --quiet
	@echo "ruff format" && $(BIN)/ruff format --check --quiet
	@echo "lint-imports" && $(BIN)/lint-imports --no-logo
	@echo "mypy" && $(BIN)/mypy
	@echo "pyright" && $(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python

format: setup
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: setup
	@$(BIN)/python scripts/draw_diagrams.py

exports: setup
	@$(BIN)/python scripts/write_exports.py

bench: setup
	@$(BIN)/python -m benchmarks $(ARGS)

bench-tables: setup
	@$(BIN)/python scripts/write_tables.py

bench-peers: setup
	@scripts/make-peers
	@$(BIN)/python -m benchmarks handoff $(ARGS)

chaos: setup
	@scripts/ensure-redis
	@$(BIN)/python -m tests.chaos $(ARGS)

lock:
	@scripts/lock

clean:
	@rm -rf "$(VENV)" .venv-peers .venv-model-server build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
