# The verbs of a working day. `make` alone lists them.
PYTHON ?= python3
INVENTORY ?= inventory/local
PROCESSORS ?= 2
MAIN := .venvs/main/bin
export PYTHONDONTWRITEBYTECODE := 1
.DEFAULT_GOAL := help
.PHONY: help setup demo put local-up local-down local-status fleet-up fleet-down check test lint test-unit test-policy test-integration test-playbooks test-faults lock docs clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make the locked virtual environments (done by the others, too)
	@$(PYTHON) scripts/setup.py

demo: setup ## the whole path on the embedded AWS: provision, upload real files, show clean data
	@$(MAIN)/python -m demo

put: setup ## upload one file and wait for its outcome: make put FILE=... DATASET=...
	@$(MAIN)/python -m demo put --file "$(FILE)" --dataset "$(DATASET)" --inventory "$(INVENTORY)"

check: setup ## hold an account to the protocol's invariants: make check INVENTORY=inventory/dev
	@$(MAIN)/python -m ops.check --inventory "$(INVENTORY)"

local-up: setup ## start the embedded AWS
	@$(MAIN)/python -m local up

local-down: setup ## stop the embedded AWS and its processors; their state stays
	@$(MAIN)/python -m local down

local-status: setup ## show the embedded AWS, its processors and their health
	@$(MAIN)/python -m local status

fleet-up: setup ## run local processors: make fleet-up PROCESSORS=2
	@$(MAIN)/python -m local fleet up --processors $(PROCESSORS)

fleet-down: setup ## stop the local processors
	@$(MAIN)/python -m local fleet down

test: setup ## all tests: lint, unit, policy, integration on the embedded AWS
	@$(PYTHON) scripts/run_suites.py lint unit policy integration

lint: setup ## ruff, mypy --strict, yamllint, ansible-lint (profile production)
	@$(PYTHON) scripts/run_suites.py lint

test-unit: setup ## unit tests
	@$(PYTHON) scripts/run_suites.py unit

test-policy: setup ## the repository held to its own rules
	@$(PYTHON) scripts/run_suites.py policy

test-integration: setup ## the whole path, on an embedded AWS of its own
	@$(PYTHON) scripts/run_suites.py integration

test-playbooks: setup ## wrong variables, check mode, removal and return, by whole runs of the playbooks
	@$(PYTHON) scripts/run_suites.py playbooks

test-faults: setup ## processes killed and stopped, AWS failing, calls lost: nothing lost, nothing doubled
	@$(PYTHON) scripts/run_suites.py faults

lock: setup ## lock all requirements anew
	@scripts/lock.sh

docs: setup ## write the tables of the roles' READMEs anew from their argument specs
	@$(MAIN)/python scripts/role_docs.py

clean: ## stop every local platform, then remove environments, state and build results
	@$(PYTHON) -m scripts.stop_platforms
	rm -rf .venvs .local dist .mypy_cache .ruff_cache .pytest_cache .ansible
