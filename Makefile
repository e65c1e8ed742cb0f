# The portal's workshop. `make` alone lists what can be done.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= auto
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest
LOCK := uv pip compile --quiet --python-version 3.11 --upgrade --generate-hashes --no-header \
    --no-emit-index-url --no-emit-find-links
LOCKS := requirements requirements-test requirements-tron requirements-ethereum requirements-s3 requirements-rates
PARTS := $(wildcard portal/translations/*/parts/*.po)
CATALOGUES := $(sort $(patsubst %/parts/,%/LC_MESSAGES/messages.mo,$(dir $(PARTS))))

export HOST PORT
export PYTHONUTF8 := 1
# Trees of a test run never reach for another one's packages.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format unit e2e bench proof translations lock clean extras rates browser

help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.core translations ## set everything up and serve the portal on HOST (127.0.0.1) and PORT (8000)
	exec $(BIN)/python app.py

test: $(VENV)/.test browser node_modules/.stamp translations ## set everything up, check the sources and run all tests on both databases
	$(MAKE) --no-print-directory lint
	$(PYTEST) tests -n $(WORKERS) $(ARGS)

lint: $(VENV)/.test ## check the sources: style, types, templates, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.test ## put the sources into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: $(VENV)/.test node_modules/.stamp translations ## run the tests that need no browser and no running portal (ARGS="-k quotes")
	$(PYTEST) tests -n $(WORKERS) -m "not e2e and not harness" $(ARGS)

e2e: $(VENV)/.test browser node_modules/.stamp translations ## run the tests in a browser
	$(PYTEST) tests/e2e -n $(WORKERS) $(ARGS)

bench: $(VENV)/.test translations ## measure the hot paths and print the figures
	$(BIN)/python -m tests.bench $(ARGS)

proof: $(VENV)/.test translations ## run the harness at its full counts and print the figures of every promise
	PORTAL_PROOF=full $(PYTEST) tests/harness -n 0 -v -o timeout=3600 $(ARGS)

translations: $(CATALOGUES) ## merge and compile the catalogues
	@:

$(CATALOGUES): $(PARTS) portal/translations/compile.py | $(VENV)/.core
	$(BIN)/python portal/translations/compile.py

lock: ## resolve the locked packages anew (needs uv)
	$(foreach name,$(LOCKS),$(LOCK) $(if $(filter %-tron,$(name)),,--universal) $(name).in -o $(name).lock &&) true

extras: $(VENV)/.core ## add what the real chains and S3 need (Ethereum, TRON, S3)
	$(PIP) install --quiet --no-compile --require-hashes -r requirements-ethereum.lock
	$(PIP) install --quiet --no-compile --require-hashes -r requirements-tron.lock
	$(PIP) install --quiet --no-compile --require-hashes -r requirements-s3.lock

rates: ## make the market price worker's own environment, .venv-rates
	$(PYTHON) -m venv .venv-rates
	.venv-rates/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --require-hashes -r requirements-rates.lock

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "The portal needs Python 3.11 or newer (make PYTHON=python3.12 …), not " + sys.version)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements.lock | $(VENV)/bin/python
	$(PIP) install --quiet --no-compile --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.test: requirements-test.lock requirements.lock requirements-tron.lock requirements-ethereum.lock | $(VENV)/bin/python
	$(PIP) install --quiet --no-compile --require-hashes -r requirements-test.lock
	$(PIP) install --quiet --no-compile --require-hashes -r requirements-tron.lock
	$(PIP) install --quiet --no-compile --require-hashes -r requirements-ethereum.lock
	@touch $(VENV)/.core $@

browser:
	@tests/support/browser.sh

node_modules/.stamp: package-lock.json package.json
	@command -v npm >/dev/null || { echo "The browser tests need Node.js with npm: install it (Debian: apt-get install nodejs npm)."; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clean: ## remove what was installed and built; the instance stays
	rm -rf $(VENV) .venv-rates node_modules test-results .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f $(CATALOGUES)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
