//! What all requests on Druva's wire share.

use std::{sync::Arc, time::Duration};

use super::{door::Door, ids::Ids, tasks::Agenda};
use crate::estate::Estate;

/// One estate behind Druva's wire.
pub(super) struct Dialect {
    pub estate: Arc<Estate>,
    pub door: Door,
    pub ids: Ids,
    pub agenda: Agenda,
    /// How long a task takes.
    pub task_delay: Duration,
    /// Whether the account may configure quotas for each consumption parameter.
    pub quota_configurations: bool,
}
