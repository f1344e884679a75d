//! One run of the check: the bridge, what it offers, what is ours, and what was found.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use data_encoding::BASE32HEX_NOPAD;
use reqwest::{
    Client, Method, Url,
    header::{IF_MATCH, IF_NONE_MATCH},
};
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::{
    finding::{Checked, Finding, ensure},
    kind::Kind,
    line::{Answer, Ask, Line},
    report::{Outcome, Verdict},
    requirement::Requirement,
};

/// What every name and reference of a check begins with, before its random part.
const MARK: &str = "holdfast-check-";
/// How often an operation that isn't done yet is asked after, once a second.
const OPERATION_PATIENCE: usize = 120;
/// Pages of one list.
const MOST_PAGES: usize = 2000;

/// What is to be judged.
pub struct Options {
    /// The client to send with; it follows no redirects.
    pub client: Client,
    /// Where the bridge is; `/v1` is added.
    pub endpoint: Url,
    /// Its bearer token.
    pub token: SecretString,
}

/// What the bridge says that it can do.
#[derive(Default)]
pub(crate) struct Offers {
    pub verbs: BTreeSet<String>,
    pub fields: BTreeMap<Kind, BTreeSet<String>>,
    pub fixed: BTreeMap<Kind, BTreeSet<String>>,
    pub default_plan: Option<String>,
    pub page_size: usize,
    /// Why nothing may be written; nothing when it may.
    pub read_only: Option<String>,
}

/// An item that the check made: it carries a reference of ours and wasn't there before. Only such an item is ever changed or
/// removed.
#[derive(Debug, Clone)]
pub(crate) struct Ours {
    pub kind: Kind,
    pub id: String,
    pub reference: String,
    pub etag: String,
    pub item: Value,
}

/// One run of the check.
pub struct Session {
    pub(crate) line: Line,
    pub(crate) prefix: String,
    pub(crate) offers: Offers,
    /// Ids and etags of what was there before, by kind; only kinds that could be listed whole.
    pub(crate) before: BTreeMap<Kind, BTreeMap<String, String>>,
    /// Every reference under which something may have been made.
    pub(crate) asked: Vec<(Kind, String)>,
    /// What the checks work on, by letter.
    pub(crate) scene: BTreeMap<(Kind, char), Ours>,
    /// A location for tenants, where there is one.
    pub(crate) region: Option<String>,
    pub(crate) found: Vec<(&'static Requirement, Outcome)>,
}

impl Session {
    /// Sets a check up. Sends nothing.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new(options: Options) -> Result<Self, getrandom::Error> {
        let mut random = [0; 5];
        getrandom::fill(&mut random)?;
        let random = BASE32HEX_NOPAD.encode(&random).to_lowercase();
        Ok(Self {
            line: Line::new(options.client, options.endpoint, options.token),
            prefix: format!("{MARK}{random}"),
            offers: Offers::default(),
            before: BTreeMap::new(),
            asked: Vec::new(),
            scene: BTreeMap::new(),
            region: None,
            found: Vec::new(),
        })
    }

    /// What all names and references of this check begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Notes what came of a check.
    pub(crate) fn note(
        &mut self,
        requirement: &'static Requirement,
        about: Option<&'static str>,
        result: Checked,
    ) {
        let (verdict, expected, seen) = match result {
            Ok(()) => (Verdict::Ok, String::new(), String::new()),
            Err(finding) => (finding.verdict, finding.expected, finding.seen),
        };
        let outcome = Outcome {
            about,
            verdict,
            expected: self.line.clean(&expected),
            seen: self.line.clean(&seen),
        };
        self.found.push((requirement, outcome));
    }

    pub(crate) fn reference(&self, kind: Kind, letter: char) -> String {
        format!("{}-{}-{letter}", self.prefix, kind.plural())
    }

    pub(crate) fn name(&self, kind: Kind, letter: char) -> String {
        format!("{} {} {letter}", self.prefix, kind.plural())
    }

    /// Whether the bridge claims a verb for a kind.
    pub(crate) fn can(&self, verb: &str, kind: Kind) -> bool {
        self.offers.verbs.contains(&kind.verb(verb))
    }

