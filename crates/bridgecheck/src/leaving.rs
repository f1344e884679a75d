//! Leaving as it was found: everything of ours is removed, and what others have is compared with before.

use serde_json::Value;

use crate::{
    finding::{Checked, Finding, ensure},
    kind::Kind,
    report::{LeftBehind, Report},
    requirement::{ANSWERS, NOTHING_LEFT, OTHERS},
    session::{Session, id},
};

impl Session {
    /// Removes what was made, and reports. Call it also after a check that was cut short.
    pub async fn finish(mut self) -> Report {
        let mut left = Vec::new();
        for kind in Kind::ALL.into_iter().rev() {
            let mut references: Vec<String> = self
                .asked
                .iter()
                .filter(|(of, _)| *of == kind)
                .map(|(_, reference)| reference.clone())
                .collect();
            references.sort();
            references.dedup();
            for reference in references {
                left.extend(self.remove_asked(kind, reference).await);
            }
        }
        let mut others = Ok(());
        for kind in Kind::ALL.into_iter().rev() {
            if let Err(finding) = self.compare(kind, &mut left).await {
                others = Err(finding);
            }
        }
        self.note(OTHERS, None, others);
        let cleared = ensure(
            left.is_empty(),
            "nothing is left",
            format!("{} items are still there, or may be", left.len()),
        );
        self.note(NOTHING_LEFT, None, cleared);
        self.note_answers();
        Report::new(self.line.endpoint().to_owned(), self.found, left)
    }

    /// Removes what a creation may have made. What can't be removed is told.
    async fn remove_asked(&mut self, kind: Kind, reference: String) -> Option<LeftBehind> {
        let (mut found, mut of_ours) = (false, None);
        let removed: Checked = async {
            let Some(item) = self.by_reference(kind, &reference).await? else {
                return Ok(());
            };
            found = true;
            let ours = self.ours(kind, &reference, &item)?;
            of_ours = Some(ours.id.clone());
            self.remove(&ours).await?;
            let still = self.by_reference(kind, &reference).await?;
            ensure(still.is_none(), "gone after its removal", "still there")
        }
        .await;
        let finding = removed.err()?;
        // Where the kind can't even be listed, it was asked for nothing but a refusal.
        let never = !found && !self.before.contains_key(&kind);
        (!never).then(|| self.left(kind, of_ours, reference, &finding))
    }

    fn left(
        &self,
        kind: Kind,
        id: Option<String>,
        reference: String,
        finding: &Finding,
    ) -> LeftBehind {
        let why = format!("{}: {}", finding.expected, finding.seen);
        LeftBehind {
            kind: kind.plural(),
            id,
            reference,
            why: self.line.clean(why.trim_end_matches(": ")),
        }
    }

    /// Compares a kind with before, and removes what carries our prefix and wasn't found by reference.
    async fn compare(&mut self, kind: Kind, left: &mut Vec<LeftBehind>) -> Checked {
        let Some(before) = self.before.get(&kind).cloned() else {
            return Ok(());
        };
        let limit = self.offers.page_size;
        let after = self.walk(kind.plural(), limit, &[]).await?;
        for item in after.iter().filter(|item| !before.contains_key(&id(item))) {
            let reference = item["externalRef"].as_str().unwrap_or_default().to_owned();
            let told = left.iter().any(|left| left.id.as_ref() == Some(&id(item)));
            if !told && self.bears_our_prefix(item) {
                let removed = match self.ours(kind, &reference, item) {
                    Ok(ours) => self.remove(&ours).await,
                    Err(finding) => Err(finding),
                };
                if let Err(finding) = removed {
                    left.push(self.left(kind, Some(id(item)), reference, &finding));
                }
            }
        }
        let changed = before.iter().find(|(known, etag)| {
            let now = after.iter().find(|item| id(item) == **known);
            now.is_none_or(|now| now["etag"].as_str() != Some(etag))
        });
        ensure(
            changed.is_none(),
            format!("the {} of others are as they were before", kind.plural()),
            format!(
                "{} is gone, or has another etag. The check asked for no such thing: the bridge mixed things up, or somebody else was at work",
                changed.map_or("", |(id, _)| id)
            ),
        )
    }

    fn bears_our_prefix(&self, item: &Value) -> bool {
        ["externalRef", "name"].iter().any(|member| {
            let text = item[*member].as_str();
            text.is_some_and(|text| text.starts_with(&self.prefix))
        })
    }

    /// What of all answers wasn't as the contract has it.
    fn note_answers(&mut self) {
        let violations = std::mem::take(&mut self.line.violations);
        if violations.is_empty() {
            self.note(ANSWERS, None, Ok(()));
        }
        for (place, what) in violations {
            let finding = Finding::wrong(format!("{place} as the contract has it"), what);
            self.note(ANSWERS, None, Err(finding));
        }
    }
}
