//! Druva's dialect of the embedded platform over HTTP. Every request and every answer is checked against Druva's own
//! document, `tests/contracts/druva-msp.openapi.json`, so that the dialect can't drift into fantasy.

mod access;
mod contract;
mod customers;
mod faults;
mod reads;
mod reports;
mod scale;
mod support;
mod tenants;