    /// What the check works on; an error where it couldn't be made.
    pub(crate) fn piece(&self, kind: Kind, letter: char) -> Checked<Ours> {
        let piece = self.scene.get(&(kind, letter)).cloned();
        piece.ok_or_else(|| {
            Finding::not_checked(format!("the {} for it couldn't be made", kind.plural()))
        })
    }

    /// A creation under a reference of ours.
    pub(crate) fn creation(
        &mut self,
        kind: Kind,
        letter: char,
        only_new: bool,
        body: Map<String, Value>,
    ) -> Ask {
        let reference = self.reference(kind, letter);
        self.asked.push((kind, reference.clone()));
        let ask = Ask::new(Method::PUT, &[kind.plural(), "by-ref", &reference]);
        let ask = ask.body("application/json", body);
        if only_new {
            ask.header(IF_NONE_MATCH, "*")
        } else {
            ask
        }
    }

    /// Makes an item for the checks to work on.
    pub(crate) async fn make(
        &mut self,
        kind: Kind,
        letter: char,
        body: Map<String, Value>,
    ) -> Checked<Ours> {
        let ask = self.creation(kind, letter, true, body);
        let answer = self.line.send(ask).await?;
        let item = self.settled(kind, letter, &answer).await?;
        let ours = self.ours(kind, &self.reference(kind, letter), &item)?;
        self.scene.insert((kind, letter), ours.clone());
        Ok(ours)
    }

    /// The item of a creation that was accepted, which may take its time.
    pub(crate) async fn settled(
        &mut self,
        kind: Kind,
        letter: char,
        answer: &Answer,
    ) -> Checked<Value> {
        if answer.status != 202 {
            return answer.expect(&[201]).cloned();
        }
        let operation = answer.body["operation"].as_str().unwrap_or_default();
        let operation = operation.to_owned();
        for _ in 0..OPERATION_PATIENCE {
            let asked = self
                .line
                .send(Ask::get(&["operations", &operation]))
                .await?;
            match asked.expect(&[200])?["state"].as_str() {
                Some("done") => {
                    let reference = self.reference(kind, letter);
                    let item = self.by_reference(kind, &reference).await?;
                    return item.ok_or_else(|| {
                        Finding::wrong(
                            "an operation that is done has made its item",
                            "there is none",
                        )
                    });
                }
                Some("failed") => {
                    return Err(Finding::wrong("the operation succeeds", "it failed"));
                }
                Some("waiting-for-human") => {
                    return Err(Finding::not_checked("a person has to carry it out"));
                }
                _ => sleep(Duration::from_secs(1)).await,
            }
        }
        Err(Finding::not_checked(format!(
            "the operation wasn't done within {OPERATION_PATIENCE} s"
        )))
    }

    /// Recognises an item of ours.
    ///
    /// # Errors
    /// An item with another reference, or that was there before: it is left alone.
    pub(crate) fn ours(&self, kind: Kind, reference: &str, item: &Value) -> Checked<Ours> {
        let text = |member: &str| item[member].as_str().unwrap_or_default().to_owned();
        let id = text("id");
        let marked = text("externalRef") == reference;
        let known = self.before.get(&kind).ok_or_else(|| {
            Finding::not_checked(format!("it isn't known what {} there are", kind.plural()))
        })?;
        ensure(
            !id.is_empty() && marked,
            format!("the item that carries the reference {reference}"),
            format!("an item with the reference {:?}", text("externalRef")),
        )?;
        ensure(
            !known.contains_key(&id),
            "an item of our own",
            format!("the id {id:?}, which was there before"),
        )?;
        Ok(Ours {
            kind,
            id,
            reference: reference.to_owned(),
            etag: text("etag"),
            item: item.clone(),
        })
    }

