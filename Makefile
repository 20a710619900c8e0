# One door to the project: everything runs inside .venv, which is made and kept up to date by itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Programs that are started by name (celery, supervisord, outbox, relay) are those of .venv.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help venv services services-stop demo test test-long chaos mutants bench bench-counters bench-capture bench-latency bench-replay lint constraints clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(STAMP) ## make .venv with everything that is pinned in constraints.txt
	@:

services: $(STAMP) ## start a local Postgres, RabbitMQ and Solr; their addresses stand in .services/env
	@$(BIN)/python -m services start --pg15

services-stop: $(STAMP) ## stop them
	@$(BIN)/python -m services stop
	@test ! -d .services/demo || $(BIN)/python -m services stop --dir .services/demo

demo: $(STAMP) ## show the whole pipeline at work; KEEP=1 leaves it up
	@$(BIN)/python -m examples.demo $(if $(filter-out 0,$(KEEP)),--keep)

test: $(STAMP) ## run the tests but the long ones; ARGS="-k name" picks some
	@$(BIN)/python -m pytest -m "not long" $(ARGS)

test-long: $(STAMP) ## run all tests, the long ones too
	@$(BIN)/python -m pytest $(ARGS)

chaos: $(STAMP) ## break everything by chance under a writer, SEEDS=3 times; OUTBOX_CHAOS_SEED=n repeats one
	@OUTBOX_CHAOS_SEEDS=$(or $(SEEDS),3) $(BIN)/python -m pytest tests/chaos/test_chaos.py $(ARGS)

bench-capture: $(STAMP) ## measure what capture costs the application; ARGS="--rounds 30 --json"
	@$(BIN)/python -m bench.capture_cost $(ARGS)

bench-latency: $(STAMP) ## measure the time from COMMIT to Solr, by claims in flight; ARGS="--rate 200 --rounds 2"
	@$(BIN)/python -m bench.latency $(ARGS)

bench-replay: $(STAMP) ## measure live edits beside a replay; ARGS="--documents 50000 --rounds 3"
	@$(BIN)/python -m bench.replay_latency $(ARGS)

bench: $(VENV)/.bench ## measure speed beside Solr's own and other ways; QUICK=1 for a look, PARTS=replay,idle for some
	@$(BIN)/python -m bench $(if $(filter-out 0,$(QUICK)),--quick) $(if $(PARTS),--parts $(PARTS)) $(ARGS)

bench-counters: $(STAMP) ## count statements, WAL records, NOTIFYs, tasks and requests of a fixed piece of work
	@$(BIN)/python -m bench.counters $(ARGS)

mutants: $(STAMP) ## break the code in small ways, and see that each is caught by its test; ARGS="begun lease" picks some
	@$(BIN)/python -m tests.mutants $(ARGS)

lint: $(STAMP) ## ruff, mypy --strict and the rule that outbox never imports relay
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

constraints: ## renew constraints.txt with the newest versions that pyproject.toml allows
	@$(MAKE) python-found
	@rm -rf $(VENV).new
	@$(PYTHON) -m venv $(VENV).new
	@$(VENV).new/bin/python -m pip install -q --upgrade pip
	@$(VENV).new/bin/python -m pip install -q -e . --group dev --group services --group bench
	@$(VENV).new/bin/python -m pip freeze --all --exclude-editable --exclude setuptools > $(VENV).new/frozen
	@mv $(VENV).new/frozen constraints.txt
	@rm -rf $(VENV).new

clean: ## remove .venv, builds and caches; .services stays
	@rm -rf $(VENV) $(VENV).new build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The pip of Debian 12 knows no --group: first the pinned pip, then the rest. hatchling is among the pinned too, so that
# nothing unpinned is fetched to build our own package.
$(STAMP): pyproject.toml constraints.txt
	@$(MAKE) python-found
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -q -c constraints.txt pip
	@$(PIP) install -q -c constraints.txt --group dev --group services
	@$(PIP) install -q -c constraints.txt --no-build-isolation -e .
	@touch $@

# Plots, and the rivals of the benchmark.
$(VENV)/.bench: $(STAMP)
	@$(PIP) install -q -c constraints.txt --group bench
	@touch $@

.PHONY: python-found
python-found:
	@command -v $(PYTHON) >/dev/null || \
	  { echo "make: $(PYTHON) is not found: install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $$($(PYTHON) --version) is too old: name Python 3.11 or newer: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: $(PYTHON) cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
