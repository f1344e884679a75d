//! The `holdfast` binary: parses the command line and hands over to the library.

use std::process::ExitCode;

/// Gives back what it doesn't need; set up in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    holdfast::cli::main()
}
