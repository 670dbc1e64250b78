# The two commands of the README are `make run` and `make test`; both set up all they need.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& echo "$$p" && break; done)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test test-fast test-vllm lint docs figures lock clean setup-test

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 14

run: setup  ## set up, build the index and open the chat on 127.0.0.1:7860
	$(BIN)/cityllm web

test: setup-test lint  ## set up and run every check and test (15 minutes)
	$(BIN)/pytest -m "not vllm"

test-fast: lint  ## the same without slow tests and without a browser (3 minutes)
	$(BIN)/pytest -m "not vllm and not slow and not browser"

test-vllm: setup-dev  ## the agent against a real vLLM, in an environment of its own (8 minutes)
	bash scripts/test-vllm.sh

lint: setup-dev  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: setup-dev  ## write docs/cli.md anew
	$(BIN)/python scripts/docs.py

figures: setup-dev  ## write the table of measured figures in both READMEs anew
	$(BIN)/python -m evals report

lock: setup-dev  ## resolve requirements.lock anew from the pins of pyproject.toml
	$(BIN)/python scripts/lock.py

clean:  ## remove the environment and the indexes (accounts and conversations are in var/, too)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@echo "var/ is kept: remove it by hand if its accounts and conversations may go"

setup:
	@$(if $(PYTHON),$(PYTHON) scripts/setup.py,$(no_python))

setup-dev:
	@$(if $(PYTHON),$(PYTHON) scripts/setup.py --extras dev,$(no_python))

setup-test:
	@$(if $(PYTHON),$(PYTHON) scripts/setup.py --extras dev --system,$(no_python))

, := ,
define no_python
echo "需要 Python 3.11 至 3.14：apt-get install python3 python3-venv / Python 3.11 to 3.14 is needed" >&2; exit 1
endef
