//! What an export leaves out, said as comments where it is missing. R-N4

use crate::{
    api::{BackupPlatform, Kind},
    estate::{Capabilities, Object, Unread, fields},
    planner::spec_field,
};

/// Pictures, of which platforms tell the digest.
const PICTURES: [&str; 2] = ["branding.logo", "branding.icon"];
/// Entries named of a list.
const NAMED: usize = 20;

/// What of an object isn't in its manifest although it is on the platform, or may be.
pub fn of_object(object: &Object, hidden_name_is_known: bool) -> Vec<String> {
    let settings = &object.settings;
    let mut gaps = Vec::new();
    if object.kind == Kind::Customer
        && settings.flag("hideName") == Some(true)
        && !hidden_name_is_known
    {
        gaps.push(
            "displayName: the platform doesn't have the name of a hidden customer; the one above is what it is called there."
                .to_owned(),
        );
    }
    let has = |path: &str| settings.text(path).is_some_and(|text| !text.is_empty());
    if has("webAccess.username") || has("webAccess.passwordTag") {
        gaps.push(
            "webAccess.passwordRef: passwords aren't told by platforms. Left out, the password stays as it is."
                .to_owned(),
        );
    }
    for picture in PICTURES.into_iter().filter(|picture| has(picture)) {
        let field = spec_field(object.kind, picture);
        gaps.push(format!(
            "{field}: pictures are told by their digest only. Left out, the picture stays as it is."
        ));
    }
    if let Some(why) = &object.unreadable {
        gaps.push(format!("What can't be read: {why}."));
    }
    gaps
}

/// What of the whole platform isn't in the manifests.
pub fn of_platform(
    platform: &BackupPlatform,
    capabilities: &Capabilities,
    unread: &Unread,
) -> Vec<String> {
    let mut gaps = Vec::new();
    let driver = platform.spec.driver();
    if let Some(secret) = driver.and_then(|driver| driver.credentials().cloned()) {
        gaps.push(format!(
            "Secret {}: secrets aren't exported. It has to be in the namespace already.",
            secret.name
        ));
    }
    gaps.extend(
        Kind::ALL
            .iter()
            .filter_map(|kind| untold(capabilities, *kind)),
    );
    for item in &unread.named {
        let id = item.id.as_deref().unwrap_or("without a readable id");
        gaps.push(format!(
            "{} {id}: it can't be read: {}.",
            item.kind, item.why
        ));
    }
    let unnamed = unread.count() - (unread.named.len() as u64).min(unread.count());
    if unnamed > 0 {
        gaps.push(format!(
            "Objects that can't be read and aren't named here: {unnamed}."
        ));
    }
    gaps
}

/// The fields of a kind that the platform's interface doesn't have.
fn untold(capabilities: &Capabilities, kind: Kind) -> Option<String> {
    if !capabilities.knows(kind) {
        return Some(format!(
            "{kind}: the platform has none, so none is exported."
        ));
    }
    let mut untold: Vec<String> = fields(kind)
        .iter()
        .filter(|field| !capabilities.takes(kind, field.path))
        .map(|field| spec_field(kind, field.path))
        .map(|field| field.split('.').next().unwrap_or_default().to_owned())
        .collect();
    untold.dedup();
    if untold.is_empty() {
        return None;
    }
    let rest = untold.len().saturating_sub(NAMED);
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    untold.truncate(NAMED);
    Some(format!(
        "{kind}: this platform's interface doesn't take, or not wholly: {}{more}. What it doesn't tell is exported only of resources that have it already.",
        untold.join(", ")
    ))
}
