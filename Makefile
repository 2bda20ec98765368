# `make help` lists what there is. Nothing but Rust 1.91 or newer and a C compiler is needed.
CARGO ?= cargo
PLUMB  = target/debug/plumb

.DEFAULT_GOAL := help
.PHONY: help build test check demo bench golden schema lint fmt doc clean

help:    ## list the targets
	@grep -hE '^[a-z]+: *.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

build:   ## build target/debug/plumb
	$(CARGO) build --locked --package cli

test:    ## run every test
	$(CARGO) test --locked --workspace --quiet

check: fmt-check lint test doc schema-check  ## what CI runs: format, lints, tests, docs, schema

demo: build  ## the main job, on the embedded cloud, in under a minute
	@PLUMB=$(CURDIR)/$(PLUMB) sh examples/demo.sh

bench:   ## our figures: CPU seconds, requests, bytes, memory
	$(CARGO) bench --locked --package cli --bench figures

golden:  ## rewrite the expected outputs; read the git diff afterwards
	UPDATE_GOLDEN=1 $(CARGO) test --locked --workspace --quiet

schema: build  ## write schema/manifest.schema.json
	$(PLUMB) schema > schema/manifest.schema.json

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
	$(PLUMB) schema | diff -u schema/manifest.schema.json - || { echo "schema/ is stale: make schema"; exit 1; }
