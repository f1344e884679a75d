//! Creation by reference, at most once.

use serde_json::{Map, Value, json};

use crate::{
    finding::{Checked, Finding, ensure, short},
    kind::{Kind, at, document, lacking, merge, value},
    line::Ask,
    requirement::{
        CREATE, CREATE_EMPTY, CREATE_EQUAL, CREATE_INVALID, CREATE_NAME, CREATE_ONCE, CREATE_RACE,
        CREATE_SECRET, CREATE_UNKNOWN, READ_BACK,
    },
    session::{Ours, Session, id},
};

/// Creations at the same time.
const AT_ONCE: usize = 6;
/// A member that the contract will never have.
pub(crate) const UNKNOWN: &str = "holdfastCheck";

impl Session {
    /// Makes and judges items of a kind. Those made are on the scene: `a` to `d`, and customers `e` and `f` for more.
    pub(crate) async fn check_creation(&mut self, kind: Kind) {
        let about = Some(kind.plural());
        let made = self.create_first(kind).await;
        self.note(CREATE, about, made);
        let read = self.read_back(kind).await;
        self.note(READ_BACK, about, read);
        let once = self.create_once(kind).await;
        self.note(CREATE_ONCE, about, once);
        let equal = self.create_equal(kind).await;
        self.note(CREATE_EQUAL, about, equal);
        let race = self.create_at_once(kind).await;
        self.note(CREATE_RACE, about, race);
        let empty = self.create_empty(kind).await;
        self.note(CREATE_EMPTY, about, empty);
        let secret = self.create_secret(kind).await;
        self.note(CREATE_SECRET, about, secret);
        if kind == Kind::Customer {
            for letter in ['e', 'f'] {
                // One that can't be made is missed by the check that needs it.
                if let Ok(body) = self.body(kind, letter) {
                    let _ = self.make(kind, letter, body).await;
                }
            }
        }
        let unknown = self.create_unknown(kind).await;
        self.note(CREATE_UNKNOWN, about, unknown);
        let invalid = self.create_invalid(kind).await;
        self.note(CREATE_INVALID, about, invalid);
        let taken = self.create_namesake(kind).await;
        self.note(CREATE_NAME, about, taken);
    }

    /// The settings of an item to make.
    pub(crate) fn body(&self, kind: Kind, letter: char) -> Checked<Map<String, Value>> {
        let fields = &self.offers.fields[&kind];
        let mut body = Map::new();
        if kind == Kind::Tenant {
            let of = if matches!(letter, 'a'..='d') {
                letter
            } else {
                'e'
            };
            let customer = self.piece(Kind::Customer, of)?;
            let plan = match (self.scene.get(&(Kind::Plan, of)), &self.offers.default_plan) {
                (Some(plan), _) => plan.id.clone(),
                (None, Some(plan)) => plan.clone(),
                (None, None) => return Err(Finding::not_checked("there is no plan to be on")),
            };
            merge(&mut body, document("customerId", customer.id.into()));
            merge(&mut body, document("planId", plan.into()));
            merge(&mut body, document("product", "HybridWorkloads".into()));
            if let Some(region) = self
                .region
                .as_ref()
                .filter(|_| fields.contains("storageRegions"))
            {
                merge(&mut body, document("storageRegions", json!([region])));
            }
        } else {
            merge(&mut body, document("name", self.name(kind, letter).into()));
        }
        if kind == Kind::Plan && fields.contains("products") {
            let product = json!({"product": "HybridWorkloads", "edition": "Business", "workloads": ["FileServers"]});
            merge(&mut body, document("products", json!([product])));
        }
        if kind == Kind::Customer
            && letter == 'f'
            && fields.contains("resellerId")
            && let Some(reseller) = self.scene.get(&(Kind::Reseller, 'd'))
        {
            merge(
                &mut body,
                document("resellerId", reseller.id.clone().into()),
            );
        }
        for (number, path) in self.settings(kind).into_iter().enumerate() {
            merge(&mut body, document(path, value(path, number)));
        }
        Ok(body)
    }

