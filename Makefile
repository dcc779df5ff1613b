# Two commands are enough: `make run` and `make test`. Python >= 3.11 with venv, and make, are all they need.

PYTHON ?= python3
UV ?= uv
ARGS ?=
# A sandbox: a demo client with a shared secret, a law clock that can be set. 0 for none of that.
XINSHIMIN_SANDBOX ?= 1
IN_VENV := .venv/bin/python -m
# Processes among which `make test` shares the rooms of the tests; each starts servers of its own (some 400 MB).
TEST_PROCESSES ?= 2

# A suite is many processes, and `make test` starts some two hundred: each would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-long lint format bench asyncapi lock clean environment dev-environment

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  Settings: XINSHIMIN_PORT, XINSHIMIN_DATA_DIR, ... (see .env.example); another Python: make run PYTHON=python3.12"

environment:
	@$(PYTHON) -m services.suite.bootstrap

dev-environment:
	@$(PYTHON) -m services.suite.bootstrap --dev

run: export XINSHIMIN_SANDBOX := $(XINSHIMIN_SANDBOX)
run: environment ## Start the whole suite; Ctrl-C stops it, the data stay
	@exec $(IN_VENV) services.suite up --end-with-parent

test: dev-environment ## Run every test on embedded servers of its own (ARGS="-k permit" narrows)
	@$(IN_VENV) pytest -m "not long" --hypothesis-profile=repeatable -n $(TEST_PROCESSES) $(ARGS)

test-long: dev-environment ## Run the tests marked long: thousands of permit lives, hundreds of crashes, planted bugs
	@$(IN_VENV) pytest -m long $(ARGS) || { code=$$?; test $$code -eq 5 && echo "No test is marked 'long' yet."; }

lint: dev-environment ## Style, types, import rules
	@$(IN_VENV) ruff check .
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) mypy --strict services gateway tests bench
	@.venv/bin/lint-imports

format: dev-environment ## Let ruff format and fix what it safely can
	@$(IN_VENV) ruff check --fix .
	@$(IN_VENV) ruff format .

bench: dev-environment ## Measure against named limits on this machine
	@$(IN_VENV) bench $(ARGS)

asyncapi: dev-environment ## Write docs/asyncapi.json anew from the event contracts
	@$(IN_VENV) services.suite.publish_contract docs/asyncapi.json

lock: ## Compute the locks anew (needs uv); hashes, no registry host; that of the image lacks the embedded servers
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --extra embedded \
	  pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --extra embedded --group dev \
	  -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --extra image \
	  -c requirements.lock pyproject.toml -o requirements-image.lock

clean: ## Remove the environment and caches; data in .data stay
	rm -rf .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
