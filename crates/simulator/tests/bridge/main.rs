//! The embedded platform over HTTP. Every answer is checked against `docs/bridge.openapi.yaml`, so that the document and
//! the server can't drift apart.

mod basics;
mod faults;
mod figures;
mod guards;
mod scale;
mod support;
