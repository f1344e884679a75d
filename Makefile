SHELL := /bin/sh
.DEFAULT_GOAL := help

# Everything that make builds goes here; git ignores it.
BUILD := .build

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Control plane ----------------------------------------------------------

CONTROLPLANE := $(BUILD)/controlplane
CONTROLPLANE_SOURCES := $(filter-out %_test.go,$(wildcard tests/controlplane/*.go)) \
	tests/controlplane/go.mod tests/controlplane/go.sum

.PHONY: controlplane
controlplane: $(CONTROLPLANE) ## Build the Kubernetes control plane for demo and tests

$(CONTROLPLANE): $(CONTROLPLANE_SOURCES) scripts/build-controlplane.sh
	@scripts/build-controlplane.sh $@

.PHONY: test-controlplane
test-controlplane: $(CONTROLPLANE) ## Check that control plane itself (about a minute)
	@scripts/test-controlplane.sh

# --- The operator -----------------------------------------------------------

HOLDFAST := target/release/holdfast
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

.PHONY: build
build: ## Build the operator
	@scripts/build-operator.sh

.PHONY: image
image: build ## Build an OCI image in .build/image, without a daemon, with its bill of materials
	@scripts/sbom.sh $(BUILD)/image/holdfast-$(VERSION).cdx.json
	@scripts/image.sh $(HOLDFAST) $(BUILD)/image/holdfast-$(VERSION)-amd64.tar

.PHONY: test-image
test-image: image ## Check that image: the same digest twice, and the program in it under runc
	@scripts/test-image.sh $(HOLDFAST)

URL ?= https://releases.example/holdfast

.PHONY: krew
krew: build ## The plugin `kubectl holdfast` for krew, in .build/krew: an archive, and a manifest that has it at URL=…
	@scripts/krew.sh $(HOLDFAST) $(BUILD)/krew $(URL)

.PHONY: test-krew
test-krew: build ## Have krew judge that manifest and install from it (a minute)
	@scripts/test-krew.sh $(HOLDFAST)

.PHONY: demo
demo: $(CONTROLPLANE) ## Start a cluster, the operator and the examples, and leave them running
	@scripts/demo.sh up

.PHONY: demo-down
demo-down: ## Stop the demo and remove its data
	@scripts/demo.sh down

.PHONY: demo-ceph
demo-ceph: $(CONTROLPLANE) ## The same on a real store: a Ceph Object Gateway, with backups by restic
	@scripts/demo-ceph.sh up

.PHONY: demo-ceph-down
demo-ceph-down: ## Stop that demo and remove its data
	@scripts/demo-ceph.sh down

# --- Checks -----------------------------------------------------------------

.PHONY: lint
lint: ## Formatting, lints, documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo clippy --workspace --no-default-features --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet --document-private-items

.PHONY: test-tools
test-tools: ## Build what judges the packages: Helm, and the parsers of Prometheus, Grafana and Argo CD
	@scripts/test-tools.sh

.PHONY: test
test: $(CONTROLPLANE) test-tools ## Everything that must pass, on a real control plane
	@scripts/test.sh

SEEDS ?= 10000
FIRST ?= 1
JOBS ?= 2
MATRIX ?= 10

.PHONY: soak
soak: ## Play SEEDS=10000 stories of the simulation from FIRST=1 on, JOBS=2 at a time, and MATRIX=10 of them with a death at every request
	@SEEDS=$(SEEDS) FIRST=$(FIRST) JOBS=$(JOBS) MATRIX=$(MATRIX) SHRINK=1 cargo test --locked --profile soak --quiet --test simulation -- --nocapture whatever_happens a_death_at

.PHONY: test-ceph
test-ceph: $(CONTROLPLANE) ## The stories on a real Ceph Object Gateway, with restic (a quarter of an hour more; STORIES=… for some)
	@scripts/test-ceph.sh $(STORIES)

.PHONY: test-cluster
test-cluster: build test-tools ## Install it on a real node of one machine, by kustomize and by Helm, kill, stop, drain, restore and upgrade it; needs root, jq and curl (20 minutes, and some 20 more the first time)
	@scripts/node.sh build
	@scripts/old-version.sh
	@scripts/test-cluster.sh $(HOLDFAST)

.PHONY: test-kubernetes
test-kubernetes: ## The tests that need a control plane, on another Kubernetes (VERSION=1.32.2; FILTER=… for some)
	@scripts/test-kubernetes.sh "$(if $(filter command,$(origin VERSION)),$(VERSION),none)" $(FILTER)

.PHONY: test-flux
test-flux: $(CONTROLPLANE) ## Flux itself applies the examples from a repository (20 minutes or more to build the first time)
	@scripts/test-flux.sh

.PHONY: test-argocd
test-argocd: $(CONTROLPLANE) ## The same with Argo CD
	@scripts/test-argocd.sh

.PHONY: test-all
test-all: ## make test and every check that isn't part of it, one after another
	@for part in test test-ceph test-image test-krew test-cluster test-flux test-argocd; do $(MAKE) --no-print-directory $$part || exit 1; done

# --- Measuring --------------------------------------------------------------

.PHONY: bench
bench: $(CONTROLPLANE) ## Measure 1,000 customers (N=10000 for more), a few minutes
	@scripts/bench.sh

.PHONY: bench-rules
bench-rules: $(CONTROLPLANE) ## Measure the ledger and the admission policies
	@scripts/bench-rules.sh

.PHONY: bench-plan
bench-plan: ## Measure a plan of 10,000 objects (N=… for another number)
	@cargo bench --locked --quiet --bench plan

.PHONY: bench-report
bench-report: ## Measure reports over 10,000 customers (N=… for another number)
	@cargo bench --locked --quiet --bench report

.PHONY: bench-forecast
bench-forecast: ## Measure the forecasts of 10,000 customers and their resellers (N=… for another number)
	@cargo bench --locked --quiet --bench forecast

.PHONY: bench-druva
bench-druva: $(CONTROLPLANE) ## Measure sweeps and creations at Druva, about ten minutes
	@scripts/bench-druva.sh

.PHONY: bench-cove
bench-cove: ## Measure a sweep of 5,500 partners and the statistics of 20,000 devices at Cove
	@cargo bench --locked --quiet --bench cove

.PHONY: bench-ceph
bench-ceph: $(CONTROLPLANE) ## Measure 1,000 customers (N=…) on a real Ceph Object Gateway
	@scripts/bench-ceph.sh

.PHONY: bench-replicas
bench-replicas: $(CONTROLPLANE) ## Two operators: ten idle minutes, and a kill -9 of the holder with 1,000 customers
	@scripts/bench-replicas.sh

.PHONY: mutants
mutants: ## Put known faults back and see the tests catch them (NAMES=… for some)
	@scripts/mutants.sh
