# `make` alone lists what there is. Only Python 3.11 or 3.12, make, git and package registries are assumed.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## make .venv and .toolchain from the locks (again: under 2 s)
	@sh tools/python.sh tools/toolchain.py
