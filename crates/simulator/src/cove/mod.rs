//! Cove's dialect: a Management Service as its public documents and clients describe it, with its own traps.
//!
//! A request goes through `rpc` (envelope, visa, faults) to one function of `partners` or `devices`, on the estate that `world`
//! keeps in a file: a tree of partners with devices, each with several data sources, which the items of the bridge contract
//! have no place for. Beside it `console` stands for what people do at Cove's own console. Everything that no source says, such
//! as most error numbers, is marked as invented where it is made up.

mod columns;
mod console;
mod devices;
mod door;
mod fault;
mod modes;
mod partner;
mod partners;
mod platform;
mod rpc;
mod shared;
mod world;

pub use door::CoveCredentials;
pub use modes::{CoveModes, Names};
pub use platform::{CoveOptions, CovePlatform};
