# Every target sets up .venv from the lock first; a second run does nothing over again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Parallel test processes; torch is told to use one thread each.
TEST_WORKERS ?= 2

.PHONY: setup demo test check bench bench-reproduce format lock clean

setup: $(INSTALLED)

# The lock is given to pip as constraints: it pins whatever gets installed, on a machine with CUDA wheels and
# on one without.
$(INSTALLED): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Encore needs Python 3.11 to 3.13, {sys.executable} is {v[0]}.{v[1]}; name another: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/encore sweep demo
	$(BIN)/encore train demo_stories

check: $(INSTALLED)
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/pyright --warnings
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q -n $(TEST_WORKERS) -m "not slow and not acceptance"

test: check
	$(BIN)/python -m pytest -q -n $(TEST_WORKERS) -m "slow or acceptance"

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

bench-reproduce: $(INSTALLED)
	$(BIN)/python -m benchmarks reproduce
	$(BIN)/python -m benchmarks drift
	$(BIN)/python -m benchmarks elsewhere

format: $(INSTALLED)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# For whoever changes a dependency: resolve anew, for every supported Python and platform.
lock: $(INSTALLED)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-header --no-annotate --output-file requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
