# `make demo` and `make test` set up everything they need below this directory, and need no network when run again.

PYTHON := $(shell .ci/find-python oldest)
NEWEST := $(shell .ci/find-python newest)
BIN := .venv/bin

.PHONY: help demo test lint types contracts check unit newest bench lock clean
.NOTPARALLEL:

help:
	@echo "make demo    the whole journey offline: harvest, check, damage, repair"
	@echo "make test    lint, types, import contracts and all tests, as CI runs them"
	@echo "make bench   measure everything beside other tools; one part: make bench PART=startup (benchmarks/README.md)"
	@echo "make lock    resolve the dependencies anew (needs uv and the network)"
	@echo "make clean   remove everything that make has made"

.venv: ; @.ci/make-venv .venv requirements.lock "$(PYTHON)" editable
.venv-newest: ; @.ci/make-venv .venv-newest requirements.lock "$(NEWEST)" editable
.venv-ministack: ; @.ci/make-venv .venv-ministack requirements-ministack.lock "$(PYTHON)"
.venv-swift: ; @.ci/make-venv .venv-swift requirements-swift.lock "$(PYTHON)"
.PHONY: .venv .venv-newest .venv-ministack .venv-swift

demo: .venv
	@$(BIN)/archiver demo build/demo

test: lint types contracts unit newest

lint: .venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv
	$(BIN)/mypy

contracts: .venv
	$(BIN)/lint-imports --no-cache
	$(BIN)/deptry . --no-ansi

# Pages are tested in Chromium: installed where that can be done, and required where it is there.
BROWSER = $(if $(wildcard /usr/bin/chromium),ARCHIVER_REQUIRE_BROWSER=1)
.PHONY: browser
browser: ; @.ci/have-browser

unit: .venv .venv-ministack .venv-swift browser
	$(BROWSER) ARCHIVER_REQUIRE_SERVERS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered

# The same tests on the newest Python of this machine, where that is another one, without those that no version of Python decides.
newest: .venv .venv-ministack .venv-swift browser
	@if [ "$(NEWEST)" = "$(PYTHON)" ]; then echo "The newest Python here is the one already tested: $(PYTHON)"; else \
	    .ci/make-venv .venv-newest requirements.lock "$(NEWEST)" editable && \
	    $(BROWSER) ARCHIVER_REQUIRE_SERVERS=1 .venv-newest/bin/python -m pytest -n 2 --dist loadgroup -q -m "not once"; fi

bench: .venv .venv-ministack
	$(BIN)/python benchmarks/run.py $(PART)

lock:
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url -o requirements.lock

clean:
	rm -rf .venv .venv-newest .venv-ministack .venv-swift build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
