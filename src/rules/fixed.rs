//! What can't change any more once the remote object exists.

use crate::{
    api::{Kind, conditions::Reason},
    estate::{Difference, Object},
};

/// Settings that are fixed after creation.
fn fixed_settings(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Reseller => &["storageLocation"],
        Kind::ServicePlan => &["name"],
        Kind::Customer => &["accountName", "hideName", "storageLocation"],
        Kind::Tenant => &["customerId", "product"],
    }
}

/// The first difference in a fixed setting, if there is one. Serves R-D2, R-D20, R-S2.
pub fn fixed(kind: Kind, differing: &[Difference], object: &Object) -> Option<(Reason, String)> {
    let difference = differing
        .iter()
        .find(|difference| fixed_settings(kind).contains(&difference.field))?;
    let held = difference
        .observed
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let field = match (kind, difference.field) {
        (Kind::ServicePlan, "name") => "planName",
        (_, "customerId") => "customerRef",
        (_, field) => field,
    };
    if difference.field == "storageLocation" {
        let message = format!(
            "storageLocation: the platform keeps the data of {} in {held}, not in {}. Data can't be moved by changing this field: state the location in effect, and talk to the platform's support if the data is in the wrong place.",
            object.id, difference.desired
        );
        return Some((Reason::LocationMismatch, message));
    }
    let message = format!(
        "{field}: it is {held} on the platform and can't change once {} exists. State the value in effect, or make a new resource.",
        object.id
    );
    Some((Reason::InvalidSpec, message))
}
