# Two commands for a newcomer: `make repro` (set up, then run the pipeline) and `make test` (set up, then run the tests).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST_FLAGS ?=
# Two processes, each with whole test modules, in the order of tests/conftest.py.
TWO := --numprocesses 2 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev repro ablations real test test-unit bench lint check deps lock parity faults clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.installed ## a virtual environment in .venv with the pinned requirements

setup-dev: $(VENV)/.installed-dev

repro: setup ## run the pipeline of params.yaml (dvc repro, on a CPU two stages at a time)
	$(BIN)/python -m src.reproduced before
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m src.cli.side_by_side
	$(BIN)/python -m src.reproduced

ablations: setup ## train the variants of ablations/params.yaml, compare them and take them into the report
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m src.cli.side_by_side ablations
	$(BIN)/python -m src.cli.compare_ablations
	PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro
	$(BIN)/python -m src.reproduced

real: setup ## encoders of the package index on real Turkish in data/external/, nothing trained: README's first table
	$(BIN)/python -m src.cli.real

test: setup-dev ## all tests: unit, then the chain at tiny size
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest $(TWO) $(TEST_FLAGS)

test-unit: setup-dev ## the fast tests alone
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/unit $(TWO) $(TEST_FLAGS)

faults: setup-dev ## the long form of tests/faults: every stage of `dvc repro` killed, FAULTS_KILLS times each (20)
	PATH="$(CURDIR)/$(BIN):$$PATH" FAULTS=long $(BIN)/python -m pytest -s tests/faults

bench: setup-dev ## every benchmark; results in reports/bench/
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench

lint: setup-dev ## ruff and mypy
	$(BIN)/ruff format --check src bench tests tools
	$(BIN)/ruff check src bench tests tools
	$(BIN)/mypy

check: setup ## the failure signs of the paper, from the last run; fails on a failed one
	$(BIN)/python -m src.check

deps: setup-dev ## after a change of code or params: write code dependencies into dvc.yaml, and params/mini.yaml
	$(BIN)/python -m tools.stage_deps
	$(BIN)/python -m tools.mini_profile

lock: ## resolve requirements.in anew into requirements.txt; then `make parity` says what it did to the numbers
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.in
	head -2 requirements.txt > .lock/requirements.txt
	.lock/bin/python -m pip list --format=freeze --exclude pip | sed -E 's/[+].*//' \
		| awk -F == '{gsub(/[_.]/, "-", $$1); print tolower($$1) "==" $$2}' | grep -Ev '^(nvidia|triton|cuda)' | sort >> .lock/requirements.txt
	mv .lock/requirements.txt requirements.txt && rm -rf .lock

parity: setup ## after an upgrade and `make repro`: every measure against the one in git
	$(BIN)/python -m src.reproduced numbers

clean: ## remove what the pipeline keeps outside DVC (checkpoints, what .cache keeps, logs)
	rm -rf .checkpoints .cache logs dvc_plots

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 setup" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m src.cli.offline_plots
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
