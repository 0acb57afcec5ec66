# Every command a user or developer needs. The environment is made once, in .venv, and made again only
# when what defines it (pyproject.toml, constraints.txt) changes.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INPUTS := $(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
USE    := $(VENV)/installed-$(INPUTS)
DEV    := $(VENV)/installed-dev-$(INPUTS)
# Two workers with one thread each: on two cores, two threads in each of two processes only wait.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# The real data sets, where a folder with them stands beside the project.
ifndef GNOMON_DATA
ifneq ($(wildcard ../shared/data),)
export GNOMON_DATA := $(abspath ../shared/data)
endif
endif

# The kernels of other processors, as far as this one has them; make test runs its own. These are the tests
# whose figures are sums of many terms.
AVX2 := ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2
PLAIN := ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41 MKL_CBWR=COMPATIBLE
NUMERICAL := tests/contracts tests/bounds/test_margins.py tests/bounds/test_rounded_crown.py tests/bounds/test_rounded_ibp.py \
	tests/algebra/test_relaxed.py tests/algebra/test_rounded_interval.py tests/algebra/test_rounded_products.py \
	tests/algebra/test_rounded_relaxed.py tests/algebra/test_zonotope.py tests/attacks/test_apgd.py \
	tests/attacks/test_parameters.py tests/training/test_overfitting.py tests/training/test_method_formulas.py \
	tests/training/test_replicas.py tests/training/test_gradients.py

.PHONY: demo test test-slow test-kernels test-gpu check check-sources format docs bench clean

demo: $(USE)             ## train two networks on the spiral, examine both, write demo/report.html
	$(BIN)/gnomon demo -o demo

test: $(DEV)             ## the tests (those over five seconds have their own command, test-slow)
	$(PYTEST) --dist loadfile -m "not slow and not gpu"

test-slow: $(DEV)        ## the tests that take longer than five seconds each
	$(PYTEST) --dist worksteal -m "slow and not gpu"

test-kernels: $(DEV)     ## the numerical tests with the kernels of two other kinds of processor
	$(AVX2) $(PYTEST) -m "not slow and not gpu" $(NUMERICAL)
	$(PLAIN) $(PYTEST) -m "not slow and not gpu" $(NUMERICAL)

test-gpu: $(DEV)         ## the contracts of sets, attacks, bounds and training on CUDA
	$(PYTEST) -m gpu

check: check-sources docs test  ## everything that must hold before a change is handed in

check-sources: $(DEV)    ## format, lint, floors, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

format: $(DEV)           ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DEV)             ## the documentation, in docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -q -W -n -b html docs docs/_build/html
	$(BIN)/sphinx-build -q -W -n -b doctest docs docs/_build/doctest

bench: $(DEV)            ## ratios against hand-written code, measured side by side
	for script in benchmarks/*.py; do $(BIN)/python $$script; done

clean:                   ## remove what was built; data and runs stay
	rm -rf $(VENV) docs/_build build

$(USE):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" -c constraints.txt
	$(INSTALL) -e .
	@rm -f $(VENV)/installed-* && touch $@

$(DEV): | $(USE)
	$(INSTALL) -e ".[dev,docs]"
	@touch $@
