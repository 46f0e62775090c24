# Everything a developer runs. It needs python3 (3.11 or newer, with venv), make and git; no system Node.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# After a test that hung, a new worker would hang as well.
AT_ONCE := -n $(WORKERS) --dist loadgroup --max-worker-restart=0

# The tests start the program some hundred times: it need not be compiled anew each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup web texts demo test check format pictures bench soak lock clean

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: $(VENV)/.package web ## Make .venv with everything in it and build the web part

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Endorse needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.locked: requirements/dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@touch $@

$(VENV)/.package: pyproject.toml hatch_build.py $(VENV)/.locked
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

web: $(VENV)/.package ## Build web/ into src/endorse/server/static, if anything in it changed
	@$(BIN)/python hatch_build.py

texts: $(VENV)/.package ## Collect the pages' texts into the .po file of each language
	@mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --sort-by-file --no-location --omit-header --output-file build/pages.pot src/endorse/server/pages
	for po in src/endorse/server/languages/*.po; do \
		$(BIN)/pybabel --quiet update --input-file build/pages.pot --output-file $$po --locale $$(basename $$po .po) \
			--no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap || exit; \
	done

demo: setup ## Start the sandbox: the server, a bank of invented people and a third-party app
	$(BIN)/endorse sandbox

test: setup ## Run the tests
	$(BIN)/python hatch_build.py test
	$(BIN)/python -m pytest $(AT_ONCE)

check: setup ## Format, lint, types, import contracts and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python hatch_build.py check
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

format: setup ## Format the Python code and mend what the linter can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

pictures: setup ## Take the README's pictures in a real Chromium
	ENDORSE_PICTURES=docs/pictures $(BIN)/python -m pytest $(AT_ONCE) tests/browser
	$(BIN)/python -m tests.browser.gallery

bench: setup ## Measure Endorse beside other servers, and what it is held to by itself
	$(BIN)/python -m bench

soak: setup ## Run the tests with the full counts (ENDORSE_SOAK=1)
	ENDORSE_SOAK=1 $(BIN)/python -m pytest $(AT_ONCE) --override-ini faulthandler_timeout=7200

lock: $(VENV)/.package ## Lock the newest allowed Python packages (needs uv)
	uv pip compile $(LOCK) --output-file requirements/run.txt pyproject.toml
	uv pip compile $(LOCK) --output-file requirements/dev.txt --constraint requirements/run.txt --extra dev pyproject.toml
	for peer in authlib django-oauth-toolkit; do \
		uv pip compile $(LOCK) --output-file bench/peers/$$peer/requirements.txt bench/peers/$$peer/requirements.in || exit; \
	done

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --no-annotate

clean: ## Remove what the other targets made
	rm -rf $(VENV) .bench web/node_modules tests/clients/node/node_modules build src/endorse/server/static dist .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis .import_linter_cache
