//! What a customer's manifest can say, from the YAML to the platform and back: names kept, passwords rotated, clients moved,
//! mail sent, data placed, figures shown.

mod clients;
mod figures;
mod inherited;
mod look;
mod once;
mod pictures;
mod record;
mod refusals;
mod secrecy;
mod settings;
