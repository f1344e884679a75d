//! Partners in the form of a write: only what changes, and no empty text.

use serde_json::{Map, Value, json};

use super::{
    account::Root,
    mapping::{ADDRESS, ADMISSION, COMPANY, WORDS, is_too_high},
    mark,
    partner::Partner,
};
use crate::{
    Problem, ProblemKind,
    api::Kind,
    estate::{Claim, is_empty},
    wire::invalid,
};

/// What a document or patch says about a path: a group that is null clears all in it.
fn stated<'a>(document: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match document.get(first)? {
        value if rest.is_empty() => Some(value),
        Value::Object(group) => stated(group, rest),
        value => value.is_null().then_some(value),
    }
}

fn text<'a>(document: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    stated(document, path)?
        .as_str()
        .filter(|text| !text.is_empty())
}

fn number(document: &Map<String, Value>, path: &str) -> Result<Option<i64>, Problem> {
    let Some(text) = text(document, path) else {
        return Ok(None);
    };
    let wrong = || {
        invalid(
            Some(path),
            format!("{text:?} isn't an id of Cove, which is a number"),
        )
    };
    text.parse().map(Some).map_err(|_| wrong())
}

fn parent_path(kind: Kind) -> &'static str {
    if kind == Kind::Reseller {
        "parentId"
    } else {
        "resellerId"
    }
}

fn state(stage: &str) -> &'static str {
    if stage == "Production" {
        "InProduction"
    } else {
        "InTrial"
    }
}

/// A new partner, under a name that carries the claim. Everything that Cove would choose itself is said: the state, both
/// service types, the location.
///
/// # Errors
/// A value that is missing, or that Cove wouldn't take.
pub(super) fn created(
    kind: Kind,
    claim: &Claim,
    document: &Map<String, Value>,
    root: &Root,
) -> Result<Map<String, Value>, Problem> {
    let name = text(document, "name").ok_or_else(|| invalid(Some("name"), "Cove needs a name"))?;
    let level = match kind {
        Kind::Customer => "EndCustomer",
        _ => text(document, "level").unwrap_or("Reseller"),
    };
    let parent = number(document, parent_path(kind))?;
    fits_below_the_top(parent.unwrap_or(root.id), level, root)?;
    let location = number(document, "storageLocation")?;
    if kind == Kind::Customer && location.is_none() {
        return Err(Problem {
            kind: ProblemKind::LocationRequired,
            remedy: Some(
                "State storageLocation, or a country that Cove has a location for: where data is kept can't be changed afterwards"
                    .to_owned(),
            ),
            ..invalid(Some("storageLocation"), "Cove would choose where data is kept")
        });
    }
    let service = text(document, "serviceType").unwrap_or("AllInclusive");
    let passed_on = stated(document, "childServiceTypes").filter(|words| !is_empty(words));
    let mut partner = Map::from_iter([
        ("ParentId".to_owned(), json!(parent.unwrap_or(root.id))),
        ("Name".to_owned(), mark::provisional(name, claim).into()),
        ("Level".to_owned(), level.into()),
        ("ServiceType".to_owned(), service.into()),
        (
            "ChildServiceTypes".to_owned(),
            passed_on.cloned().unwrap_or_else(|| json!([service])),
        ),
        (
            "State".to_owned(),
            // What happens at the end of a trial isn't documented: backups may stop.
            state(text(document, "stage").unwrap_or("Production")).into(),
        ),
    ]);
    if let Some(location) = location {
        partner.insert("LocationId".to_owned(), location.into());
    }
    if let Some(country) = text(document, "country") {
        partner.insert("DeviceCountry".to_owned(), country.into());
    }
    if let Some(company) = company(None, document) {
        partner.insert("Company".to_owned(), company.into());
    }
    Ok(partner)
}

/// Refuses a level that can't stand directly below the partner at the top, which is no object of ours that a rule could look at.
fn fits_below_the_top(parent: i64, level: &str, root: &Root) -> Result<(), Problem> {
    if parent != root.id || !is_too_high(level, &root.level) {
        return Ok(());
    }
    let detail = format!("a {level} can't be below {}, a {}", root.name, root.level);
    Err(invalid(Some("level"), detail))
}

/// What of a partner changes, without its id. A partial update: everything else stays.
///
/// # Errors
/// A value that Cove can't clear or change.
pub(super) fn changed(
    kind: Kind,
    before: &Partner,
    claim: Option<&Claim>,
    patch: &Map<String, Value>,
    root: &Root,
) -> Result<Map<String, Value>, Problem> {
    let mut partner = Map::new();
    for (path, member) in [
        ("name", "Name"),
        ("level", "Level"),
        ("serviceType", "ServiceType"),
        ("childServiceTypes", "ChildServiceTypes"),
    ] {
        match stated(patch, path) {
            Some(value) if is_empty(value) => return Err(unclearable(path)),
            Some(value) => drop(partner.insert(member.to_owned(), value.clone())),
            None => {}
        }
    }
    if stated(patch, parent_path(kind)).is_some() {
        let parent = number(patch, parent_path(kind))?.unwrap_or(root.id);
        partner.insert("ParentId".to_owned(), parent.into());
    }
    if partner.contains_key("ParentId") || partner.contains_key("Level") {
        let parent = partner.get("ParentId").and_then(Value::as_i64);
        let level = partner.get("Level").and_then(Value::as_str);
        let level = level.or(before.level.as_deref()).unwrap_or_default();
        fits_below_the_top(parent.unwrap_or(before.parent_id), level, root)?;
    }
    if let Some(stage) = stated(patch, "stage") {
        let state = advanced(before, stage)?;
        partner.extend(state.map(|state| ("State".to_owned(), state.into())));
    }
    if let Some(code) = reference(before, claim, patch)? {
        partner.insert("ExternalCode".to_owned(), code.into());
    }
    if let Some(company) = company(before.company.as_ref(), patch) {
        partner.insert("Company".to_owned(), company.into());
    }
    Ok(partner)
}

