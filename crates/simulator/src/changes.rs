//! What callers may do to items: create, change, switch, remove, mail.

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::{
    Kind,
    admission::{check_room, judge},
    contract::Contract,
    documents, fleet, images,
    item::{Item, Pause, Protection},
    problem::{Problem, Slug},
    rows,
    rules::quota,
};

type Result<T> = std::result::Result<T, Problem>;

/// Most pauses that an item remembers; older ones lie outside every report.
const PAUSES: usize = 50;

/// One change of the estate: a connection inside a transaction, and the moment.
pub(super) struct Change<'a> {
    pub connection: &'a Connection,
    pub now: Timestamp,
    /// A person at the console: needs no precondition.
    pub console: bool,
}

/// How a creation ended.
pub(super) enum Created {
    New(Item),
    /// It existed and equals what was asked for.
    Existing(Item),
}

impl Change<'_> {
    /// Creates an item under the caller's mark, at most once.
    pub fn create(
        &self,
        kind: Kind,
        reference: &str,
        only_new: bool,
        mut body: Map<String, Value>,
    ) -> Result<Created> {
        if !kind.is_managed() {
            return Err(Problem::new(
                Slug::Unsupported,
                format!("a {kind} can't be created here"),
            ));
        }
        if reference.is_empty() || reference.chars().count() > 128 {
            return Err(Problem::invalid(
                "externalRef",
                "a reference has 1 to 128 characters",
            ));
        }
        documents::prune(&mut body);
        Contract::get().check(kind, &body)?;
        let mut item = Item::new(kind, body, self.now);
        item.external_ref = Some(reference.to_owned());
        settle(&mut item, None)?;
        if let Some(existing) = rows::by_reference(self.connection, kind, reference)? {
            return repeated(existing, &item, only_new);
        }
        Ok(Created::New(self.put_in(item)?))
    }

    /// Creates an item without a mark, for a wire that has none.
    pub fn add(&self, mut item: Item) -> Result<Item> {
        documents::prune(&mut item.settings);
        Contract::get().check(item.kind, &item.settings)?;
        settle(&mut item, None)?;
        self.put_in(item)
    }

    /// Judges a settled item and gives it its place.
    fn put_in(&self, mut item: Item) -> Result<Item> {
        judge(self.connection, None, &mut item)?;
        if item.kind == Kind::Tenant && item.text("type") == Some("Sandbox") {
            item.protection = Protection::Sandbox;
        }
        if !item.active() {
            item.state.pauses.push(Pause {
                from: self.now,
                to: None,
            });
        }
        rows::insert(self.connection, &mut item)?;
        check_room(self.connection, None, &item)?;
        if item.kind == Kind::Tenant {
            self.attach_clients(&item)?;
        }
        Ok(item)
    }

    fn attach_clients(&self, tenant: &Item) -> Result<()> {
        let customer = rows::get(
            self.connection,
            Kind::Customer,
            tenant.text("customerId").unwrap_or_default(),
        )?;
        let plan = rows::get(
            self.connection,
            Kind::Plan,
            tenant.text("planId").unwrap_or_default(),
        )?;
        if let (Some(customer), Some(plan)) = (customer, plan) {
            fleet::attach(self.connection, &customer, tenant, &plan, self.now)?;
        }
        Ok(())
    }

    /// Changes settings by merge patch.
    pub fn patch(
        &self,
        kind: Kind,
        id: &str,
        if_match: Option<&str>,
        patch: &Map<String, Value>,
    ) -> Result<Item> {
        let before = self.get(kind, id)?;
        if if_match.is_none() && !self.console {
            return Err(Problem::new(
                Slug::PreconditionFailed,
                "a change needs the item's etag in If-Match",
            )
            .remedy("Read the item and send its etag"));
        }
        check_etag(&before, if_match)?;
        if kind == Kind::Client {
            return self.move_client(before, patch);
        }
        if !kind.is_managed() {
            return Err(Problem::new(
                Slug::Unsupported,
                format!("a {kind} can't be changed here"),
            ));
        }
        let contract = Contract::get();
        contract.check_names(kind, patch)?;
        let mut after = before.clone();
        let mut patch = patch.clone();
        if let Some(reference) = patch.remove("externalRef") {
            self.mark(&mut after, &reference)?;
        }
        documents::merge(&mut after.settings, &patch);
        documents::prune(&mut after.settings);
        contract.check(kind, &after.settings)?;
        settle(&mut after, Some(&before))?;
        self.store(&before, after)
    }

    /// Switches an item on or off; a repeat changes nothing.
    pub fn switch(
        &self,
        kind: Kind,
        id: &str,
        if_match: Option<&str>,
        active: bool,
    ) -> Result<Item> {
        let before = self.get(kind, id)?;
        if !kind.is_switchable() {
            return Err(Problem::new(
                Slug::Unsupported,
                format!("a {kind} can't be switched on or off"),
            ));
        }
        check_etag(&before, if_match)?;
        let mut after = before.clone();
        after.settings.insert("active".into(), json!(active));
        self.store(&before, after)
    }

    /// Sends the welcome mail once; a repeat keeps the first moment.
    pub fn send_welcome_mail(&self, id: &str, if_match: Option<&str>) -> Result<Item> {
        let mut customer = self.get(Kind::Customer, id)?;
        check_etag(&customer, if_match)?;
        if customer.protection != Protection::None {
            return Err(Problem::new(
                Slug::Protected,
                format!("{} gets no mail", customer.label()),
            ));
        }
        if customer.state.welcome_mail_sent_at.is_none() {
            customer.state.welcome_mail_sent_at = Some(self.now);
            rows::update(self.connection, &customer)?;
        }
        Ok(customer)
    }

    /// Runs a part of a change: all of it or nothing.
    pub fn whole<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        self.connection.execute_batch("SAVEPOINT part")?;
        let outcome = part();
        if outcome.is_err() {
            self.connection.execute_batch("ROLLBACK TO part")?;
        }
        self.connection.execute_batch("RELEASE part")?;
        outcome
    }

    /// Runs a part of a change and takes it back: what would come of it.
    pub fn rehearse<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        self.connection.execute_batch("SAVEPOINT rehearsal")?;
        let outcome = part();
        self.connection
            .execute_batch("ROLLBACK TO rehearsal; RELEASE rehearsal")?;
        outcome
    }

    pub fn get(&self, kind: Kind, id: &str) -> Result<Item> {
        rows::get(self.connection, kind, id)?.ok_or_else(|| Problem::not_found(kind, id))
    }

    /// Sets the caller's mark on an item that has none; a person at the console may take it off.
    fn mark(&self, item: &mut Item, reference: &Value) -> Result<()> {
        let wanted = match reference {
            Value::Null => None,
            Value::String(text) if !text.is_empty() && text.chars().count() <= 128 => {
                Some(text.clone())
            }
            _ => {
                return Err(Problem::invalid(
                    "externalRef",
                    "a reference is a text of 1 to 128 characters",
                ));
            }
        };
        if item.external_ref == wanted {
            return Ok(());
        }
        if item.external_ref.is_some() && !self.console {
            return Err(Problem::invalid(
                "externalRef",
                format!("{} carries another reference already", item.label()),
            )
            .remedy("Take it off at the platform's console first"));
        }
        if let Some(wanted) = &wanted
            && let Some(holder) = rows::by_reference(self.connection, item.kind, wanted)?
        {
            return Err(Problem::new(
                Slug::Conflict,
                format!("{} carries this reference already", holder.label()),
            )
            .field("externalRef")
            .conflicting(&holder.id)
            .remedy("Choose another reference"));
        }
        item.external_ref = wanted;
        Ok(())
    }

    /// Judges and writes a changed item; one that hasn't changed stays as it is.
    fn store(&self, before: &Item, mut after: Item) -> Result<Item> {
        if after == *before {
            return Ok(after);
        }
        after.updated_at = self.now;
        judge(self.connection, Some(before), &mut after)?;
        if before.active() != after.active() {
            self.pause(&mut after);
        }
        after.version += 1;
        rows::update(self.connection, &after)?;
        check_room(self.connection, Some(before), &after)?;
        Ok(after)
    }

    fn pause(&self, item: &mut Item) {
        if !item.active() {
            item.state.pauses.push(Pause {
                from: self.now,
                to: None,
            });
        } else if let Some(last) = item.state.pauses.last_mut() {
            last.to = Some(self.now);
        }
        let surplus = item.state.pauses.len().saturating_sub(PAUSES);
        item.state.pauses.drain(..surplus);
    }

    /// Moves a client to another customer, into its tenant of the same product if it has one (V5).
    fn move_client(&self, before: Item, patch: &Map<String, Value>) -> Result<Item> {
        if let Some(other) = patch.keys().find(|key| *key != "customerId") {
            return Err(Problem::invalid(
                other,
                format!("{other} of a client can't be changed here"),
            )
            .remedy("Only customerId can be changed"));
        }
        let Some(target) = patch.get("customerId").and_then(Value::as_str) else {
            return Err(Problem::invalid("customerId", "customerId is missing")
                .remedy("Name the customer to move it to"));
        };
        if before.text("customerId") == Some(target) {
            return Ok(before);
        }
        let customer = rows::get(self.connection, Kind::Customer, target)?.ok_or_else(|| {
            Problem::invalid("customerId", format!("there is no customer {target}"))
                .remedy("Name one of /v1/customers")
        })?;
        let source = self.get(
            Kind::Customer,
            before.text("customerId").unwrap_or_default(),
        )?;
        if let Some(sandbox) = [&customer, &source]
            .into_iter()
            .find(|customer| customer.protection == Protection::Sandbox)
        {
            return Err(Problem::new(
                Slug::Protected,
                format!("clients don't move into or out of {}", sandbox.label()),
            )
            .field("customerId"));
        }
        let held = rows::count_of_customer(self.connection, Kind::Client, target)? + 1;
        for (measure, limit) in [
            (rows::Measure::Clients, customer.whole("limits.clients")),
            (rows::Measure::Licences, customer.fixed_licences()),
        ] {
            if let Some(limit) = limit {
                quota::check_room(&customer, measure, &customer.label(), limit, held)?;
            }
        }
        let product = |tenant: &str| {
            rows::get(self.connection, Kind::Tenant, tenant)
                .map(|tenant| tenant.and_then(|tenant| tenant.text("product").map(str::to_owned)))
        };
        let product = before.text("tenantId").map(product).transpose()?.flatten();
        let tenants = rows::of_customer(self.connection, Kind::Tenant, target)?;
        let tenant = tenants
            .iter()
            .find(|tenant| product.is_some() && tenant.text("product") == product.as_deref());
        let mut after = before;
        after.settings.insert("customerId".into(), json!(target));
        match tenant {
            Some(tenant) => after.settings.insert("tenantId".into(), json!(tenant.id)),
            None => after.settings.remove("tenantId"),
        };
        after.updated_at = self.now;
        after.version += 1;
        rows::update(self.connection, &after)?;
        Ok(after)
    }
}

