#!/bin/sh
# What judges the packages in tests/packages: Helm and our own small program, from Go modules, and Prometheus' promtool from Debian's
# package. About 2 minutes on two cores the first time, seconds later.
set -eu
cd "$(dirname "$0")/.."
tools=.build/tools/bin
[ -x $tools/helm ] && [ -x $tools/judge ] || echo "test-tools: building Helm and the judge of packages; about 2 minutes on two cores" >&2
scripts/build-go-tool.sh tests/packages/helm helm.sh/helm/v3/cmd/helm $tools/helm
scripts/build-go-tool.sh tests/packages/judge . $tools/judge
command -v promtool >/dev/null || ! command -v apt-get >/dev/null || scripts/unpack-debian.sh .build/debian/prometheus prometheus ||
    echo "test-tools: without promtool the alert rules aren't tested" >&2
