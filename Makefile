# One command each: 'make demo' shows what SAMSegment does, 'make app' opens the viewer in a browser, 'make test' checks
# everything. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

.PHONY: help demo app test lint screenshots screenshots-web clean

help:
	@echo "make demo   set up, segment a real brain scan, write demo-output/"
	@echo "make app    set up, open the viewer in a browser; make app IMAGE=scan.nii.gz opens a scan in it,"
	@echo "            make app ARGS=\"scan.nii.gz --no-browser --port 8080\" gives 'samsegment view' all of these"
	@echo "make test   set up, check style, types and layers, run all tests"
	@echo "make screenshots  make the pictures of README and docs again; screenshots-web: those of the viewer"
	@echo "make clean  remove what these made"

demo: $(VENV)/demo.stamp
	$(BIN)/samsegment demo --output demo-output

app: $(VENV)/app.stamp
	$(BIN)/samsegment view $(if $(IMAGE),'$(IMAGE)') $(ARGS)

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

# The pictures that README and docs show.
screenshots: demo
	cp demo-output/brain.png Resources/Screenshots/brain.png

# Those of the viewer need Chromium.
screenshots-web: $(VENV)/test.stamp
	$(BIN)/python -m Testing.screenshots_web Resources/Screenshots

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) demo-output build *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "SAMSegment needs Python 3.10 to 3.13; name one, as in: make PYTHON=python3.12 demo" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp is as old as the last installation: the next run installs again only when a requirement changed.
$(VENV)/demo.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) '.[cli]'
	@touch $@

$(VENV)/app.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) '.[web]'
	@touch $@ $(VENV)/demo.stamp

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) '.[cli,test]'
	@touch $@ $(VENV)/demo.stamp $(VENV)/app.stamp
