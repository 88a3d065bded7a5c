# Everything starts from here: `make compare` and `make test` build the environment that they need.
#   make compare PYTHON=python3.12       another interpreter
#   make test VENV=/some/where/venv      another place for the environment

PYTHON ?= python3
VENV   ?= .venv
STUDY  ?= studies/quickstart
JOBS   ?= $(shell getconf _NPROCESSORS_ONLN)

BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
CORE := $(VENV)/.installed-core
DEV  := $(VENV)/.installed-dev
DOCS := $(VENV)/.installed-docs

# One thread per process: torch's thread count changes results, and two processes of two threads fight for the cores.
export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install compare report test test-all test-machines lint format docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(CORE) ## create the environment and install the core into it

compare: $(CORE) ## run the quick-start study and write its report; again: resume
	$(BIN)/sb3-course compare quickstart --out $(STUDY)

report: $(CORE) ## write the report of STUDY (default studies/quickstart) again
	$(BIN)/sb3-course report $(STUDY)

test: $(DEV) ## the fast tests
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

test-all: $(DEV) ## all tests, the slow ones too
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m ""

# Other arithmetic than this machine's, as other processors and builds of torch have it. The last two are our own switches (core/lockstep/blas.py).
MACHINES ?= OMP_NUM_THREADS=1 MKL_CBWR=COMPATIBLE MKL_ENABLE_INSTRUCTIONS=AVX2 MKL_ENABLE_INSTRUCTIONS=SSE4_2 ATEN_CPU_CAPABILITY=avx2 \
	ATEN_CPU_CAPABILITY=default FROM_SCRATCH_PRODUCTS=scipy FROM_SCRATCH_ALIGNED=strict
NUMERICAL ?= numerical and not slow
TESTS ?= tests

test-machines: $(DEV) ## the numerical tests with the arithmetic of other machines
	@failed=; for machine in $(MACHINES); do \
	  echo "== $$machine"; env $$machine $(BIN)/python -m pytest -q -n $(JOBS) -m "$(NUMERICAL)" $(TESTS) || failed="$$failed $$machine"; \
	done; test -z "$$failed" || { echo "Failed with:$$failed" >&2; exit 1; }

lint: $(DEV) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(DEV) ## let ruff repair what it can, and renew the tables of algorithms and the constructors' types
	$(BIN)/python -m from_scratch.stub
	$(BIN)/ruff check --fix .
	$(BIN)/python -m sb3_course.readme

docs: $(DOCS) ## the documentation as HTML, in docs/_build/html
	$(BIN)/python -m sphinx -W -q -b html docs docs/_build/html

clean: ## remove the environment and caches; studies/ stays
	rm -rf $(VENV) build dist *.egg-info docs/_build docs/_generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

# A stamp is older than pyproject.toml or constraints.txt exactly when the installation may be out of date.
$(CORE): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing sb3-course into $(VENV) (2 GB on disk where torch is the CPU build, more with CUDA; some minutes to download)"
	$(PIP) --editable .
	-@$(BIN)/sb3-course doctor --warm
	@touch $@

$(DEV): $(CORE)
	$(PIP) --editable ".[dev,minatar]"
	@touch $@

$(DOCS): $(CORE)
	$(PIP) --editable ".[docs]"
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "No '$(PYTHON)' here. Name a Python 3.11 or newer: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Python 3.11 or newer is needed; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.11" % v[:2])'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
