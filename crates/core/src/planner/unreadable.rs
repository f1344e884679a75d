//! An object that the platform shows and that can't be read: it exists, and is left unchanged.

use super::View;
use crate::estate::Object;

/// The settlement where the object of a resource can't be read; or another object, in the place where it would be created.
pub fn told(view: &View<'_>) -> Option<String> {
    let remote = &view.remote;
    let known = remote.known.as_ref().map(|seen| &seen.object);
    let own = remote
        .claimed
        .as_ref()
        .or(remote.disagreeing.as_ref())
        .or(known);
    let object = match own {
        Some(own) => own,
        None => {
            &remote
                .namesakes
                .iter()
                .find(|seen| seen.object.unreadable.is_some())?
                .object
        }
    };
    of(object)
}

/// The message about an object, if it can't be read.
pub fn of(object: &Object) -> Option<String> {
    let why = object.unreadable.as_ref()?;
    Some(format!(
        "{} {} exists on the platform but can't be read: {why}. Nothing is written to it until it can be read. Correct it at the platform's console; reconciliation then continues.",
        object.kind.as_str(),
        object.id
    ))
}
