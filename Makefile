# Two commands on a fresh machine: `make demo` and `make test`. Nothing before them but Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo

.PHONY: demo test test-lowest check docs install clean

demo: install
	$(BIN)/maskwright train quickstart training.fit_minutes=4 --out $(DEMO)
	$(BIN)/maskwright fill $(DEMO) "Return [MASK] if the string is empty, False otherwise." "The default value [MASK] None."
	$(BIN)/maskwright masks "Masks are drawn anew in each epoch, so no two look the same."
	@$(BIN)/python -m webbrowser -t "file://$(abspath $(DEMO))/report.html" >/dev/null 2>&1 || true
	@echo "The report is $(DEMO)/report.html"

test: install
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The suite with the lowest versions that pyproject.toml allows: Python 3.11 or 3.12, for which numpy 1.26 is built.
# The site and retrieval are left out, which need newer ones.
LOWEST := .venv-lowest/bin
test-lowest: .venv-lowest/installed
	$(LOWEST)/python -m pytest -n 2 --ignore=tests/test_site.py --ignore=tests/evaluate/retrieval/test_late_interaction.py

.venv-lowest/installed: pyproject.toml constraints-lowest.txt
	test -x $(LOWEST)/python || $(PYTHON) -m venv .venv-lowest
	$(LOWEST)/python -m pip install --disable-pip-version-check -c constraints-lowest.txt torch numpy
	$(LOWEST)/python -m pip install --disable-pip-version-check -c constraints-lowest.txt -e ".[test]" httpx
	touch $@

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build
	@echo "The site is build/site/index.html"

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt torch numpy
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis
