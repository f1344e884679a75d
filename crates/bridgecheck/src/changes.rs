//! Changes by merge patch, under the version that was read, and switches.

use reqwest::Method;
use serde_json::{Map, Value};

use crate::{
    creation::{UNKNOWN, as_sent, refused_by_path},
    finding::{Checked, Finding, ensure, short},
    kind::{Kind, at, document, value},
    line::Ask,
    requirement::{CHANGE_UNKNOWN, CLEAR, IF_MATCH, MERGE, SWITCH},
    session::{Ours, Session},
};

impl Session {
    pub(crate) async fn check_changes(&mut self, kind: Kind) {
        let about = Some(kind.plural());
        if self.can("Update", kind) {
            let merged = self.merge(kind).await;
            self.note(MERGE, about, merged);
            let cleared = self.clear(kind).await;
            self.note(CLEAR, about, cleared);
            let guarded = self.change_needs_the_version(kind).await;
            self.note(IF_MATCH, about, guarded);
            let unknown = self.change_unknown(kind).await;
            self.note(CHANGE_UNKNOWN, about, unknown);
        } else {
            let why = format!("{} isn't among the verbs", kind.verb("Update"));
            for requirement in [MERGE, CLEAR, IF_MATCH, CHANGE_UNKNOWN] {
                self.note(requirement, about, Err(Finding::not_offered(&why)));
            }
        }
        let switched = self.switch(kind).await;
        self.note(SWITCH, about, switched);
    }

    /// The item to change, as it now is, and the setting.
    async fn subject(&mut self, kind: Kind) -> Checked<(Ours, &'static str)> {
        let ours = self.piece(kind, 'a')?;
        let ours = self.read(&ours).await?;
        let ours = ours.ok_or_else(|| Finding::wrong("the item is still there", "it is gone"))?;
        match self.settings(kind).first() {
            Some(path) => Ok((ours, path)),
            None => Err(Finding::not_offered(
                "none of the settings that the check would change can be changed",
            )),
        }
    }

    async fn merge(&mut self, kind: Kind) -> Checked {
        let (before, path) = self.subject(kind).await?;
        let patch = document(path, value(path, 2));
        let ask = Self::change(&before, Some(&before.etag), patch.clone());
        let answer = self.line.send(ask).await?;
        let after = self.ours(kind, &before.reference, answer.expect(&[200])?)?;
        as_sent(&after.item, &patch)?;
        let mut rest = self.body(kind, 'a')?;
        drop_setting(&mut rest, path);
        let kept = crate::kind::lacking(&after.item, &rest);
        ensure(
            kept.is_none(),
            format!("only {path} changes"),
            format!("{} changed, too", kept.unwrap_or_default()),
        )?;
        ensure(
            after.id == before.id && after.etag != before.etag,
            "the same id, and another etag",
            format!("etag {:?} as before, or another id", after.etag),
        )?;
        let now = self.read(&after).await?;
        ensure(
            now.is_some_and(|now| {
                now.etag == after.etag && at(&now.item, path) == at(&after.item, path)
            }),
            "what was changed is read again",
            "something else is read",
        )
    }

    async fn clear(&mut self, kind: Kind) -> Checked {
        let (before, path) = self.subject(kind).await?;
        if path == "usageReport" {
            return Err(Finding::not_offered("none of its settings is a plain text"));
        }
        // A reading proxy quotes an etag; the contract takes it either way.
        let quoted = format!("\"{}\"", before.etag);
        let ask = Self::change(&before, Some(&quoted), document(path, Value::Null));
        let answer = self.line.send(ask).await?;
        let after = self.ours(kind, &before.reference, answer.expect(&[200])?)?;
        ensure(
            at(&after.item, path).is_none(),
            format!("{path} is gone after a null"),
            "it is still there",
        )
    }

    async fn change_needs_the_version(&mut self, kind: Kind) -> Checked {
        let (before, path) = self.subject(kind).await?;
        let ask = Self::change(&before, Some(&before.etag), document(path, value(path, 3)));
        self.line.send(ask).await?.expect(&[200])?;
        for etag in [None, Some(before.etag.as_str())] {
            let ask = Self::change(&before, etag, document(path, value(path, 5)));
            let answer = self.line.send(ask).await?;
            answer.refused(&[412], "precondition-failed")?;
        }
        let now = self.read(&before).await?;
        ensure(
            now.is_some_and(|now| at(&now.item, path) == Some(&value(path, 3))),
            "nothing of a refused change takes effect",
            format!("{path} has changed"),
        )
    }

    async fn change_unknown(&mut self, kind: Kind) -> Checked {
        let ours = self.piece(kind, 'a')?;
        let ours = self.read(&ours).await?;
        let ours = ours.ok_or_else(|| Finding::wrong("the item is still there", "it is gone"))?;
        let patch = document(UNKNOWN, Value::Bool(true));
        let ask = Self::change(&ours, Some(&ours.etag), patch);
        refused_by_path(&self.line.send(ask).await?, UNKNOWN)?;
        let now = self.read(&ours).await?;
        ensure(
            now.is_some_and(|now| now.etag == ours.etag),
            "nothing of a refused change takes effect",
            "the etag has moved",
        )
    }

    async fn switch(&mut self, kind: Kind) -> Checked {
        if !self.can("Suspend", kind) {
            let why = format!("{} isn't among the verbs", kind.verb("Suspend"));
            return Err(Finding::not_offered(why));
        }
        let ours = self.piece(kind, 'a')?;
        for (verb, active) in [("deactivate", false), ("activate", true)] {
            let mut etags = Vec::new();
            for _ in 0..2 {
                let path = format!("{}:{verb}", ours.id);
                let ask = Ask::new(Method::POST, &[kind.plural(), &path]);
                let answer = self.line.send(ask).await?;
                let item = answer.expect(&[200])?;
                let now = self.ours(kind, &ours.reference, item)?;
                ensure(
                    item["active"] == active,
                    format!("active {active} after {verb}"),
                    short(&item["active"]),
                )?;
                etags.push(now.etag);
            }
            ensure(
                etags[0] == etags[1],
                format!("a repeated {verb} changes nothing"),
                "the etag has moved",
            )?;
            let now = self.read(&ours).await?;
            ensure(
                now.is_some_and(|now| now.item["active"] == active),
                format!("active {active} is read after {verb}"),
                "something else",
            )?;
        }
        Ok(())
    }
}

/// Takes a setting out of a document.
fn drop_setting(document: &mut Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => {
            document.remove(path);
        }
        Some((outer, inner)) => {
            if let Some(Value::Object(members)) = document.get_mut(outer) {
                drop_setting(members, inner);
            }
        }
    }
}
