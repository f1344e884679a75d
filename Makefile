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
