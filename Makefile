# One target a task; each does its own set-up. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help bootstrap test check demo bench docs format lint types layers golden lock clean
SHELL := bash
BIN := .venv/bin
# results must not depend on the caller's cluster or terminal
unexport PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD NO_COLOR COLUMNS PYTHONPATH PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

bootstrap: ## make .venv from the lock file; quick when nothing changed
	@.ci/bootstrap

test: bootstrap ## run the tests
	@$(BIN)/pytest -q -n 2

check: lint types layers ## all that must hold: lint, types, layers, tests with coverage, speed
	@$(BIN)/pytest -q -n 2 --cov --cov-report=term
	@$(BIN)/python bench/run.py --check --light

demo: bootstrap ## an offline tour on the example clusters
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

bench: bootstrap ## measure, and write docs/benchmarks.md
	@$(BIN)/python bench/run.py --check --write docs/benchmarks.md

docs: bootstrap ## write the generated reference pages
	@$(BIN)/python docs/generate.py

format: bootstrap ## lay the code out
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

lint: bootstrap ## layout and lint
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .

types: bootstrap ## static types
	@$(BIN)/mypy --no-error-summary

layers: bootstrap ## who may import whom
	@$(BIN)/lint-imports --no-logo >.venv/layers.log || { cat .venv/layers.log; exit 1; }

golden: bootstrap ## rewrite the expected outputs; review the diff
	@$(BIN)/pytest -q -p no:randomly --write-golden

lock: bootstrap ## choose versions anew: requirements.lock, requirements-dev.lock
	@.ci/lock

clean: ## remove what the other targets made
	@rm -rf .venv build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
