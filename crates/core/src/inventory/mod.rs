//! The last complete observation of one platform, indexed, with our own later writes laid over it.
//!
//! A sweep takes seconds; what we write while it runs is newer than what it brings. So each write and each sweep gets a
//! number, and a sweep replaces only what was last written before it began:
//!
//! ```text
//!  sweep 4 begins ──────────────── sweep 4 installed      the customer written as 5 stays as written:
//!        write 5: customer 1042 ──┘                       sweep 4 can't have seen it
//! ```

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    api::Kind,
    estate::{
        Administrator, Capabilities, Claim, Client, ItemKind, Licences, Object, ObjectId, Snapshot,
        StorageLocation, Unread,
    },
};

/// Names an object on one platform.
pub type Key = (Kind, ObjectId);

/// Where in the order of writes and sweeps something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What an observation holds besides the four kinds.
#[derive(Debug, Clone, PartialEq)]
pub struct Surroundings {
    /// The account of the credential, and what the platform can do.
    pub capabilities: Capabilities,
    /// Where data can be kept.
    pub locations: Vec<StorageLocation>,
    /// The administrators of the account.
    pub administrators: Vec<Administrator>,
    /// The licence pool, where the platform has one.
    pub licences: Option<Licences>,
    /// What can't be read and is none of the objects.
    pub unreadable: Unread,
}

/// What is new since the last observation.
#[derive(Debug, Default)]
pub struct Changes {
    /// Objects that were added, removed or changed, with the claim that they carry or carried.
    pub objects: Vec<(Key, Option<Claim>)>,
    /// Whether capabilities, locations, administrators, licences or clients differ, or this is the first observation.
    pub surroundings: bool,
}

/// What one platform holds, as far as it is known.
#[derive(Debug, Default, Clone)]
pub struct Inventory {
    objects: HashMap<Key, Arc<Object>>,
    by_claim: HashMap<(Kind, Claim), BTreeSet<ObjectId>>,
    by_name: HashMap<(Kind, String), BTreeSet<ObjectId>>,
    by_account_name: HashMap<String, BTreeSet<ObjectId>>,
    children: HashMap<(Kind, ObjectId), BTreeSet<ObjectId>>,
    tenants_by_plan: HashMap<ObjectId, BTreeSet<ObjectId>>,
    clients: HashMap<ObjectId, Client>,
    clients_observed: bool,
    surroundings: Option<Surroundings>,
    written: HashMap<Key, Ticket>,
    /// What the platform has said is gone.
    gone: HashSet<Key>,
    written_clients: HashMap<ObjectId, Ticket>,
    last: u64,
}

impl Inventory {
    /// Whether a complete observation is there. Until then nothing is absent.
    pub fn is_complete(&self) -> bool {
        self.surroundings.is_some()
    }

    /// Capabilities and the like, once observed.
    pub fn surroundings(&self) -> Option<&Surroundings> {
        self.surroundings.as_ref()
    }

    /// Whether objects of a kind can carry our claim, as far as is known.
    pub fn marks(&self, kind: Kind) -> bool {
        self.surroundings
            .as_ref()
            .is_none_or(|surroundings| surroundings.capabilities.marks(kind))
    }

    /// Reserves the number of a sweep that is about to start.
    pub fn begin_sweep(&mut self) -> Ticket {
        self.tick()
    }

