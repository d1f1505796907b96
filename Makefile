# The commands of castgraph; `make` lists them.
SHELL := /bin/bash
export PATH := $(HOME)/.local/bin:$(PATH)
# Where this is set, as in many containers, each job of a run compiles all that it imports, which takes as long again.
export PYTHONDONTWRITEBYTECODE :=

PYTEST := uv run --frozen pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## install what is missing: uv, a C++ compiler, the locked environment
	@bash envs/setup.sh

.PHONY: demo
demo: setup ## run the whole workflow on the shipped demo and print what it found
	@echo 'The demo: 9 made-up broadcasts, 449 pictures. It takes one to five minutes and 20 MB (results/, resources/).'
	uv run --frozen snakemake --cores all --configfile config/config.yaml

.PHONY: retry
retry: ## ask again for what a run could not read, and go on with it: make retry RUN=results/mine
	@test -f "$(RUN)/config.yaml" || { echo 'which run? for example: make retry RUN=results/mine'; exit 2; }
	uv run --frozen castgraph retry "$(RUN)"
	uv run --frozen snakemake --cores all --configfile "$(RUN)/config.yaml"

.PHONY: check
check: lint ## lint, types, layers, the fast tests and a run of the demo: before every commit
	$(PYTEST) -m "not (slow or real)" tests/unit tests/workflow/test_demo.py

.PHONY: test
test: export HYPOTHESIS_PROFILE = ci
test: setup lint ## set up, check and test everything
	$(PYTEST)

# Counting lines takes a third as long again, which nobody who only wants to know whether all is well should pay.
.PHONY: coverage
coverage: ## all tests once more, and the lines of the library that none of them reaches
	$(PYTEST) --cov --cov-report=term-missing:skip-covered

.PHONY: soak
soak: ## run 200 broadcasts, killed again and again, from an archive that fails; takes about half an hour
	uv run --frozen python -m tests.workflow.soak

.PHONY: generate
generate: ## write what is made from the code: comments, tables and JSON Schema of the configuration; the tables
	uv run --frozen python -m castgraph.run.config.documents
	uv run --frozen python -m castgraph.base.tables.documents

.PHONY: web
web: ## build the scripts of the pages anew, which needs node and npm
	cd web && npm ci --ignore-scripts --no-audit --no-fund && npm run build

.PHONY: lint
lint: ## formatting, lint, types and layers
	uv run --frozen ruff format --check .
	uv run --frozen ruff check .
	uv run --frozen snakefmt --check Snakefile workflow
	uv run --frozen mypy
	uv run --frozen lint-imports --no-logo
	uv run --frozen snakemake --lint

.PHONY: format
format: ## put everything into the project's format
	uv run --frozen ruff format .
	uv run --frozen ruff check --fix .
	uv run --frozen snakefmt Snakefile workflow
