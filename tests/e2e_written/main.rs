//! What the operator writes into the cluster is always taken there, whatever people and platforms write.

#[path = "../support/mod.rs"]
mod support;

mod marks;
mod status;
