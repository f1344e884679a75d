//! What the operator writes into the cluster is always taken there, whatever people and platforms write.

mod marks;
mod status;
