//! What the check asks of a bridge, one line each. `docs/bridge.md` lists them with what to do.

/// One thing that the contract asks.
#[derive(Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Its name in reports and documents.
    pub id: &'static str,
    /// The part of the contract that it belongs to.
    pub group: &'static str,
    /// What is asked.
    pub text: &'static str,
}

macro_rules! requirements {
    ($($name:ident: $group:literal, $id:literal, $text:literal;)*) => {
        $(
            pub(crate) const $name: &Requirement = &Requirement { id: $id, group: $group, text: $text };
        )*
        /// Every requirement, in the order of reports.
        pub const ALL: &[&Requirement] = &[$($name),*];
    };
}

requirements! {
    TOKEN_MISSING: "Access", "token-missing", "A request without a token is refused with 401 and changes nothing";
    TOKEN_WRONG: "Access", "token-wrong", "A request with another token is refused with 401 and changes nothing";
    CAPABILITIES: "Discovery", "capabilities", "The capabilities tell version, mode, account, verbs, settings and units";
    REPEATABLE: "Discovery", "repeatable-create", "A bridge that creates says that creation by reference can be repeated";
    ANSWERS: "Answers", "answers", "Every answer has a status, a content type and a body of the contract";
    CREATE: "Creation", "create", "A creation answers 201 with the item: its reference, and what was sent";
    READ_BACK: "Creation", "read-back", "By id and by reference the same item is read, with its etag in the header";
    CREATE_ONCE: "Creation", "create-once", "A repeat with If-None-Match: * is refused with 412, and there is no second item";
    CREATE_EQUAL: "Creation", "create-equal", "A repeat without it answers 200 where nothing differs, and 409 where something does";
    CREATE_RACE: "Creation", "create-race", "Of creations of one reference at the same time one succeeds";
    CREATE_UNKNOWN: "Creation", "create-unknown", "A setting that the contract doesn't have is refused by its path";
    CREATE_INVALID: "Creation", "create-invalid", "A value that the contract doesn't allow is refused by its path";
    CREATE_NAME: "Creation", "create-name", "A name that is taken is refused with 409 and `conflict`";
    CREATE_EMPTY: "Creation", "create-empty", "An empty value is as good as none, and isn't returned";
    CREATE_SECRET: "Creation", "create-secret", "A password is taken and never returned";
    MERGE: "Changes", "merge", "A change touches what it names and nothing else";
    CLEAR: "Changes", "clear", "A null removes a setting";
    IF_MATCH: "Changes", "if-match", "A change without If-Match, or with an old etag, is refused with 412";
    CHANGE_UNKNOWN: "Changes", "change-unknown", "A change of a setting that the contract doesn't have is refused by its path";
    SWITCH: "Changes", "switch", "Suspending and activating do so, and a repeat changes nothing";
    LIST_COMPLETE: "Lists", "list-complete", "The pages of a list hold every item once, and only the last one is complete";
    LIST_ORDER: "Lists", "list-order", "A list is in order of creation and stays so";
    LIST_FILTER: "Lists", "list-filter", "Filters leave only what was asked for";
    LIST_OTHERS: "Lists", "list-others", "Clients, locations and administrators are listed, if need be as empty lists";
    ABSENT: "Removal", "absent", "What isn't there is 404 and `not-found`, by id and by reference";
    REHEARSAL: "Removal", "rehearsal", "A dry run tells what would go, gives a confirmation, and removes nothing";
    CONFIRMATION: "Removal", "confirmation", "Nothing is removed without a confirmation, or with one that is out of date";
    GUARD: "Removal", "guard", "What has something below it isn't removed: 409 and `has-dependents`";
    GONE: "Removal", "gone", "What was removed is 404 by id and by reference and in no list";
    NEW_ID: "Removal", "new-id", "An id is never used twice";
    USAGE: "Figures", "usage", "Usage has one row a customer and one a tenant, with figures that add up";
    HEALTH: "Figures", "health", "Health has at most one row a tenant, with figures that add up";
    POOL: "Figures", "pool", "The pool of licences can be read";
    TRAIL: "Trail", "trail", "Where there is an audit trail, or statistics, it is as the contract has it";
    OTHERS: "Afterwards", "others-untouched", "What others have is as it was";
    NOTHING_LEFT: "Afterwards", "nothing-left", "Nothing that the check made is left";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    // R-N19
    #[test]
    fn the_guide_lists_every_requirement() {
        let guide = include_str!("../../../docs/bridge.md");
        for requirement in ALL {
            let row = format!("| `{}` | {} |", requirement.id, requirement.text);
            assert!(guide.contains(&row), "docs/bridge.md lacks {row}");
        }
    }
}
