# One target a task; each does its own set-up. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help bootstrap venv pips servers test test-all check demo bench docs format lint types \
  layers golden dist wheelhouse lock clean
SHELL := bash
BIN := .venv/bin
# results must not depend on the caller's cluster or language
unexport PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGSERVICE PGOPTIONS
unexport COLUMNS PYTHONDONTWRITEBYTECODE
# what greenplum_path.sh and its kind export: no Python but the database's own starts with it
unexport PYTHONHOME PYTHONPATH LD_LIBRARY_PATH OPENSSL_CONF
export LC_ALL := C.UTF-8

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

bootstrap: venv servers ## .venv, and PostgreSQL and OpenSSH for tests and practice

venv: ## make .venv from the lock file; quick when nothing changed
	@.ci/bootstrap

servers: ## see that the PostgreSQL and OpenSSH servers are installed
	@.ci/servers

pips: venv ## see that the oldest pip and the newest can install the lock files
	@.ci/pips

test: bootstrap ## run the tests, but for the long ones
	@$(BIN)/pytest -q -n 6 --talk -m "not long"

test-all: bootstrap ## run all tests, long lives, kills at every record and hostile sizes too
	@$(BIN)/pytest -q -n 6 --talk

check: lint types layers pips servers ## all that must hold: lint, types, layers, installs, tests, coverage, speed
	@$(BIN)/pytest -q -n 6 --talk --second-try --cov --cov-report=term
	@$(BIN)/python bench/run.py --check --light

demo: bootstrap ## first mirrors, the loss of a host, its return: on a practice cluster
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

bench: bootstrap ## measure, and write docs/benchmarks.md
	@$(BIN)/python bench/run.py --check --write docs/benchmarks.md

docs: venv ## write what is generated: reference pages, man page, pictures
	@$(BIN)/python docs/generate.py

format: venv ## lay the code out
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

lint: venv ## layout and lint
	@$(BIN)/ruff format --check -q .
	@$(BIN)/ruff check -q .

types: venv ## static types
	@$(BIN)/mypy --no-error-summary

layers: venv ## who may import whom
	@$(BIN)/lint-imports --no-logo >.venv/layers.log || { cat .venv/layers.log; exit 1; }

golden: bootstrap ## rewrite the expected outputs; review the diff
	@$(BIN)/pytest -q -p no:randomly --write-golden

dist: venv ## wheel, sdist and the single-file program, with checksums, licences and an SBOM
	@$(BIN)/python -m release.build dist

wheelhouse: venv ## wheels for `pip install --no-index`, x86-64 and aarch64
	@$(BIN)/python -m release.build wheelhouse

lock: venv ## choose versions anew: requirements.lock, requirements-dev.lock
	@.ci/lock

clean: ## remove what the other targets made
	@rm -rf .venv build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
