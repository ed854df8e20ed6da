# Every target sets up .venv (VENV=… names another) from the lock first; a second run does nothing over again.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# What `check-pythons` looks for; those that are not installed are named and left out.
PYTHONS ?= python3.11 python3.12 python3.13
INSTALLED := $(VENV)/.installed
# Parallel test processes; torch is told to use one thread each.
TEST_WORKERS ?= 2

.PHONY: setup demo test check check-results check-pythons check-newest bench bench-reproduce format lock clean

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
	$(BIN)/pyright --pythonpath $(BIN)/python --warnings
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m benchmarks.check_results
	$(BIN)/python -m pytest -q -n $(TEST_WORKERS) --dist loadfile -m "not slow and not acceptance"

# Numbers of README and docs that name a run, against what that run came to.
check-results: $(INSTALLED)
	$(BIN)/python -m benchmarks.check_results

# `make check` once with each supported Python that is installed, each in a .venv-… of its own.
check-pythons:
	@set -e; checked=; \
	for python in $(PYTHONS); do \
	  if $$python -c '' 2>/dev/null; then \
	    echo "== $$($$python --version)"; \
	    $(MAKE) --no-print-directory check PYTHON=$$python VENV=.venv-$$python; \
	    checked="$$checked $$python"; \
	  else \
	    echo "== $$python: not installed, not checked"; \
	  fi; \
	done; \
	test -n "$$checked" || { echo "none of $(PYTHONS) is installed"; exit 1; }; \
	echo "== checked with:$$checked"

# The same with the newest versions that pyproject.toml allows, past the lock; then what differs from it.
check-newest:
	$(PYTHON) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --editable '.[dev]'
	touch .venv-newest/.installed
	@echo "== newer than the lock:"
	@.venv-newest/bin/python -m pip freeze --exclude-editable | tr 'A-Z_' 'a-z-' | while read -r pin; do \
	  grep -q "^$$pin\( ;.*\)\?$$" requirements.lock || echo "$$pin"; done
	$(MAKE) --no-print-directory check VENV=.venv-newest

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
	rm -rf .venv .venv-* .pytest_cache .ruff_cache .hypothesis
