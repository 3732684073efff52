# `make help` lists the targets. Those that need the virtual environment make it first.
SHELL := bash
.SHELLFLAGS := -eo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
# Where a system forbids to keep compiled modules, every worker that a test starts would compile all of them again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run test check static proof bench docs lock clean

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# The first of these that runs, is 3.11 to 3.13 and can make virtual environments; PYTHON=… overrides.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
# Tests at a time: for two cores one more, since those that wait for processes and brokers leave a third of them idle.
AT_ONCE ?= 3
PYTEST := $(BIN)/pytest -n $(AT_ONCE) --dist worksteal

help:  ## This list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

run: $(INSTALLED)  ## Watch it work: a real Kafka, the example shop, the router; Ctrl-C ends it all
	@$(BIN)/router demo

test: $(INSTALLED) static  ## Every test but the proofs, on a real Kafka and in real processes too
	@# Once, where one can watch it. If Kafka can't be had, the tests that need it fail and say why.
	@[ -n "$$ROUTER_BROKER" ] || $(BIN)/python -m router.develop.quick_start || true
	@# On a busy machine a real process may miss a deadline. Where all that failed is late (tests/conftest.py), it must succeed alone.
	@$(PYTEST) -m "not proof" || { [ $$? -eq 10 ] && echo "Once more, alone, what was late:" && $(BIN)/pytest --last-failed -m "not proof"; }

check: $(INSTALLED) static  ## Format, lint, strict types, import contracts and the fast tests
	@$(PYTEST) -q -m "not kafka and not process and not proof"

static: $(INSTALLED)
	@$(BIN)/ruff format --check --quiet --output-format concise .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said"; exit 1; }

proof: $(INSTALLED)  ## The full-size proofs; results go to docs/proof/
	@$(BIN)/pytest -m proof --timeout 0

bench: $(INSTALLED)  ## The routing job at full speed, with its peers in the same run
	@$(BIN)/python -m bench $(BENCH)

docs: $(INSTALLED)  ## Write anew the pages of docs/ that are made from the code
	@$(BIN)/python -m router.environment > docs/settings.md
	@$(BIN)/python -m router.language.reference docs
	@$(BIN)/python -m router.develop.pages docs

lock: $(INSTALLED)  ## Choose versions anew within pyproject.toml's bounds (UPGRADE=--upgrade: the newest)
	@[ -x var/lock/bin/uv ] || { $(BIN)/python -m venv var/lock && var/lock/bin/pip install -q uv; }
	@compile="var/lock/bin/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header $(UPGRADE)"; \
	$$compile -o requirements/run.lock >/dev/null; \
	$$compile --extra test -c requirements/run.lock -o requirements/test.lock >/dev/null

clean:  ## Delete all that was made here, the virtual environment and Kafka's data included
	@rm -rf $(VENV) var build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What runs is asked, not what is installed: a version manager's shim may stand for a Python that isn't there.
$(INSTALLED): pyproject.toml requirements/test.lock
	@if ! $(BIN)/python -c pass 2>/dev/null; then \
	  for candidate in $(CANDIDATES); do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
	    then found=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python from 3.11 to 3.13 that can make virtual environments (tried: $(CANDIDATES))." >&2; \
	    echo "Install one (on Debian and Ubuntu: apt install python3 python3-venv), or name yours: make PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$found" --version): the first time takes a minute or two" >&2; \
	  rm -rf $(VENV); "$$found" -m venv $(VENV); \
	else \
	  echo "Bringing $(VENV) up to date with requirements/test.lock" >&2; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
