# Everything a contributor or a machine runs. `make` alone lists it.
# Stamps in .venv say what is installed there, so that a second run starts at once.

PYTHON ?= python3
SIZE ?= 1m
PORT ?= $(or $(CALLTALLY_PORT),8080)

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# The files name every package, so pip has nothing to resolve: for `coverage[toml]` beside a pinned `coverage` it would
# take the newest one, and refuse it for want of a hash on the day it appears. `make check` tells what is missing.
LOCKED := $(PIP) --no-deps --require-hashes
CODE := $(wildcard src tests bench tools interop ops)
DOCUMENTS := ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md $(shell find docs tools/docs_site -type f -not -name '*.pyc' 2>/dev/null)

# $(call step,name,command): one line when fine, everything the command said when not.
define step
@if said=$$($(2) 2>&1); then printf '%-14s ok\n' '$(1)'; \
else printf '%s\n%-14s FAILED\n' "$$said" '$(1)'; exit 1; fi
endef

# Before anything is installed, which takes a minute.
define CHECK_PORT
import os, socket, sys
try:
    socket.create_server(("127.0.0.1", int(sys.argv[1]) or -1)).close()  # 0 would be any free port
except (OSError, OverflowError, ValueError) as fault:
    why = os.strerror(fault.errno) if isinstance(fault, OSError) else "a port is a whole number from 1 to 65535"
    sys.exit(f"Port {sys.argv[1]} cannot be used: {why}. Choose another one: make run PORT=8081")
endef
export CHECK_PORT

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test test-long faults check format pages docs interop ops screenshots dist bench lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: .venv/.dev .venv/.libraries .venv/.site ## Make .venv with all that development needs

run: ## Serve a demo with sample calls on 127.0.0.1:8080; PORT=8081 for another port
	@$(PYTHON) -c "$$CHECK_PORT" "$(PORT)"
	@$(MAKE) --silent --no-print-directory .venv/.run
	@$(MAKE) --silent --no-print-directory .venv/.libraries || echo 'The pages go without charts and API reference; their numbers are in tables.' >&2
# The guide is built while the demo loads its calls, so that it delays nothing.
	@{ $(MAKE) --silent --no-print-directory .venv/.site >/dev/null || \
	echo 'The demo goes without /docs/guide; its pages are in docs/.' >&2; } &
	@$(BIN)/calltally demo --port $(PORT)

# Each worker imports hundreds of modules, and so does each process that tests start: compiled once, not each time.
test test-long faults: export PYTHONDONTWRITEBYTECODE :=

test: .venv/.dev .venv/.site ## Run all tests, with coverage
	@$(BIN)/python -m pytest -n 3 --dist worksteal --cov --cov-report=term

test-long: .venv/.dev .venv/.site ## Run all tests, with ten times the examples of each property
	@$(BIN)/python -m pytest -n 3 --dist worksteal --hypothesis-profile long

FAULTS := tests/acceptance/test_d*_faults.py tests/acceptance/test_many_nodes.py tests/acceptance/test_*kill.py \
	tests/integration/store/test_lost_connections.py tests/integration/store/test_power_cut.py \
	tests/integration/store/backends

faults: .venv/.dev ## Inflict each fault on databases and nodes a hundred times, in about an hour
	@DATABASE_FAULTS=100 MANY_NODES_KILLS=60 $(BIN)/python -m pytest --hypothesis-profile long $(FAULTS)

check: .venv/.dev .venv/.docs ## Packages, format, lint, types, imports, house rules, documentation
	$(call step,packages,$(BIN)/python -m pip check)
	$(call step,format,$(BIN)/ruff format --check $(CODE))
	$(call step,lint,$(BIN)/ruff check $(CODE))
	$(call step,types,$(BIN)/mypy $(CODE))
	$(call step,imports,$(BIN)/lint-imports --no-cache)
	$(call step,house rules,$(BIN)/python -m tools.house_rules)
	$(call step,documentation,$(BIN)/python -m tools.docs_site)

format: .venv/.dev ## Format the code, and fix what can be fixed without thought
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

pages: .venv/.dev ## Remake the pages of fields and metrics, the list of messages, and completion files
	@$(BIN)/python -m tools.coverage_pages
	@$(BIN)/python -m tools.messages
	@$(BIN)/python -m tools.observability
	@$(BIN)/python -m tools.completions

docs: .venv/.docs ## Build the documentation site, which the service serves at /docs/guide
	$(call step,documentation,$(BIN)/python -m tools.docs_site)
	@touch .venv/.site

interop: .venv/.run .venv/.libraries .venv/.site ## Run other people's tools against a server of ours
	@PYTHON=$(PYTHON) interop/run

ops: .venv/.run .venv/.libraries .venv/.site ## Run containers, units and proxies of deploy/ for real
	@PYTHON=$(PYTHON) SUITE=ops interop/run

screenshots: .venv/.run .venv/.libraries .venv/.site ## Photograph every page into build/screenshots
	@PYTHON=$(PYTHON) SCRIPT=pictures.py interop/run browser

dist: .venv/.run .venv/.libraries .venv/.site ## Build the wheel and the sdist into dist
	@$(BIN)/python -m tools.package_build dist

bench: .venv/.bench ## Measure; SIZE=1m says how many calls
	@$(BIN)/python -m bench --size $(SIZE)

lock: ## Remake requirements/*.txt from pyproject.toml
	@PYTHON=$(PYTHON) tools/lock

clean: ## Remove the environments and everything else that was made
	rm -rf .venv .venvs build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf htmlcov .coverage .coverage.* src/calltally/web/dashboard/built src/calltally/web/guide/built
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo 'Calltally needs Python 3.11 or later. Name one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.python requirements/run.txt pyproject.toml
	@echo 'Installing what Calltally needs into .venv ...'
	@$(LOCKED) -r requirements/run.txt
	@$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	@echo 'Installing what development needs into .venv ...'
	@$(LOCKED) -r requirements/dev.txt
	@touch $@

.venv/.docs: .venv/.run requirements/docs.txt
	@echo 'Installing what the documentation site needs into .venv ...'
	@$(LOCKED) -r requirements/docs.txt
	@touch $@

.venv/.site: .venv/.docs $(DOCUMENTS)
	@$(BIN)/python -m tools.docs_site
	@touch $@

.venv/.libraries: requirements/libraries.txt tools/libraries/build tools/libraries/package-lock.json
	@echo "Fetching the libraries of the pages ..."
	@PYTHON=$(PYTHON) tools/libraries/build
	@mkdir -p .venv && touch $@

.venv/.bench: .venv/.run requirements/bench.txt
	@echo 'Installing what the benchmark compares with into .venv ...'
	@$(LOCKED) -r requirements/bench.txt
	@touch $@
