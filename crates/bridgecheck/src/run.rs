//! The order of the checks.

use crate::{
    finding::Finding,
    kind::Kind,
    requirement::{
        ABSENT, CHANGE_UNKNOWN, CLEAR, CONFIRMATION, CREATE, CREATE_EMPTY, CREATE_EQUAL,
        CREATE_INVALID, CREATE_NAME, CREATE_ONCE, CREATE_RACE, CREATE_SECRET, CREATE_UNKNOWN, GONE,
        GUARD, IF_MATCH, LIST_COMPLETE, LIST_FILTER, LIST_ORDER, MERGE, NEW_ID, READ_BACK,
        REHEARSAL, Requirement, SWITCH,
    },
    session::Session,
};

/// What needs an item of ours.
const WITH_ITEMS: [&Requirement; 22] = [
    CREATE,
    READ_BACK,
    CREATE_ONCE,
    CREATE_EQUAL,
    CREATE_RACE,
    CREATE_UNKNOWN,
    CREATE_INVALID,
    CREATE_NAME,
    CREATE_EMPTY,
    CREATE_SECRET,
    MERGE,
    CLEAR,
    IF_MATCH,
    CHANGE_UNKNOWN,
    SWITCH,
    LIST_ORDER,
    LIST_FILTER,
    REHEARSAL,
    CONFIRMATION,
    GUARD,
    GONE,
    NEW_ID,
];

impl Session {
    /// Runs every check. Whatever becomes of it, [`Session::finish`] comes afterwards.
    ///
    /// # Errors
    /// The bridge can't be reached: why.
    pub async fn run(&mut self) -> Result<(), String> {
        let reached = self
            .line
            .send(crate::line::Ask::get(&["capabilities"]))
            .await;
        reached.map_err(|finding| finding.seen)?;
        self.check_access().await;
        if !self.check_discovery().await {
            return Ok(());
        }
        self.look_around().await;
        for kind in Kind::ALL {
            if !self.before.contains_key(&kind) {
                self.pass_over(kind, Finding::not_checked("its list can't be read"));
                continue;
            }
            self.check_absence(kind).await;
            if let Some(finding) = self.why_not(kind) {
                // It was read whole a moment ago.
                self.note(LIST_COMPLETE, Some(kind.plural()), Ok(()));
                self.pass_over(kind, finding);
            } else {
                self.check_creation(kind).await;
                self.check_changes(kind).await;
                self.check_lists(kind).await;
            }
        }
        self.check_figures().await;
        let made = Kind::ALL.into_iter().rev();
        let made: Vec<Kind> = made.filter(|kind| self.why_not(*kind).is_none()).collect();
        for kind in &made {
            self.check_guard(*kind).await;
        }
        for kind in made {
            self.check_removal(kind).await;
            self.clear_scene(kind).await;
        }
        Ok(())
    }

    /// Why no item of a kind is made.
    pub(crate) fn why_not(&self, kind: Kind) -> Option<Finding> {
        if let Some(why) = &self.offers.read_only {
            return Some(Finding::not_offered(why));
        }
        if !self.can("Create", kind) {
            let why = format!("{} isn't among the verbs", kind.verb("Create"));
            return Some(Finding::not_offered(why));
        }
        if !self.makes(kind) {
            let (create, delete) = (kind.verb("Create"), kind.verb("Delete"));
            let why = format!(
                "{create} is among the verbs and {delete} isn't: what the check made would stay"
            );
            return Some(Finding::not_offered(why));
        }
        None
    }

    fn pass_over(&mut self, kind: Kind, finding: Finding) {
        if !self.before.contains_key(&kind) {
            self.note(ABSENT, Some(kind.plural()), Err(finding.clone()));
        }
        for requirement in WITH_ITEMS {
            self.note(requirement, Some(kind.plural()), Err(finding.clone()));
        }
    }

    /// Removes what is left of a kind, so that what is above it has nothing below. What fails here, fails again at the end
    /// and is told there.
    async fn clear_scene(&mut self, kind: Kind) {
        let ours: Vec<_> = self
            .scene
            .iter()
            .filter(|((of, _), _)| *of == kind)
            .map(|(_, ours)| ours.clone())
            .collect();
        for ours in ours {
            let _ = self.remove(&ours).await;
        }
    }
}
