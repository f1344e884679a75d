#!/bin/sh
# Everything that must pass. The tests share one control plane, started here and ended with them.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin
command -v cargo >/dev/null || {
    echo "test: needs Rust 1.89 or newer, and found no 'cargo' on the PATH. Get it from https://rustup.rs/, then run make again." >&2
    exit 1
}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
echo "test: formatting, lints, documentation" >&2
make --no-print-directory lint
echo "test: the mutants still apply" >&2
CHECK=1 scripts/mutants.sh
echo "test: building the tests" >&2
scripts/with-progress.sh tests cargo test --workspace --locked --no-run --quiet
echo "test: the image" >&2
scripts/test-image.sh target/debug/holdfast
echo "test: the stories on a real Ceph Object Gateway aren't among these: make test-ceph" >&2
# The end-to-end tests wait for others half of the time: two to a core.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(getconf _NPROCESSORS_ONLN) * 2))}"
# The control plane and kubectl collect their garbage more seldom: 8 % less work for two cores. There are no tests in docs.
export GOGC="${GOGC:-400}"
exec .build/controlplane exec --dir .test/controlplane --delete -- cargo test --workspace --locked --tests
