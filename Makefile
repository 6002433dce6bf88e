PYTHON ?= python3
ARGS ?=
export GRADMASK_BUDGET ?= laptop

READY := .venv/.installed
BUILD := TQDM_DISABLE=1 .venv/bin/jupyter-book build -n -W --keep-going

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

book: $(READY) ## Run the notebooks and build the book (GRADMASK_BUDGET=smoke for a quick look)
	rm -rf book/_build/html
	$(BUILD) --all book
	@echo "Open $(CURDIR)/book/_build/html/index.html"

serve: book ## Build the book and serve it at http://localhost:8000
	.venv/bin/python -m http.server --bind localhost --directory book/_build/html 8000

test: export GRADMASK_BUDGET := smoke
test: $(READY) ## Run every test: the library's, its doctests, the notebooks (ARGS= goes to pytest)
	.venv/bin/pytest --nbmake $(ARGS)

browse: book ## Look at every page of the book in a browser, Debian's Chromium
	.venv/bin/pytest -rs tests/browser $(ARGS)

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
	$(BUILD) --builder custom --custom-builder revealjs book
	@echo "Open $(CURDIR)/book/_build/revealjs/index.html"

pdf: $(READY) ## Print the book, all on one page, to a PDF: needs Debian's Chromium
	$(BUILD) --builder singlehtml book
	chromium --headless --no-sandbox --virtual-time-budget=120000 --no-pdf-header-footer \
		--print-to-pdf=book/_build/gradient-mask.pdf book/_build/singlehtml/welcome.html
	@echo "Open $(CURDIR)/book/_build/gradient-mask.pdf"

student: $(READY) ## Write the chapters as notebooks without solutions, and with them for teachers
	.venv/bin/python book/student.py book/_build

picture: $(READY) ## Draw the picture that opens the book and the README, moving and still
	.venv/bin/python -m gradmask.lab.cli.picture book/_static/gradient-mask.png book/_static/gradient-mask.webp

clean: ## Remove everything built, but not the environment in .venv
	rm -rf book/_build .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo 'Python lacks venv: on Debian or Ubuntu, apt install python3-venv'; exit 1; }
	@echo 'Installing into .venv: minutes, the first time'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --editable '.[test]'
	@touch $@

.PHONY: help book serve test browse lint format slides pdf student picture clean