    /// The settings that the checks send and change.
    pub(crate) fn settings(&self, kind: Kind) -> Vec<&'static str> {
        kind.settings(&self.offers.fields[&kind], &self.offers.fixed[&kind])
    }

    async fn create_first(&mut self, kind: Kind) -> Checked {
        let body = self.body(kind, 'a')?;
        let made = self.make(kind, 'a', body.clone()).await?;
        as_sent(&made.item, &body)
    }

    async fn read_back(&mut self, kind: Kind) -> Checked {
        let made = self.piece(kind, 'a')?;
        let by_id = self.line.send(Ask::get(&[kind.plural(), &made.id])).await?;
        let by_reference = Ask::get(&[kind.plural(), "by-ref", &made.reference]);
        let by_reference = self.line.send(by_reference).await?;
        for answer in [&by_id, &by_reference] {
            let item = answer.expect(&[200])?;
            self.ours(kind, &made.reference, item)?;
            let first = members(&made.item).find(|(name, value)| item.get(*name) != Some(value));
            ensure(
                first.is_none(),
                format!("{} shows what the creation answered", answer.operation),
                format!("{} differs", first.map_or("", |(name, _)| name)),
            )?;
            let etag = format!("\"{}\"", made.etag);
            let header = answer.etag.clone().unwrap_or_else(|| "none".to_owned());
            ensure(
                header == etag,
                format!(
                    "{} has the item's etag in its header ETag, {etag}",
                    answer.operation
                ),
                header,
            )?;
        }
        Ok(())
    }

    /// How many items carry the reference, or the name, of one that was made.
    async fn alike(&mut self, made: &Ours) -> Checked<usize> {
        let limit = self.offers.page_size;
        let all = self.walk(made.kind.plural(), limit, &[]).await?;
        let alike = |item: &&Value| {
            let name = made.kind != Kind::Tenant && item["name"] == made.item["name"];
            name || item["externalRef"] == made.reference.as_str()
        };
        Ok(all.iter().filter(alike).count())
    }

    async fn create_once(&mut self, kind: Kind) -> Checked {
        let made = self.piece(kind, 'a')?;
        let body = self.body(kind, 'a')?;
        let ask = self.creation(kind, 'a', true, body);
        let again = self.line.send(ask).await?;
        let there = self.alike(&made).await?;
        ensure(
            there == 1,
            "one item with that reference",
            format!("{there} after a repeat"),
        )?;
        again.refused(&[412], "precondition-failed")
    }

    async fn create_equal(&mut self, kind: Kind) -> Checked {
        let made = self.piece(kind, 'a')?;
        let body = self.body(kind, 'a')?;
        let ask = self.creation(kind, 'a', false, body.clone());
        let equal = self.line.send(ask).await?;
        let item = equal.expect(&[200])?;
        let same = self.ours(kind, &made.reference, item)?;
        ensure(
            same.id == made.id && same.etag == made.etag,
            "an equal repeat changes nothing",
            "another id or etag",
        )?;
        let Some(path) = self.settings(kind).first().copied() else {
            return Ok(());
        };
        let mut other = body;
        merge(&mut other, document(path, value(path, 7)));
        let ask = self.creation(kind, 'a', false, other);
        let other = self.line.send(ask).await?;
        other.refused(&[409], "conflict")
    }

    async fn create_at_once(&mut self, kind: Kind) -> Checked {
        let body = self.body(kind, 'b')?;
        let asks = (0..AT_ONCE).map(|_| self.creation(kind, 'b', true, body.clone()));
        let asks = asks.collect();
        let mut made = 0;
        let mut odd = None;
        let mut pending = None;
        for answer in self.line.send_at_once(asks).await {
            let answer = answer?;
            match answer.status {
                201 => made += 1,
                202 => pending = Some(answer),
                412 => {}
                _ => odd = Some(answer.told()),
            }
        }
        if let Some(answer) = pending {
            self.settled(kind, 'b', &answer).await?;
        }
        let reference = self.reference(kind, 'b');
        let item = self.by_reference(kind, &reference).await?;
        let item = item.ok_or_else(|| Finding::wrong("one item", "none"))?;
        let ours = self.ours(kind, &reference, &item)?;
        self.scene.insert((kind, 'b'), ours.clone());
        let there = self.alike(&ours).await?;
        ensure(
            there == 1 && made <= 1,
            format!("one item of {AT_ONCE} creations"),
            format!("{there} items, and {made} times 201"),
        )?;
        ensure(
            odd.is_none(),
            "201 once, and 412 to the others",
            odd.unwrap_or_default(),
        )
    }

    async fn create_empty(&mut self, kind: Kind) -> Checked {
        let mut body = self.body(kind, 'c')?;
        let paths = self.settings(kind);
        let Some(path) = paths.into_iter().find(|path| *path != "usageReport") else {
            self.make(kind, 'c', body).await?;
            return Err(Finding::not_offered("none of its settings is a plain text"));
        };
        merge(&mut body, document(path, "".into()));
        let made = self.make(kind, 'c', body).await?;
        ensure(
            at(&made.item, path).is_none(),
            format!("{path} isn't there, since it was empty"),
            "it is there",
        )
    }

    async fn create_secret(&mut self, kind: Kind) -> Checked {
        let mut body = self.body(kind, 'd')?;
        let fields = &self.offers.fields[&kind];
        if !fields.contains("webAccess.password") {
            self.make(kind, 'd', body).await?;
            return Err(Finding::not_offered("it takes no password"));
        }
        let password = format!("{}-Pass-word-1", self.prefix);
        self.line.secrets.push(password.clone());
        let mut access = Map::from_iter([("password".to_owned(), password.into())]);
        if fields.contains("webAccess.username") {
            access.insert("username".to_owned(), format!("{}-d", self.prefix).into());
        }
        body.insert("webAccess".to_owned(), access.into());
        let made = self.make(kind, 'd', body).await?;
        self.read(&made).await?;
        let leaks: Vec<String> = self.line.leaks.iter().cloned().collect();
        ensure(
            leaks.is_empty(),
            "no answer holds the password",
            leaks.join(", "),
        )
    }

    /// Asserts that nothing came of a refused creation.
    async fn nothing_came(&mut self, kind: Kind, letter: char) -> Checked {
        let reference = self.reference(kind, letter);
        let came = self.by_reference(kind, &reference).await?;
        ensure(
            came.is_none(),
            "nothing is made of what was refused",
            "the item is there",
        )
    }

    async fn create_unknown(&mut self, kind: Kind) -> Checked {
        let mut body = self.body(kind, 'u')?;
        body.insert(UNKNOWN.to_owned(), Value::Bool(true));
        let ask = self.creation(kind, 'u', true, body);
        let answer = self.line.send(ask).await?;
        refused_by_path(&answer, UNKNOWN)?;
        self.nothing_came(kind, 'u').await
    }

    async fn create_invalid(&mut self, kind: Kind) -> Checked {
        let mut body = self.body(kind, 'v')?;
        let path = if kind == Kind::Tenant {
            "product"
        } else {
            "name"
        };
        body.insert(path.to_owned(), json!(7));
        let ask = self.creation(kind, 'v', true, body);
        let answer = self.line.send(ask).await?;
        refused_by_path(&answer, path)?;
        self.nothing_came(kind, 'v').await
    }

    async fn create_namesake(&mut self, kind: Kind) -> Checked {
        let first = self.piece(kind, 'a')?;
        let body = self.body(kind, 'a')?;
        let ask = self.creation(kind, 'w', true, body);
        let answer = self.line.send(ask).await?;
        answer.refused(&[409], "conflict")?;
        let conflicting = &answer.body["conflictingId"];
        ensure(
            conflicting.is_null() || id(&first.item) == *conflicting,
            "conflictingId, where it is given, is the item that has the name",
            "it is another",
        )?;
        self.nothing_came(kind, 'w').await
    }
}

/// The settings in an item, without what the platform adds and changes by itself.
fn members(item: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let members = item.as_object().into_iter().flatten();
    members.filter(|(name, _)| name.as_str() != "facts")
}

/// Asserts that an item has what was sent.
pub(crate) fn as_sent(item: &Value, body: &Map<String, Value>) -> Checked {
    let lacking = lacking(item, body);
    ensure(
        lacking.is_none(),
        "the item has what was sent",
        format!("{} is missing or differs", lacking.unwrap_or_default()),
    )
}

/// Asserts a refusal that names the setting.
pub(crate) fn refused_by_path(answer: &crate::line::Answer, path: &str) -> Checked {
    answer.refused(&[400, 422], "invalid")?;
    let field = answer.body["field"].as_str().unwrap_or_default();
    ensure(
        field == path,
        format!("field {path:?} in the refusal of {}", answer.operation),
        short(&answer.body["field"]),
    )
}