    /// Replaces everything that wasn't written after the sweep began.
    pub fn install(
        &mut self,
        sweep: Ticket,
        observation: Snapshot,
        scope_had_clients: bool,
    ) -> Changes {
        let mut changes = Changes::default();
        let mut seen: HashSet<Key> = HashSet::with_capacity(observation.objects.len());
        for object in observation.objects {
            let key = (object.kind, object.id.clone());
            seen.insert(key.clone());
            let object = self.remembering(object);
            if !self.written_since(&key, sweep)
                && self.objects.get(&key).is_none_or(|known| **known != object)
            {
                changes.objects.push((key, object.claim.clone()));
                self.put(object);
            }
        }
        let gone: Vec<Key> = self
            .objects
            .keys()
            .filter(|key| !seen.contains(*key) && !self.written_since(key, sweep))
            // What can't be read may be any of the objects that the sweep doesn't show.
            .filter(|(kind, _)| !observation.unreadable.counts.contains_key(&(*kind).into()))
            .cloned()
            .collect();
        for key in gone {
            let claim = self.take(&key).and_then(|object| object.claim.clone());
            changes.objects.push((key, claim));
        }
        if scope_had_clients {
            self.install_clients(sweep, observation.clients, &mut changes);
        }
        changes.surroundings |= scope_had_clients && !self.clients_observed;
        self.clients_observed = scope_had_clients;
        let surroundings = Surroundings {
            capabilities: observation.capabilities,
            locations: observation.locations,
            administrators: observation.administrators,
            licences: self
                .licences(&observation.unreadable)
                .or(observation.licences),
            unreadable: observation.unreadable,
        };
        changes.surroundings |= self.surroundings.as_ref() != Some(&surroundings);
        self.surroundings = Some(surroundings);
        self.written.retain(|_, written| *written > sweep);
        self.written_clients.retain(|_, written| *written > sweep);
        changes
    }

    /// Notes an object as the platform just answered it.
    pub fn record(&mut self, object: Object) {
        let object = self.remembering(object);
        let ticket = self.tick();
        self.written
            .insert((object.kind, object.id.clone()), ticket);
        self.put(object);
    }

    /// Notes that an object is gone, as the platform just said.
    pub fn forget(&mut self, kind: Kind, id: &ObjectId) {
        let key = (kind, id.clone());
        let ticket = self.tick();
        self.take(&key);
        self.gone.insert(key.clone());
        self.written.insert(key, ticket);
    }

    /// Whether an object isn't known, while the platform hasn't said that it is gone: the list may have left it out.
    pub fn leaves_open(&self, kind: Kind, id: &ObjectId) -> bool {
        let key = (kind, id.clone());
        !self.gone.contains(&key) && !self.objects.contains_key(&key)
    }

    /// Notes that a client was moved.
    pub fn record_client(&mut self, client: Client) {
        let ticket = self.tick();
        self.written_clients.insert(client.id.clone(), ticket);
        self.clients.insert(client.id.clone(), client);
    }

    /// An object by id.
    pub fn get(&self, kind: Kind, id: &ObjectId) -> Option<&Arc<Object>> {
        self.objects.get(&(kind, id.clone()))
    }

    /// The object that carries a claim. If the platform shows several, always the same one.
    pub fn claimed(&self, kind: Kind, claim: &Claim) -> Option<&Arc<Object>> {
        self.by_claim
            .get(&(kind, claim.clone()))
            .and_then(BTreeSet::first)
            .and_then(|id| self.get(kind, id))
    }

    /// Every object that carries a claim.
    pub fn all_claimed(&self, kind: Kind, claim: &Claim) -> impl Iterator<Item = &Arc<Object>> {
        self.by_claim
            .get(&(kind, claim.clone()))
            .into_iter()
            .flatten()
            .filter_map(move |id| self.get(kind, id))
    }

    /// Objects of a kind with a name, in any case.
    pub fn named(&self, kind: Kind, name: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.by_name
            .get(&(kind, spelt(name)))
            .into_iter()
            .flatten()
            .filter_map(move |id| self.get(kind, id))
    }

    /// Customers with an account name, in any case.
    pub fn of_account(&self, name: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.by_account_name
            .get(&spelt(name))
            .into_iter()
            .flatten()
            .filter_map(|id| self.get(Kind::Customer, id))
    }

    /// Objects of a kind directly under a parent.
    pub fn children(&self, kind: Kind, parent: &ObjectId) -> impl Iterator<Item = &Arc<Object>> {
        self.children
            .get(&(kind, parent.clone()))
            .into_iter()
            .flatten()
            .filter_map(move |id| self.get(kind, id))
    }

    /// Tenants that use a plan.
    pub fn referring_to_plan(&self, plan: &ObjectId) -> impl Iterator<Item = &Arc<Object>> {
        self.tenants_by_plan
            .get(plan)
            .into_iter()
            .flatten()
            .filter_map(|id| self.get(Kind::Tenant, id))
    }

    /// Whether the last sweep read the clients too.
    pub fn has_clients(&self) -> bool {
        self.clients_observed
    }

