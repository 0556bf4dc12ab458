# Oxbow's front door. `make help` lists what there is; nothing here needs root.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.oxbow-ready
NPM := tests/e2e/npm
NPM_READY := $(NPM)/node_modules/.package-lock.json

# PYTHON=/path/to/python3.12 chooses the interpreter; without it scripts/find-python looks for one.
export PYTHON

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is what makes the second `make run` start at once.
$(READY): requirements.lock pyproject.toml scripts/setup-venv scripts/find-python
	@scripts/setup-venv $(VENV)
	@touch $@

$(NPM_READY): $(NPM)/package-lock.json
	@scripts/setup-npm

.PHONY: setup
setup: $(READY) ## Make the virtual environment with the locked dependencies

# `exec` leaves no shell between make and the server, so Ctrl-C and SIGTERM reach it.
.PHONY: run
run: $(READY) ## Set up, then start the server in the foreground (Ctrl-C ends it)
	@exec $(BIN)/oxbow serve

.PHONY: demo
demo: $(READY) ## Set up, start the server and publish a synthetic broadcast to watch
	@exec $(BIN)/oxbow demo

.PHONY: lint
lint: $(READY) ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Both halves always run, so that one run names all that is wrong.
# Pass arguments on to pytest with ARGS, for example: make test ARGS="tests/proto -x"
.PHONY: test
test: $(READY) $(NPM_READY) ## Set up and run everything that CI runs
	@status=0; \
	$(MAKE) --no-print-directory lint || status=1; \
	$(BIN)/pytest $(ARGS) || status=1; \
	exit $$status

.PHONY: bench
bench: $(READY) ## Measure side by side with nginx-rtmp and the sendfile floor
	$(BIN)/python -m bench $(ARGS)

.PHONY: clean
clean: ## Remove the virtual environment and everything generated
	rm -rf $(VENV) $(NPM)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/out build dist
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
