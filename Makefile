# Two commands are enough: `make run` and `make test`. Everything else is listed by `make`.
.POSIX:
.PHONY: help run stop reset test test-all lint format bench faults fuzz contracts examples sdk audit seed clock lock explain service

# The distribution's own Python where it is new enough: built with all optimisations, it runs the suite up to half as
# fast again as one compiled by hand. `make run PYTHON=/path/to/python3.12` chooses another.
PYTHON = $$(for needed in sys,ensurepip sys; do \
	for p in /usr/bin/python3 python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c "import $$needed; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$p && break 2; done; done)
VENV = .venv/bin/python
LOCAL = p="$(PYTHON)"; [ -n "$$p" ] || { echo "Liaison needs Python 3.11 or newer: apt-get install python3" >&2; exit 2; }; exec $$p -m deploy.local
PREPARE = ( $(LOCAL) prepare )

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "  %-12s %s\n", $$1, $$2 }'

run: ## start everything and stay until Ctrl-C (installs what is missing)
	@$(LOCAL) run

stop: ## stop what `make run` started
	@$(LOCAL) stop

reset: ## stop and delete all local data
	@$(LOCAL) reset

test: ## run all tests in two lanes against private servers; SERVICE=erp_finance for one service, ARGS="…" for pytest
	@$(PREPARE) && exec $(VENV) -m tests --service=$(SERVICE) $(ARGS)

test-all: ## run all tests, the stories in all four weathers
	@$(PREPARE) && exec $(VENV) -m tests --all

lint: ## style, formatting and types
	@$(PREPARE) && $(VENV) -m ruff check . && $(VENV) -m ruff format --check . && exec $(VENV) -m mypy

format: ## repair style and formatting
	@$(PREPARE) && $(VENV) -m ruff check --fix . ; exec $(VENV) -m ruff format .

bench: ## measure throughput and latency
	@$(PREPARE) && exec $(VENV) -m tests.bench $(ARGS)

faults: ## break things on purpose and count what was lost
	@$(PREPARE) && exec $(VENV) -m tests.faults $(ARGS)

fuzz: ## hold the API document against the running suite, as every role
	@$(PREPARE) && exec $(VENV) -m tests.fuzz $(ARGS)

contracts: ## take additive changes of the API documents into their snapshots
	@$(PREPARE) && PYTHONPATH=.:services exec $(VENV) -m tests.contracts.snapshots

examples: ## record the examples of the API document anew, from a run through the whole API
	@$(PREPARE) && PYTHONPATH=.:services exec $(VENV) -m tests.examples

sdk: ## generate clients for Python and TypeScript into sdk/ (needs npm)
	@$(PREPARE) && PYTHONPATH=.:services exec $(VENV) -m deploy.sdk

explain: ## show what runs for each route of a resource: make explain RESOURCE=teams
	@$(PREPARE) && PYTHONPATH=.:services exec $(VENV) -W ignore -m deploy.explain $(RESOURCE)

service: ## write the skeleton of a new service: make service NAME=erp_hr
	@$(PREPARE) && PYTHONPATH=.:services exec $(VENV) -W ignore -m deploy.new_service $(NAME)

audit: ## check the running system's books and documents against each other
	@$(LOCAL) audit

seed: ## add the demo company to the running system
	@$(LOCAL) seed

clock: ## show the clock of the running system, or move it: make clock ARGS="--days 30", or "--to 2027-01-01"
	@$(LOCAL) operator clock $(ARGS)

lock: ## resolve the *.in files again and lock them with hashes
	@$(PREPARE) && export CUSTOM_COMPILE_COMMAND="make lock" && for part in requirements requirements-dev; do \
		.venv/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-options \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o $$part.txt $$part.in || exit; done