    /// The item that carries a reference.
    pub(crate) async fn by_reference(
        &mut self,
        kind: Kind,
        reference: &str,
    ) -> Checked<Option<Value>> {
        let ask = Ask::get(&[kind.plural(), "by-ref", reference]);
        let answer = self.line.send(ask).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(answer.expect(&[200])?.clone()))
    }

    /// An item of ours as it now is; nothing when it is gone.
    pub(crate) async fn read(&mut self, ours: &Ours) -> Checked<Option<Ours>> {
        let ask = Ask::get(&[ours.kind.plural(), &ours.id]);
        let answer = self.line.send(ask).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let item = answer.expect(&[200])?;
        self.ours(ours.kind, &ours.reference, item).map(Some)
    }

    /// A change of an item of ours.
    pub(crate) fn change(ours: &Ours, etag: Option<&str>, patch: Map<String, Value>) -> Ask {
        let ask = Ask::new(Method::PATCH, &[ours.kind.plural(), &ours.id]);
        let ask = ask.body("application/merge-patch+json", patch);
        match etag {
            Some(etag) => ask.header(IF_MATCH, etag),
            None => ask,
        }
    }

    /// A removal of an item of ours.
    pub(crate) fn removal(ours: &Ours) -> Ask {
        Ask::new(Method::DELETE, &[ours.kind.plural(), &ours.id]).query("mode", "purge")
    }

    /// What a removal would take along, and its confirmation.
    pub(crate) async fn rehearse(&mut self, ours: &Ours) -> Checked<(Value, String)> {
        let ask = Self::removal(ours).query("dryRun", true);
        let answer = self.line.send(ask).await?;
        let preview = answer.expect(&[200])?;
        let confirm = preview["confirm"].as_str().unwrap_or_default();
        Ok((preview.clone(), confirm.to_owned()))
    }

    /// Removes an item of ours the way that the contract has it.
    pub(crate) async fn remove(&mut self, ours: &Ours) -> Checked {
        let (_, confirm) = self.rehearse(ours).await?;
        let ask = Self::removal(ours).query("confirm", confirm);
        let answer = self.line.send(ask).await?;
        answer.expect(&[204]).map(|_| ())
    }

    /// Every entry of a list or report, page by page.
    pub(crate) async fn walk(
        &mut self,
        path: &str,
        limit: usize,
        query: &[(&'static str, String)],
    ) -> Checked<Vec<Value>> {
        let mut entries = Vec::new();
        let mut cursors = BTreeSet::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut ask = Ask::get(&[path]).query("limit", limit);
            ask.query.extend(query.iter().cloned());
            if let Some(cursor) = &cursor {
                ask = ask.query("cursor", cursor);
            }
            let answer = self.line.send(ask).await?;
            let page = answer.expect(&[200])?;
            let rows = page["items"].as_array().cloned().unwrap_or_default();
            let route = &answer.operation;
            // A customer's rows in a report stay together, however many they are.
            let counted = page["asOf"].is_null();
            ensure(
                !counted || rows.len() <= limit,
                format!("at most {limit} entries on a page of {route}"),
                format!("{} of them", rows.len()),
            )?;
            entries.extend(rows);
            let complete = page["complete"] == true;
            let Some(next) = page["next"].as_str() else {
                let expected = format!("the last page of {route} says complete: true");
                ensure(complete, expected, "it doesn't")?;
                return Ok(entries);
            };
            let expected = format!("a page of {route} that has a next one isn't complete");
            ensure(!complete, expected, "complete: true, and a cursor")?;
            ensure(
                cursors.len() < MOST_PAGES && cursors.insert(next.to_owned()),
                format!("{route} comes to an end"),
                format!("after {} pages the same cursor again", cursors.len()),
            )?;
            cursor = Some(next.to_owned());
        }
    }
}

/// Refuses a list that has an entry twice.
pub(crate) fn each_once(entries: &[Value], key: impl Fn(&Value) -> String) -> Checked {
    let mut seen = BTreeSet::new();
    let twice = entries
        .iter()
        .map(key)
        .find(|key| !seen.insert(key.clone()));
    ensure(
        twice.is_none(),
        "every entry once",
        format!("{} twice", twice.unwrap_or_default()),
    )
}

/// The id of an item.
pub(crate) fn id(item: &Value) -> String {
    item["id"].as_str().unwrap_or_default().to_owned()
}
