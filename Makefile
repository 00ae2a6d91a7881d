# One line per target that a person types; `make` prints them. Each target does the set-up it needs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
PYTHON_FOLDERS := $(wildcard nf tests tools bench examples)
# Puts a Rust that is recent enough in front of PATH, see tools/toolchain.sh.
RUST := eval "$$(tools/toolchain.sh)" &&
# A clean checkout must build from the lock as it is; at a desk cargo may add to it.
LOCKED := $(if $(CI),--locked)
JOBS ?= 2

# What a person types, in the order of the help. The scripts behind the last four may be absent from
# a checkout; then so are their targets.
TARGETS := help setup demo test soak lint docs bindings lock \
	$(if $(wildcard bench/__main__.py),bench) \
	$(if $(wildcard tools/fuzz.py),fuzz) \
	$(if $(wildcard tools/score.py),score) \
	$(if $(wildcard tools/new_protocol.py),new-protocol)

.PHONY: $(TARGETS) test-rust test-python lint-python lint-rust lint-yang lint-dependencies

help:  ## Print this list
	@for target in $(TARGETS); do \
		sed -n "s/^$$target:.*## \(.*\)/\1/p" Makefile | xargs -d '\n' printf '  make %-13s %s\n' $$target; \
	done

setup:  ## Install what is missing, make .venv, build the engine (a second run does nothing)
	@tools/setup.sh

demo: setup  ## Run the network function: capture, NETCONF, a change, a crash (needs root)
	$(BIN)/python -m tools.demo

test: test-rust test-python  ## Run every test

test-rust: setup
	$(RUST) cargo test $(LOCKED) --workspace

test-python: setup
	$(BIN)/pytest -n $(JOBS)

soak: setup  ## Change a function at random from eight sessions for ten minutes, kills included
	$(BIN)/pytest tests/netconf/test_soak.py --soak-seconds 600 --timeout 2000 $(if $(SEED),--soak-seed $(SEED))

lint: lint-python lint-rust lint-yang lint-dependencies  ## Check style, types, layers, YANG, licences, advisories

lint-python: setup
	$(BIN)/ruff format --check $(PYTHON_FOLDERS)
	$(BIN)/ruff check $(PYTHON_FOLDERS)
	$(BIN)/mypy
	$(BIN)/stubtest nf._native.engine nf._native.gnmi nf._native.yang
	$(BIN)/lint-imports --no-cache

lint-rust: setup
	$(RUST) cargo fmt --all --check
	$(RUST) cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings

lint-yang: setup
	$(BIN)/python -m tools.yang_lint
	$(BIN)/python -m tools.yang_update

lint-dependencies: setup
	$(RUST) $(BIN)/python -m tools.audit

docs: setup  ## Refresh the outputs in README.md and the lists in docs/, build the documentation into site/
	$(BIN)/python -m tools.readme_output
	$(BIN)/python -m tools.session_output
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.yang_protocols
	$(BIN)/python -m tools.yang_vendor
	$(BIN)/python -m tools.yang_docs
	$(BIN)/python -m tools.metrics_docs
	$(BIN)/python -m tools.requirement_pages
	$(BIN)/python -m tools.grafana_dashboard
	$(BIN)/mkdocs build --strict --quiet

bindings: setup  ## Write typed classes of configuration and state: make bindings [OUT=nf_bindings.py]
	$(BIN)/python -m tools.bindings $(or $(OUT),nf_bindings.py)

lock:  ## Rewrite requirements/dev.txt from pyproject.toml
	tools/lock.sh

ifneq ($(filter bench,$(TARGETS)),)
bench: setup  ## Measure speed and memory beside other tools
	$(BIN)/python -m bench
	$(BIN)/python -m bench.management
	$(BIN)/python -m bench.telemetry
	$(BIN)/python -m bench.live
endif

ifneq ($(filter fuzz,$(TARGETS)),)
fuzz: setup  ## Fuzz every parser for a minute each
	$(RUST) $(BIN)/python -m tools.fuzz
endif

ifneq ($(filter score,$(TARGETS)),)
score: setup  ## Compare with the expectations of the reference captures
	$(BIN)/python -m tools.score
endif

ifneq ($(filter new-protocol,$(TARGETS)),)
new-protocol: setup  ## Lay out a protocol: make new-protocol NAME=example
	$(BIN)/python -m tools.new_protocol $(if $(NAME),$(NAME),$(error make new-protocol needs NAME=…))
endif
