# gated's front door. Each word sets up what it needs: the first one makes a virtual environment in .venv from
# requirements-dev.lock. Another interpreter (3.11 or later): make test PYTHON=/path/to/python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs lock clean

help: ## list these words
	@awk -F ' ## ' '/^[a-z]+:.* ## / { sub(/:.*/, "", $$1); printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## promote a good version and roll back a bad one, against real servers; KEEP=1 leaves them running
	$(BIN)/python -m deploy.demo $(if $(KEEP),--keep)

test: check ## check, then run every test; ARGS="tests/unit -k ratio" for some of them
	$(BIN)/python -m deploy.local.binaries
	$(BIN)/python -m deploy.local.npm grafana/schema-check
	$(BIN)/python -m deploy.local.npm tests/browser
	$(BIN)/pytest -n auto -m "not slow" $(ARGS)

check: $(READY) ## format, lint, types, who may import whom, and the shipped rules with their cases
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/gated check rules rules/
	$(BIN)/gated test rules rules/

bench: $(READY) ## print what a tick, a poll and an evaluation cost on this machine; takes minutes
	$(BIN)/pytest -m slow -s tests/bench $(ARGS)

docs: $(READY) ## write what follows from the code (pages of docs/, dashboards, copies in the chart); build the site
	$(BIN)/python -m deploy.docs
	$(BIN)/python -m grafana
	$(BIN)/python -m deploy.kubernetes
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

UV := .cache/uv/bin/uv
COMPILE := $(UV) pip compile -q --system-certs --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --extra postgres --extra top pyproject.toml

lock: $(UV) ## pin what pyproject.toml asks for; ARGS=--upgrade for the newest versions it allows
	$(COMPILE) $(ARGS) -o requirements.lock
	$(COMPILE) $(ARGS) --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove everything these words made
	rm -rf $(VENV) .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements-dev.lock pyproject.toml deploy/local/venv.sh
	sh deploy/local/venv.sh "$(PYTHON)" $(VENV)
	$(BIN)/pip install -q --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

$(UV): deploy/local/venv.sh
	sh deploy/local/venv.sh "$(PYTHON)" .cache/uv
	.cache/uv/bin/pip install -q uv
	touch $@
