//! Removal: asked first, guarded, confirmed, and then for good.

use serde_json::Value;

use crate::{
    finding::{Checked, Finding, ensure, short},
    kind::{Kind, document, value},
    line::Ask,
    requirement::{ABSENT, CONFIRMATION, GONE, GUARD, NEW_ID, REHEARSAL},
    session::{Ours, Session, id},
};

impl Session {
    pub(crate) async fn check_absence(&mut self, kind: Kind) {
        let result = self.absent(kind).await;
        self.note(ABSENT, Some(kind.plural()), result);
    }

    async fn absent(&mut self, kind: Kind) -> Checked {
        let nobody = format!("{}-nobody", self.prefix);
        for path in [
            &[kind.plural(), nobody.as_str()][..],
            &[kind.plural(), "by-ref", nobody.as_str()][..],
        ] {
            let answer = self.line.send(Ask::get(path)).await?;
            answer.refused(&[404], "not-found")?;
        }
        Ok(())
    }

    /// Judges the guards of a kind, on items made for that.
    pub(crate) async fn check_guard(&mut self, kind: Kind) {
        let result = self.guard_of(kind).await;
        self.note(GUARD, Some(kind.plural()), result);
    }

    async fn guard_of(&mut self, kind: Kind) -> Checked {
        let (below, letter) = match kind {
            Kind::Customer | Kind::Plan => (Kind::Tenant, 'd'),
            Kind::Reseller => (Kind::Customer, 'f'),
            Kind::Tenant => return Err(Finding::not_offered("nothing is below a tenant")),
        };
        let placed = kind != Kind::Reseller || self.offers.fields[&below].contains("resellerId");
        if self.why_not(below).is_some() || !placed {
            return Err(Finding::not_offered("nothing can be made below it"));
        }
        let (above, below) = (self.piece(kind, 'd')?, self.piece(below, letter)?);
        self.guard(&above, &below).await
    }

    async fn guard(&mut self, above: &Ours, below: &Ours) -> Checked {
        let (preview, confirm) = self.rehearse(above).await?;
        let told = preview["refused"].as_array().is_some_and(|refused| {
            let mut refused = refused.iter();
            refused.any(|problem| problem["type"] == "urn:holdfast:problem:has-dependents")
        });
        let ask = Self::removal(above).query("confirm", confirm);
        let answer = self.line.send(ask).await?;
        answer.refused(&[409], "has-dependents")?;
        for ours in [above, below] {
            ensure(
                self.read(ours).await?.is_some(),
                "what was refused removes nothing",
                format!("one of the {} is gone", ours.kind.plural()),
            )?;
        }
        ensure(
            told,
            "the dry run tells has-dependents in `refused`",
            "it doesn't",
        )
    }

    /// Judges the removal of `a`.
    pub(crate) async fn check_removal(&mut self, kind: Kind) {
        let about = Some(kind.plural());
        let rehearsed = self.rehearsal(kind).await;
        self.note(REHEARSAL, about, rehearsed);
        let confirmed = self.confirmation(kind).await;
        self.note(CONFIRMATION, about, confirmed);
        let gone = self.gone(kind).await;
        self.note(GONE, about, gone);
        let renewed = self.new_id(kind).await;
        self.note(NEW_ID, about, renewed);
    }

    /// The item to remove, while it is there.
    async fn candidate(&mut self, kind: Kind) -> Checked<Ours> {
        let ours = self.piece(kind, 'a')?;
        let now = self.read(&ours).await?;
        now.ok_or_else(|| Finding::not_checked("the item is gone already"))
    }

    async fn rehearsal(&mut self, kind: Kind) -> Checked {
        let ours = self.candidate(kind).await?;
        let (preview, confirm) = self.rehearse(&ours).await?;
        ensure(!confirm.is_empty(), "a confirmation", "none")?;
        let refused = preview["refused"].as_array();
        ensure(
            refused.is_some_and(Vec::is_empty),
            "nothing in `refused`, since nothing hangs on it",
            short(&preview["refused"]),
        )?;
        ensure(
            self.read(&ours).await?.is_some(),
            "a dry run removes nothing",
            "the item is gone",
        )
    }

    async fn confirmation(&mut self, kind: Kind) -> Checked {
        let ours = self.candidate(kind).await?;
        let unconfirmed = self.line.send(Self::removal(&ours)).await?;
        let there = self.read(&ours).await?;
        ensure(
            there.is_some(),
            "nothing is removed without a confirmation",
            "the item is gone",
        )?;
        unconfirmed.refused(&[409], "confirmation-required")?;
        let path = self.settings(kind).first().copied();
        let Some(path) = path.filter(|_| self.can("Update", kind)) else {
            return Ok(());
        };
        let (_, confirm) = self.rehearse(&ours).await?;
        let patch = document(path, value(path, 9));
        let ask = Self::change(&ours, Some(&ours.etag), patch);
        self.line.send(ask).await?.expect(&[200])?;
        let ask = Self::removal(&ours).query("confirm", confirm);
        let outdated = self.line.send(ask).await?;
        ensure(
            self.read(&ours).await?.is_some(),
            "nothing is removed with a confirmation from before a change",
            "the item is gone",
        )?;
        outdated.refused(&[409], "confirmation-required")
    }

    async fn gone(&mut self, kind: Kind) -> Checked {
        let ours = self.candidate(kind).await?;
        self.remove(&ours).await?;
        for path in [
            &[kind.plural(), ours.id.as_str()][..],
            &[kind.plural(), "by-ref", ours.reference.as_str()][..],
        ] {
            let answer = self.line.send(Ask::get(path)).await?;
            answer.refused(&[404], "not-found")?;
        }
        let limit = self.offers.page_size;
        let listed = self.walk(kind.plural(), limit, &[]).await?;
        ensure(
            listed.iter().all(|item| id(item) != ours.id),
            "what was removed is in no list",
            "it is in one",
        )?;
        let again = self.line.send(Self::removal(&ours)).await?;
        again.refused(&[404], "not-found")
    }

    /// Makes again what was removed: another item under the same reference.
    async fn new_id(&mut self, kind: Kind) -> Checked {
        let before = self.piece(kind, 'a')?;
        if self.read(&before).await?.is_some() {
            return Err(Finding::not_checked("the item couldn't be removed"));
        }
        let body = self.body(kind, 'a')?;
        let given = self.letters(kind);
        let after = self.make(kind, 'a', body).await?;
        ensure(
            given.iter().all(|(_, id)| *id != after.id),
            "an id that was never given before",
            format!("{:?}, which was", after.id),
        )
    }

    /// Whether items of a kind can be made, and removed again.
    pub(crate) fn makes(&self, kind: Kind) -> bool {
        self.can("Create", kind) && self.can("Delete", kind) && self.before.contains_key(&kind)
    }
}

/// A number of a report.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}
