//! The `holdfast` binary: parses the command line and calls the library.

use std::process::ExitCode;

/// Returns unused memory to the system; set up in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    holdfast::cli::main()
}
