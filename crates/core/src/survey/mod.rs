//! What is known, collected for one decision: resources, which of them holds which object, which was granted how much, and one
//! platform as far as it is known. Looks things up; decides nothing, sends no request. The operator and `holdfast plan` use
//! the same survey.

mod account;
mod around;
mod below;
mod billed;
mod books;
mod cache;
mod commons;
mod declared;
mod gather;
mod index;
mod inherited;
mod kinds;
mod lookup;
mod neighbours;
mod observation;
mod opening;
mod platform_view;
mod quotas;
mod referrers;
mod scope;
mod stand_in;
mod standing;
mod stores;
#[cfg(test)]
mod tests;
mod unreadable;

pub use account::{AccountKey, Origin};
pub use billed::{figures, finals, unread};
pub use cache::{Cache, Shelf, Store};
pub use commons::Commons;
pub use declared::{created_at, noted_id, resource_ref};
pub use gather::gather;
pub use index::{Index, ResourceRef};
pub use kinds::{Managed, Own};
pub use observation::Observation;
pub use platform_view::{PlatformKey, PlatformView, Reports, Terms};
pub use quotas::Quotas;
pub use referrers::{Named, Referrers, named};
pub use scope::Survey;
pub use stores::Stores;
pub use unreadable::{AnyRef, UnreadableResources};
