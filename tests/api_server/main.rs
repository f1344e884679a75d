//! What a real API server makes of the CRDs, the policies and the manifests; no operator runs.

use holdfast_testkit::Program;

mod admission;
mod examples;
mod manifests;
mod readable;
mod schema;
mod status;

/// The program under test.
pub const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));
