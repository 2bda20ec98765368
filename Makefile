# `make help` lists what there is. Rust 1.91 or newer and a C compiler are needed; for the tests with Azure's own
# SDKs also python3, and the network once.
CARGO   ?= cargo
PYTHON  ?= python3
PLUMB    = target/debug/plumb
CLIENTS  = target/clients

.DEFAULT_GOAL := help
.PHONY: help build test check demo bench kills sim golden schema lint fmt doc clean

help:    ## list the targets
	@grep -hE '^[a-z]+: *.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

build:   ## build target/debug/plumb
	$(CARGO) build --locked --package cli

test:    ## run every test
	@if command -v $(PYTHON) >/dev/null; then $(MAKE) --no-print-directory $(CLIENTS)/installed; \
	else echo "no $(PYTHON) here: the tests with Azure's own SDKs are skipped"; fi
	PLUMB_CLIENTS=$(if $(shell command -v $(PYTHON)),$(CURDIR)/$(CLIENTS)) $(CARGO) test --locked --workspace --quiet

# Azure's SDKs in a Python of their own, made again when the list of them changes.
$(CLIENTS)/installed: crates/cli/tests/clients/requirements.txt
	$(PYTHON) -m venv --clear $(CLIENTS)
	$(CLIENTS)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	@touch $@

check: fmt-check lint test doc schema-check  ## what CI runs: format, lints, tests, docs, schema

demo: build  ## the main job, on the embedded cloud, in under a minute
	@PLUMB=$(CURDIR)/$(PLUMB) sh examples/demo.sh

bench:   ## our figures: CPU seconds, requests, bytes, memory; ONLY=budget or ONLY=latency for those alone
	$(CARGO) bench --locked --package cli --bench figures -- $(ONLY)

kills:   ## end N real runs at seeded moments, and see what is lost (nothing)
	$(CARGO) bench --locked --package cli --bench kills -- $(N)

sim:     ## the engine on a simulated disk, network, clock and cloud: SEEDS=n, SEED=, SCENARIO=name or all, DEATH=, TRACE=1
	$(CARGO) run --locked --quiet --package simulation -- $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(DEATH),--death $(DEATH)) $(if $(TRACE),--trace)

golden:  ## rewrite the expected outputs; read the git diff afterwards
	UPDATE_GOLDEN=1 $(CARGO) test --locked --workspace --quiet

schema: build  ## write the JSON Schemas below schema/
	$(PLUMB) schema > schema/manifest.schema.json
	$(PLUMB) schema component > schema/component.schema.json

lint:    ## clippy without warnings, and licences where cargo-deny is installed
	$(CARGO) clippy --locked --workspace --all-targets --quiet -- --deny warnings
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --offline check licenses bans sources; fi

fmt:     ## format the code
	$(CARGO) fmt --all

doc:     ## build the documentation of the code
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items --quiet

clean:   ## remove what was built
	$(CARGO) clean

.PHONY: fmt-check schema-check
fmt-check:
	$(CARGO) fmt --all --check
schema-check: build
	@for of in manifest component; do $(PLUMB) schema $$of | diff -u schema/$$of.schema.json - \
	  || { echo "schema/ is stale: make schema"; exit 1; }; done
