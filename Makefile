# `make` alone lists what there is. Assumed: Python 3.11 or 3.12, make >= 3.81, git, package registries. Nothing is installed outside
# this folder.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-python test-node torture prove mutate bench check fmt docs lock clean

# Here the pinned compiler and node come first; plain `ape` prefers the user's own (tools/toolchain.py).
export SOLCX_BINARY_PATH := $(CURDIR)/.toolchain/solcx
export PATH := $(CURDIR)/.toolchain/bin:$(PATH)
export PYTHON

BIN := .venv/bin
PYTHON_CODE := conftest.py memsync tests tools $(wildcard scripts benchmarks ape_console_extras.py)
# More tests at once than cores, since many wait: for a node, a clock, another process.
IN_PARALLEL = -n $$(( $$(getconf _NPROCESSORS_ONLN) + 2 )) --dist loadfile --no-loadscope-reorder
SOLIDITY := "contracts/**/*.sol" "tests/**/*.sol" "benchmarks/*.sol"

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv and .toolchain from the locks; again: at once
	@sh tools/python.sh tools/toolchain.py

demo: setup ## play the whole flow on a chain of its own: a year of ChatGPT becomes memory that its owner holds
	@$(BIN)/memsync demo

test: setup ## run every test: the contract's on one core, all others on another
	@$(BIN)/ape test -q > .toolchain/test-node.txt 2>&1 & node=$$!; trap "kill $$node 2>/dev/null" INT TERM; \
	$(BIN)/pytest -q -p no:ape_test $(IN_PARALLEL); python=$$?; wait $$node; node=$$?; cat .toolchain/test-node.txt; exit $$((python | node))

test-python: setup ## run all tests but those of the contract
	@$(BIN)/pytest -q -p no:ape_test $(IN_PARALLEL)

test-node: setup ## run the contract's tests on a local node (the same as `ape test`)
	@$(BIN)/ape test -q

torture: setup ## run every test with 50 times as many random examples
	@$(BIN)/pytest -q -p no:ape_test --hypothesis-profile torture
	@$(BIN)/ape test -q --hypothesis-profile torture

prove: setup ## prove what the contract promises (Halmos), and look for known mistakes (Slither); a quarter of an hour
	@$(BIN)/python tools/slither.py
	@$(BIN)/python tools/prove.py

mutate: setup ## break the contract in each small way and see that a test notices; half an hour
	@$(BIN)/python tools/mutate.py

bench: setup ## run the benchmarks, one after the other
	@for script in $$(grep -l __main__ benchmarks/*.py); do $(BIN)/python $$script || exit 1; done

check: setup ## lint, formatting, types, layers, the contract's canonical build
	@$(BIN)/ruff check -q $(PYTHON_CODE)
	@$(BIN)/ruff format -q --check $(PYTHON_CODE)
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > .toolchain/layers.txt || { cat .toolchain/layers.txt; exit 1; }
	@.toolchain/format-solidity --check $(SOLIDITY)
	@test ! -f tools/build.py || $(BIN)/python tools/build.py --check
	@$(BIN)/python tools/cli_docs.py --check
	@$(BIN)/python tools/server_json.py --check
	@echo "check: lint, formatting, types, layers, the page of commands and the contract's build are in order"

fmt: setup ## format Python and Solidity
	@$(BIN)/ruff check -q --fix-only $(PYTHON_CODE)
	@$(BIN)/ruff format -q $(PYTHON_CODE)
	@.toolchain/format-solidity --write $(SOLIDITY)

docs: setup ## write docs/cli.md from the commands, and server.json
	@$(BIN)/python tools/cli_docs.py
	@$(BIN)/python tools/server_json.py

lock: setup ## resolve the Python locks from pyproject.toml (`sh tools/lock.sh --upgrade` for newer versions)
	@sh tools/lock.sh

clean: ## remove what was built; keep downloads (`rm -rf .venv .toolchain tools/node_modules` for those)
	@rm -rf .build .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	@find conftest.py memsync tests tools scripts benchmarks -name node_modules -prune -o -name __pycache__ -print 2>/dev/null | xargs rm -rf
