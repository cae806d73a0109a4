# The two commands of the course are `make run` and `make test`; each sets itself up first.
PYTHON ?= python3
NB ?= notebooks/01_vanilla_gan.ipynb
BIN = .venv/bin
SETUP = .venv/.ready
# make setup TORCH=cpu takes PyTorch's own builds without CUDA: some hundred MB in the place of GBs
INDEX = $(if $(filter cpu,$(TORCH)),--extra-index-url https://download.pytorch.org/whl/cpu)
CLEAN = nbstripout --keep-output --keep-count --keep-id --extra-keys "cell.metadata.execution metadata.language_info.version"

.PHONY: setup run lab test lint notebooks bench faults assignments student-copy grade regrade browser book cuda

setup: $(SETUP)

$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(INDEX) -c constraints.txt -e ".[notebooks,test]"
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
	$(BIN)/nbstripout --keep-id --verify notebooks/assignments/*/*.ipynb

notebooks: $(SETUP)  ## re-execute every notebook at the cpu budget and clean it, as it is committed
	for nb in notebooks/*.ipynb; do \
	  GANLIB_BUDGET=cpu $(BIN)/python -m nbconvert --to notebook --execute --inplace \
	    --ExecutePreprocessor.record_timing=False $$nb && $(BIN)/$(CLEAN) $$nb \
	    && $(BIN)/python scripts/shrink_notebook.py $$nb || exit 1; \
	done

bench: $(SETUP)  ## our step against a textbook loop, as ratios in one run
	$(BIN)/python scripts/bench.py

cuda: $(SETUP)  ## on a GPU: the conformance suite, ten steps beside the CPU's, speed and memory; else one line
	$(BIN)/python scripts/gpu.py

faults: $(SETUP)  ## kill, interrupt, damage and mislead ganlib some hundreds of times, and count what was lost; minutes
	$(BIN)/python scripts/faults.py

assignments: $(SETUP)  ## students' copies of the assignments, without solutions, and a zip, under build/
	$(BIN)/python scripts/assignments.py release

student-copy: $(SETUP)  ## a zip of the course for students: no solutions, hidden tests or rubrics, and how to hand in
	$(BIN)/python scripts/assignments.py student-copy

grade: $(SETUP)  ## SUBMISSIONS=folder, with a folder or a zip for each student: scores as CSV under build/graded/
	@test -n "$(SUBMISSIONS)" || { echo "make grade SUBMISSIONS=folder"; exit 2; }
	$(BIN)/python scripts/assignments.py grade "$(SUBMISSIONS)" $(GRADING)

regrade: $(SETUP)  ## take over the points that you typed into build/graded/NAME.csv, and write the pages anew
	$(BIN)/python scripts/assignments.py regrade

browser:  ## the sliders in a real JupyterLab and Chromium; installs nothing, says what is missing
	@test -x $(BIN)/python || { echo "There is no .venv yet: make setup"; exit 1; }
	$(BIN)/python -m pytest -m browser -rs -v tests/test_browser.py

book: $(SETUP)  ## the notebooks as they were committed, as web pages under build/book; it works offline once installed
	$(BIN)/python -c "import myst_nb" 2>/dev/null || $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[book]"
	$(BIN)/python -m sphinx -b html -W --keep-going -q -c docs . build/book
	@echo "Open build/book/docs/index.html"
