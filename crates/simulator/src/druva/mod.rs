//! Druva's dialect: the same estate behind the wire of Druva's Managed Services Center.
//!
//! A request goes through `routes` to one function of `lists`, `writes`, `quota` or `reports`. What is written is
//! judged at once (`customers`, `tenants`, `rules`) and becomes a task; `effects` carries it out when its time has come, which
//! every request looks for first. Beside it the bridge's routes stand for Druva's console.

mod body;
mod console;
mod customers;
mod dialect;
mod door;
mod effects;
mod events;
mod extra;
mod features;
mod ids;
mod lists;
mod moment;
mod paging;
mod platform;
mod quota;
mod refusal;
mod reports;
mod routes;
mod rules;
mod tasks;
mod tenants;
mod view;
mod writes;

pub use door::DruvaCredentials;
pub use platform::{DruvaOptions, DruvaPlatform};

pub(super) use extra::Extra;
pub(super) use paging::Cursor;
pub(super) use refusal::{Refusal, refuse};
