//! The operator's own tasks on a client, drivers and a clock of a test's: for simulations of the whole.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use tokio::sync::Mutex;

use super::{
    clock,
    embedding::Embedding,
    start::{Operator, Settings},
};
use crate::platform::Registry;

/// An operator without identity file, embedded platform and HTTP server.
pub struct Simulated(Operator);

impl Simulated {
    /// Starts it. Its Leases are in the namespace `holdfast-system`.
    pub fn start(client: &Client, drivers: Registry, identity: &str) -> Self {
        let nowhere = ([127, 0, 0, 1], 0).into();
        Self(Operator::start(
            client,
            Settings {
                drivers,
                embedding: Arc::new(Mutex::new(Embedding::new(None, nowhere))),
                namespaces: Vec::new(),
                lease_namespace: crate::api::names::OPERATOR_NAMESPACE.into(),
                invoices_namespace: None,
                identity: identity.into(),
            },
        ))
    }

    /// Stops it in order: running passes end, and the Leases are given back.
    pub async fn stop(self) {
        self.0.stop().await;
    }

    /// Ends its controllers and sweeps where they are. What they have sent may still be carried out.
    pub fn kill(self) {
        self.0.kill();
    }
}

/// What time it is.
pub fn now() -> Timestamp {
    clock::now()
}

/// A simulation begins on this thread, at this time.
pub fn begin(now: Timestamp) {
    clock::begin_simulation(now);
}

/// From now on it is this time on this thread, and time passes with tokio's clock.
pub fn set_time(now: Timestamp) {
    clock::simulate(now);
}