    /// A client by id, when clients were observed.
    pub fn client(&self, id: &ObjectId) -> Option<&Client> {
        self.clients.get(id)
    }

    /// Every object.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    fn tick(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }

    fn remembering(&self, object: Object) -> Object {
        match self.get(object.kind, &object.id) {
            Some(known) => object.remembering(known),
            None => object,
        }
    }

    /// The licences when the platform's figure can't be read: as before, or else none to grant.
    fn licences(&self, unreadable: &Unread) -> Option<Licences> {
        unreadable.counts.get(&ItemKind::LicencePool)?;
        let before = self
            .surroundings
            .as_ref()
            .and_then(|before| before.licences);
        before.or_else(|| Some(Licences::default()))
    }

    fn written_since(&self, key: &Key, sweep: Ticket) -> bool {
        self.written
            .get(key)
            .is_some_and(|written| *written > sweep)
    }

    /// A client that appeared, disappeared or moved concerns its customer, and the resources that list it: those aren't known
    /// here.
    fn install_clients(&mut self, sweep: Ticket, clients: Vec<Client>, changes: &mut Changes) {
        let mut next: HashMap<ObjectId, Client> = HashMap::with_capacity(clients.len());
        for client in clients {
            let written = self.written_clients.get(&client.id);
            let known = self.clients.remove(&client.id);
            let client = match known {
                Some(known) if written.is_some_and(|written| *written > sweep) => known,
                Some(known) if known.customer_id == client.customer_id => client,
                _ => {
                    let customer = self.get(Kind::Customer, &client.customer_id);
                    let claim = customer.and_then(|object| object.claim.clone());
                    let key = (Kind::Customer, client.customer_id.clone());
                    changes.objects.push((key, claim));
                    changes.surroundings = true;
                    client
                }
            };
            next.insert(client.id.clone(), client);
        }
        changes.surroundings |= !self.clients.is_empty();
        self.clients = next;
    }

    fn put(&mut self, object: Object) {
        let key = (object.kind, object.id.clone());
        self.take(&key);
        self.gone.remove(&key);
        if let Some(claim) = &object.claim {
            self.by_claim
                .entry((object.kind, claim.clone()))
                .or_default()
                .insert(object.id.clone());
        }
        self.by_name
            .entry((object.kind, spelt(&object.name)))
            .or_default()
            .insert(object.id.clone());
        if let Some(account) = object.settings.text("accountName") {
            self.by_account_name
                .entry(spelt(account))
                .or_default()
                .insert(object.id.clone());
        }
        if let Some(parent) = object.parent() {
            self.children
                .entry((object.kind, parent))
                .or_default()
                .insert(object.id.clone());
        }
        if let Some(plan) = object.settings.text("planId") {
            self.tenants_by_plan
                .entry(ObjectId::new(plan))
                .or_default()
                .insert(object.id.clone());
        }
        self.objects.insert(key, Arc::new(object));
    }

    fn take(&mut self, key: &Key) -> Option<Arc<Object>> {
        let object = self.objects.remove(key)?;
        if let Some(claim) = &object.claim {
            remove_from(&mut self.by_claim, &(key.0, claim.clone()), &key.1);
        }
        remove_from(&mut self.by_name, &(key.0, spelt(&object.name)), &key.1);
        if let Some(account) = object.settings.text("accountName") {
            remove_from(&mut self.by_account_name, &spelt(account), &key.1);
        }
        if let Some(parent) = object.parent() {
            remove_from(&mut self.children, &(key.0, parent), &key.1);
        }
        if let Some(plan) = object.settings.text("planId") {
            remove_from(&mut self.tenants_by_plan, &ObjectId::new(plan), &key.1);
        }
        Some(object)
    }
}

/// A name as it is looked up: in any case, with blanks at its ends or without.
fn spelt(name: &str) -> String {
    name.trim().to_lowercase()
}

fn remove_from<Index: std::hash::Hash + Eq>(
    index: &mut HashMap<Index, BTreeSet<ObjectId>>,
    at: &Index,
    id: &ObjectId,
) {
    if let Some(ids) = index.get_mut(at) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(at);
        }
    }
}
