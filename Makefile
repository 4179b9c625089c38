# The two commands that a stranger needs: `make app` and `make test`.

# Chromium is installed while Python's packages are.
MAKEFLAGS += --jobs=2

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501
SHELL_ONLY := $(shell command -v chromium-headless-shell)
CHROMIUM := $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
ROOT := $(filter 0,$(shell id -u))
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL := apt-get install -y -qq --no-install-recommends

.PHONY: app test check fix bench faults hands matrix demo chromium clean

app: $(VENV)/app.stamp ## install what the app needs and open it on 127.0.0.1:8501
	$(BIN)/python -m vcsoup app --port $(PORT)

# Many processes start: none of them compiles the package anew, whatever the environment says.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/dev.stamp chromium ## install what the tests need, Chromium too, and run them all
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/dev.stamp ## lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(VENV)/dev.stamp ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## side-by-side measurements
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

faults: $(VENV)/dev.stamp chromium ## kill -9, full disk, read-only folders: nothing may be lost (ten minutes)
	$(BIN)/python -m tests.faults.run

matrix: $(VENV)/dev.stamp chromium ## every kind of base with every kind of judge, in the browser (six minutes)
	VCSOUP_MATRIX=1 $(BIN)/python -m pytest tests/e2e/test_matrix.py

hands: $(VENV)/dev.stamp chromium ## random hands on every control, hasty ones: no traceback may come (twenty minutes)
	VCSOUP_HANDS=600 $(BIN)/python -m pytest tests/e2e/test_hasty_hands.py

demo: $(VENV)/app.stamp ## rebuild assets/demo from its seed (most of an hour)
	$(BIN)/python -m vcsoup demo build --seed 0

# The shell has no window of its own to draw, which halves what a browser test costs. Where it is not
# to be had, a Chromium that is there does, or is installed.
chromium:
ifeq ($(SHELL_ONLY),)
ifneq ($(ROOT),)
	apt-get update -qq && $(INSTALL) chromium-headless-shell || $(if $(CHROMIUM),true,$(INSTALL) chromium)
else ifeq ($(CHROMIUM),)
	sudo sh -c 'apt-get update -qq && { $(INSTALL) chromium-headless-shell || $(INSTALL) chromium; }'
endif
endif

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.stamp: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements.txt
	$(PIP) --no-deps -e .
	touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements-ray.txt $(VENV)/app.stamp
	$(PIP) -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV)
