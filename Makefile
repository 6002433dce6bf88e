PYTHON ?= python3
ARGS ?=
export GRADMASK_BUDGET ?= laptop
unexport PYTHONDONTWRITEBYTECODE # what every process imports is compiled once

READY := .venv/.installed
OLDEST := .venv-oldest/.installed
PYTEST := .venv/bin/pytest --numprocesses 2 --dist worksteal
BUILD := TQDM_DISABLE=1 .venv/bin/jupyter-book build -n -W --keep-going

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

book: $(READY) ## Run the notebooks and build the book (GRADMASK_BUDGET=smoke for a quick look)
	rm -rf book/_build/html
	.venv/bin/python book/execute.py
	$(BUILD) --all book
	@echo "Open $(CURDIR)/book/_build/html/index.html"

serve: book ## Build the book and serve it at http://localhost:8000
	.venv/bin/python -m http.server --bind localhost --directory book/_build/html 8000

lab: $(READY) ## Open the notebooks in JupyterLab (ARGS= goes to it, such as --no-browser)
	cd book && ../.venv/bin/jupyter-lab $(ARGS)

test test-oldest: export GRADMASK_BUDGET := smoke
test browse test-oldest: export OMP_NUM_THREADS := 1
test: $(READY) ## Run every test: the library's, its doctests, the notebooks (ARGS= goes to pytest)
	$(PYTEST) $(ARGS)

test-oldest: $(OLDEST) ## Run the library's tests with the oldest versions that it admits
	.venv-oldest/bin/pytest tests/test_gradient_mask.py \
		tests/functional tests/masking tests/quality tests/saliency tests/theory $(ARGS)

browse: book ## Look at every page of the book in a browser, Debian's Chromium
	$(PYTEST) -rs tests/browser $(ARGS)

lint: $(READY) ## Check style, formatting, types and spelling
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/codespell *.md book/*.bib book/*.ipynb book/*.md gradmask tests

format: $(READY) ## Format the code and strip the notebooks of their outputs
	.venv/bin/ruff check --fix-only
	.venv/bin/ruff format
	.venv/bin/nbstripout --extra-keys metadata.language_info book/*.ipynb

slides: $(READY) ## Turn the chapters into slides, their prose into the speaker's notes
	.venv/bin/python book/execute.py
	$(BUILD) --builder custom --custom-builder revealjs book
	@echo "Open $(CURDIR)/book/_build/revealjs/index.html"

pdf: $(READY) ## Print the book, all on one page, to a PDF: needs Debian's Chromium
	.venv/bin/python book/execute.py
	$(BUILD) --builder singlehtml book
	chromium --headless --no-sandbox --virtual-time-budget=120000 --no-pdf-header-footer \
		--print-to-pdf=book/_build/gradient-mask.pdf book/_build/singlehtml/welcome.html
	@echo "Open $(CURDIR)/book/_build/gradient-mask.pdf"

notebooks: $(READY) ## Write the pages as plain notebooks, for JupyterLab, VS Code and Colab
	rm -rf book/_build/notebooks
	.venv/bin/python book/plain.py book/_build/notebooks

student: $(READY) ## Write the chapters as notebooks without solutions, and with them for teachers
	rm -rf book/_build/student book/_build/instructor
	.venv/bin/python book/student.py book/_build

wheelhouse: $(READY) ## Gather all that a class installs without a network (ARGS= goes to pip)
	.venv/bin/pip wheel --wheel-dir wheelhouse $(ARGS) '.[book]'
	@echo 'pip install --no-index --find-links wheelhouse "gradmask[book]"'

picture: $(READY) ## Draw the picture that opens the book and the README, moving and still
	.venv/bin/python -m gradmask.lab.cli.picture book/_static/gradient-mask.png book/_static/gradient-mask.webp

clean: ## Remove everything built, but not the environments in .venv and .venv-oldest
	rm -rf book/_build .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist wheelhouse

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo 'Python lacks venv: on Debian or Ubuntu, apt install python3-venv'; exit 1; }
	@echo 'Installing into .venv: minutes, the first time'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --no-compile --editable '.[test]'
	@touch $@

$(OLDEST): pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/pip install --quiet --editable . \
		torch==2.6.0 torchvision==0.21.0 hypothesis mpmath pytest scipy
	@touch $@

.PHONY: help book serve lab test test-oldest browse lint format slides pdf notebooks student wheelhouse picture clean
