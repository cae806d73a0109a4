# The two commands of the course are `make run` and `make test`; each sets itself up first.
PYTHON ?= python3
NB ?= notebooks/01_vanilla_gan.ipynb
BIN = .venv/bin
SETUP = .venv/.ready
CLEAN = nbstripout --keep-output --keep-count --keep-id --extra-keys "cell.metadata.execution metadata.language_info.version"

.PHONY: setup run lab test lint notebooks bench

setup: $(SETUP)

$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[notebooks,test]"
	-git config diff.ipynb.textconv "$(CURDIR)/$(BIN)/nbstripout -t"
	touch $@

run: $(SETUP)  ## execute a notebook (NB=...) and leave it under runs/ with a page of its pictures
	$(BIN)/python scripts/run_notebook.py $(NB)

lab: $(SETUP)
	$(BIN)/jupyter lab notebooks

test: $(SETUP)  ## every test, and every notebook at the smoke budget
	$(BIN)/python -m pytest --nbval-lax tests notebooks

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/$(CLEAN) --verify notebooks/*.ipynb

notebooks: $(SETUP)  ## re-execute every notebook at the cpu budget and clean it, as it is committed
	for nb in notebooks/*.ipynb; do \
	  GANLIB_BUDGET=cpu $(BIN)/python -m nbconvert --to notebook --execute --inplace \
	    --ExecutePreprocessor.record_timing=False $$nb && $(BIN)/$(CLEAN) $$nb \
	    && $(BIN)/python scripts/shrink_notebook.py $$nb || exit 1; \
	done

bench: $(SETUP)  ## our step against a textbook loop, as ratios in one run
	$(BIN)/python scripts/bench.py