/// A creation whose reference exists: a no-op if it asks for the same again.
fn repeated(existing: Item, wanted: &Item, only_new: bool) -> Result<Created> {
    if only_new {
        return Err(Problem::new(
            Slug::PreconditionFailed,
            format!("{} carries this reference already", existing.label()),
        )
        .remedy("Read it by the reference and compare"));
    }
    let derived = ["storageLocation", "type"];
    let same = existing.settings.iter().all(|(key, value)| {
        wanted
            .settings
            .get(key)
            .map_or(derived.contains(&key.as_str()), |wanted| wanted == value)
    }) && wanted
        .settings
        .keys()
        .all(|key| existing.settings.contains_key(key));
    if same {
        return Ok(Created::Existing(existing));
    }
    Err(Problem::new(
        Slug::Conflict,
        format!(
            "{} carries this reference with other settings",
            existing.label()
        ),
    )
    .field("externalRef")
    .conflicting(&existing.id)
    .remedy("Change it with PATCH"))
}

/// Puts settings into the form that is kept: active unless said otherwise, no password, pictures by digest.
fn settle(item: &mut Item, before: Option<&Item>) -> Result<()> {
    if item.kind.is_switchable() {
        item.settings.entry("active").or_insert(json!(true));
    }
    let access = item
        .settings
        .get_mut("webAccess")
        .and_then(Value::as_object_mut);
    item.state.password_set = match access {
        Some(access) => access.remove("password").is_some() || item.state.password_set,
        None => false,
    };
    images::settle(item, before)?;
    // What only carried a secret may be empty now.
    documents::prune(&mut item.settings);
    Ok(())
}

/// Refuses a precondition that doesn't hold any more.
pub(super) fn check_etag(item: &Item, if_match: Option<&str>) -> Result<()> {
    let etag = item.etag();
    match if_match.map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"')) {
        Some(tag) if tag != "*" && tag != etag => Err(Problem::new(
            Slug::PreconditionFailed,
            format!("{} is at etag {etag}, not {tag}", item.label()),
        )
        .remedy("Read it again and repeat the change")),
        _ => Ok(()),
    }
}
