# `make` prints what there is. PYTHON=python3.12 chooses the interpreter; WORKERS=1 tests one after the other.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format-check lint types bench clean
WORKERS ?= 3
export PYTHON
# Its name holds the interpreter's, so that naming another one makes .venv anew.
READY := .venv/.ready$(if $(PYTHON),-$(notdir $(PYTHON)))

help: ## print this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv with everything in it (every other target does this by itself)

$(READY): pyproject.toml constraints.txt .ci/setup
	@sh .ci/setup
	@touch $@

demo: setup ## run broker, hub and camera agent on a short clip until Ctrl-C and say what happens
	.venv/bin/lenshub demo

test: setup ## run all tests; skipped ones are listed with their reasons
	.venv/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: format-check lint types test ## what CI runs: format, lint, types, and the tests with the docs' own

format-check: setup ## is the code formatted
	.venv/bin/ruff format --check .

lint: setup ## ruff
	.venv/bin/ruff check .

types: setup ## mypy, strict
	.venv/bin/mypy

bench: setup ## run the benchmarks in turn and print their tables
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; .venv/bin/python "$$script"; done

clean: ## remove .venv, caches and what the demo wrote
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist lenshub-demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
