//! A Ceph Object Gateway, which nobody here wrote, with real backups by restic. There is no mock of it: without a gateway these
//! tests say that they were skipped; `make test-ceph` starts one.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

mod before;
mod behind_our_back;
mod beside;
mod exported;
mod faults;
mod gateway;
mod health;
mod killed;
mod life;
mod places;
mod tenants;
mod unasked;

use holdfast_testkit::{Program, operator::Stage};
use serde_json::Value;

/// The program under test.
pub const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));

/// A customer with further fields of its spec.
pub fn customer(name: &str, platform: &str, more: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: {platform}}}, displayName: \"Customer {name}\"{more}}}\n"
    )
}

/// The uid of a customer's user.
pub fn uid(stage: &Stage, name: &str) -> String {
    let object = stage.get(&format!("customer/{name}"));
    let id = object.pointer("/status/externalId").and_then(Value::as_str);
    id.expect("it is on the gateway").to_owned()
}
