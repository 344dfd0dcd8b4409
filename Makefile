# Two commands on a bare machine with Python: `make run` and `make test`. Everything they need goes into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
SOURCE := $(shell find src -type f -not -name '*.pyc') README.md LICENSE pyproject.toml
PATHS  := src tests benchmarks examples
# Tests run in two processes, which halves the wait on two cores; `make test WORKERS=8` where there are more. Tests are handed
# out in order, the first half to one process and the rest to the other, until one is idle and takes over what is left: so what
# a module computes once is computed twice for at most a few modules. As both processes need the cores, linear algebra has one
# thread in each, and threads that wait sleep: awake they slow some tests down a hundredfold.
WORKERS ?= 2
PYTEST  := -m pytest -n $(WORKERS) --dist worksteal
THREADS := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive

.PHONY: run test test-all lint format bench clean

run: $(VENV)/package.stamp  ## the main job on bundled real data: a table and an HTML report
	@mkdir -p zador-report
	$(BIN)/zador compare --data digits --bits 4,6,8 --report zador-report/index.html

test: lint  ## linters, then every test but the long ones, against the installed wheel
	$(THREADS) $(BIN)/coverage run $(PYTEST) -m "not long"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered
	$(BIN)/python -m pytest -q --doctest-modules --pyargs zador

test-all: lint  ## the long statistical checks as well
	$(THREADS) $(BIN)/python $(PYTEST)

lint: $(VENV)/test.stamp
	$(BIN)/ruff check $(PATHS)
	$(BIN)/ruff format --check $(PATHS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate -q src/zador

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix $(PATHS)
	$(BIN)/ruff format $(PATHS)

bench: $(VENV)/bench.stamp  ## speed and memory against peers in the same run
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/lloyd.py
	$(BIN)/python benchmarks/seeding.py
	$(BIN)/python benchmarks/structured.py
	$(BIN)/python benchmarks/limits.py
	$(BIN)/python benchmarks/layers.py
	$(BIN)/python benchmarks/linear.py

# What the package needs; torch is pinned, so that no CUDA build is pulled in.
$(VENV)/depends.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "zador needs Python 3.11 or newer, " + sys.executable + " is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -c constraints.txt pip hatchling
	$(PIP) install -c constraints.txt torch
	@touch $@

# The wheel, and the wheel alone: what is run and tested is what a user would install.
$(VENV)/package.stamp: $(VENV)/depends.stamp $(SOURCE)
	@rm -rf dist
	$(PIP) wheel . --no-deps --no-build-isolation -w dist
	$(PIP) install -c constraints.txt --force-reinstall --no-deps dist/*.whl
	$(PIP) install -c constraints.txt zador
	@touch $@

$(VENV)/test.stamp: $(VENV)/package.stamp
	$(PIP) install -c constraints.txt --group test
	@touch $@

$(VENV)/bench.stamp: $(VENV)/package.stamp
	$(PIP) install -c constraints.txt --group bench
	@touch $@

clean:
	rm -rf $(VENV) dist zador-report .coverage .pytest_cache .mypy_cache .ruff_cache
