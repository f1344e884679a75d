//! What a backup platform holds, in our terms: pure types and their comparison. No wire types, no I/O.
//!
//! An [`Object`] is a reseller, a service plan, a customer or a tenant as the platform shows it. Its [`Settings`] are leaf
//! values by dotted field path, normalised by the field's [`Shape`], so that one comparison serves every kind and a field
//! has the same name in the spec, in `ignore`, in `drift` and in the change log.

mod capability;
mod catalogue;
mod compare;
mod consumption;
mod object;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;

pub use capability::{Account, BACKUPS, CREATE, Capabilities, Capability, Creation, DELETE};
pub use catalogue::{Field, Shape, fields};
pub use compare::{Difference, differences, merge_patch};
pub use consumption::{
    Alerts, Consumption, DataSource, DataSources, HealthReport, Jobs, MonthlyConsumption, Report,
    Restores, UsageReport,
};
pub use object::{Claim, Facts, Object, ObjectId, Parent, Protection};
pub use settings::{Settings, SettingsError, spelt_for_the_wire};
pub use settings::{insert, is_empty};
pub use snapshot::{
    Administrator, Client, ItemKind, Licences, Scope, Snapshot, StorageLocation, Unread, Unreadable,
};