/// The state to write; none where somebody has written it meanwhile. Trial to production is the one change that is documented.
fn advanced(before: &Partner, stage: &Value) -> Result<Option<&'static str>, Problem> {
    let held = before.state.as_deref().unwrap_or("InTrial");
    match (held, stage.as_str()) {
        (held, Some(stage)) if held == state(stage) => Ok(None),
        ("InTrial", Some("Production")) => Ok(Some("InProduction")),
        _ => Err(Problem {
            kind: ProblemKind::Unsupported,
            remedy: Some("Change it at the console, or remove stage from the spec".to_owned()),
            ..invalid(
                Some("stage"),
                format!("Cove has it in state {held}, and only InTrial can become production"),
            )
        }),
    }
}

/// The customer reference with our claim and the number of the spec, if it changes.
fn reference(
    before: &Partner,
    claim: Option<&Claim>,
    patch: &Map<String, Value>,
) -> Result<Option<String>, Problem> {
    let held = before.reference();
    let mut next = held.clone();
    if let Some(claim) = claim {
        if held.claim.as_ref().is_some_and(|held| held != claim) {
            let detail = "its customer reference carries the mark of another owner";
            return Err(Problem {
                kind: ProblemKind::PreconditionFailed,
                ..invalid(None, detail)
            });
        }
        next.claim = Some(claim.clone());
    }
    if let Some(reference) = stated(patch, "reference") {
        reference
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut next.foreign);
    }
    if next == held {
        return Ok(None);
    }
    next.written()
        .map(Some)
        .ok_or_else(|| unclearable("reference"))
}

/// Cove's word for what a patch says of it, if it says anything.
///
/// # Errors
/// It is to be cleared: Cove can't be told that nobody has chosen.
pub(super) fn deployment(patch: &Map<String, Value>) -> Result<Option<&'static str>, Problem> {
    let Some(group) = patch.get("clients") else {
        return Ok(None);
    };
    let wanted = match group.get("admission") {
        None if group.is_object() => return Ok(None),
        wanted => wanted.and_then(Value::as_str).unwrap_or_default(),
    };
    let word = WORDS.iter().find(|(own, _)| *own == wanted);
    let word = word.ok_or_else(|| unclearable(ADMISSION))?;
    Ok(Some(word.1))
}

fn unclearable(field: &str) -> Problem {
    Problem {
        kind: ProblemKind::Unsupported,
        remedy: Some("Clear it at the console, or state another value".to_owned()),
        ..invalid(
            Some(field),
            format!("Cove's interface has no known way to clear {field}"),
        )
    }
}

/// The company profile with the changes of a document, whole: whether Cove replaces or merges it isn't known, and the whole is
/// right either way. `None` when nothing in it changes. A cleared text is left out.
fn company(
    held: Option<&Map<String, Value>>,
    document: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let mut company = held.cloned().unwrap_or_default();
    let mut changes = false;
    let mut set = |of: &mut Map<String, Value>, path: &str, member: &str| {
        if let Some(value) = stated(document, path) {
            changes = true;
            of.insert(member.to_owned(), value.clone());
        }
    };
    for (path, member) in COMPANY {
        set(&mut company, path, member);
    }
    let address = company.remove("PostAddress");
    let mut address = address.as_ref().and_then(Value::as_object).cloned();
    for (path, member) in ADDRESS {
        set(address.get_or_insert_default(), path, member);
    }
    let mut address = address.unwrap_or_default();
    address.retain(|_, value| !is_empty(value));
    company.retain(|_, value| !is_empty(value));
    if !address.is_empty() {
        company.insert("PostAddress".to_owned(), address.into());
    }
    changes.then_some(company)
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-V4
    #[test]
    fn a_patch_says_enable_disable_or_nothing() {
        let of = |patch: Value| deployment(patch.as_object().expect("a patch"));
        let admits = |word: &str| json!({"clients": {"admission": word}});
        assert_eq!(of(admits("Automatic")).ok(), Some(Some("Enable")));
        assert_eq!(of(admits("Listed")).ok(), Some(Some("Disable")));
        assert_eq!(of(json!({"name": "a"})).ok(), Some(None));
        assert!(of(json!({"clients": null})).is_err());
        assert!(of(json!({"clients": {"admission": null}})).is_err());
    }
}
