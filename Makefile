# Everything a developer or an operator types. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.installed
ARGS ?=
SCENARIO ?= viral

.DEFAULT_GOAL := help
.PHONY: help up native test check tools lock bench bench-edge bench-gates bench-load clean

help: ## Show this list
	@echo "scanway"; echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo; echo "PYTHON=python3.12 chooses the interpreter; ARGS=\"-k spool\" goes to pytest."

$(READY): requirements.lock pyproject.toml deploy/bootstrap.py
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "make: $(PYTHON) is not installed; scanway needs Python 3.11 or newer." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11, which scanway needs. Install a newer Python and name it: make PYTHON=python3.12 up" >&2; exit 2; }
	@$(PYTHON) deploy/bootstrap.py
	@touch $@

up: $(READY) ## Start everything here: databases, edge, ingest, console, worker
	@exec $(RUN)/scanway up

native: $(READY) ## Compile the edge's hot path: 1 minute, a C compiler, Python's headers
	$(RUN)/python -m edge.native

test: $(READY) tools check ## Check the code, then run all tests; ARGS="…" goes to pytest
	@deploy/test.sh $(ARGS)

check: $(READY) ## Style, types, import directions, the lock
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python -m deploy.lockfile

tools: # What the browser tests and benchmarks need from the system
	@deploy/tools.sh

lock: $(READY) ## Compile requirements.lock from pyproject.toml
	$(RUN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
		--all-extras --override overrides.txt --python-version 3.11 \
		$$($(RUN)/python deploy/bootstrap.py --pip-settings) pyproject.toml -o requirements.lock
	$(RUN)/python -m deploy.lockfile

bench: $(READY) tools ## Every benchmark
	@$(RUN)/python -m edge.native || [ $$? = 3 ]
	$(RUN)/python -m bench $(ARGS)

bench-edge: $(READY) tools ## The redirect path beside a constant answer
	@$(RUN)/python -m edge.native || [ $$? = 3 ]
	$(RUN)/python -m bench.edge $(ARGS)

bench-gates: $(READY) ## Redemptions a second, races, a sheet of 10,000 passes
	$(RUN)/python -m bench.gates $(ARGS)

bench-load: $(READY) ## A crowd of phones and its SLOs; SCENARIO=steady, viral, mixed or gates
	$(RUN)/python -m bench.load $(SCENARIO) $(ARGS)

clean: ## Remove the environment and caches; data in .scanway stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache test-results
