#!/bin/sh
# Builds target/release/holdfast, saying how far it is.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$HOME/.cargo/bin # where rustup puts it
command -v cargo >/dev/null || {
    echo "holdfast: needs Rust 1.89 or newer, and found no 'cargo' on the PATH. Get it from https://rustup.rs/, then run make again." >&2
    exit 1
}
command -v cc >/dev/null || {
    echo "holdfast: needs a C compiler for SQLite and found no 'cc' on the PATH. Install gcc or clang from your system's packages, then run make again." >&2
    exit 1
}
exec scripts/with-progress.sh holdfast cargo build --release --locked --quiet
