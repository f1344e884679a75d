//! Which resource names what in its spec: so that a change enqueues the resources that it concerns, without a scan of all
//! resources.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{PoisonError, RwLock},
};

use super::{Managed, ResourceRef};

/// What a spec names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Named {
    /// Another resource.
    Resource(ResourceRef),
    /// A client, by id.
    Client(String),
    /// The platform that it is on. It is noted for whoever asks what has changed; who names it isn't looked up here.
    Platform(String),
}

/// What a resource's spec names: what it refers to, the clients that it lists, and its platform.
pub fn named<K: Managed>(object: &K) -> Vec<Named> {
    let namespace = object.meta().namespace.clone().unwrap_or_default();
    let references = object.references().into_iter().map(|(_, kind, reference)| {
        Named::Resource(ResourceRef {
            kind,
            namespace: namespace.clone(),
            name: reference.name.clone(),
        })
    });
    let clients = object.listed_clients().iter();
    let clients = clients.map(|id| Named::Client(id.clone()));
    let platform = object.platform_ref();
    let platform = platform.map(|platform| Named::Platform(platform.name.clone()));
    references.chain(clients).chain(platform).collect()
}

#[derive(Debug, Default)]
struct Entries {
    by: HashMap<ResourceRef, Vec<Named>>,
    of: HashMap<Named, BTreeSet<ResourceRef>>,
}

/// The index; follows the watches.
#[derive(Debug, Default)]
pub struct Referrers(RwLock<Entries>);

impl Referrers {
    /// Notes what a resource names; nothing, when it is gone. Returns what it newly names or no longer names.
    pub fn note(&self, resource: &ResourceRef, named: Vec<Named>) -> Vec<Named> {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = entries.by.remove(resource).unwrap_or_default();
        let mut changed = Vec::new();
        for gone in before.iter().filter(|old| !named.contains(old)) {
            entries.drop_from(gone, resource);
            changed.push(gone.clone());
        }
        for new in named.iter().filter(|new| !before.contains(new)) {
            if !matches!(new, Named::Platform(_)) {
                let referrers = entries.of.entry(new.clone()).or_default();
                referrers.insert(resource.clone());
            }
            changed.push(new.clone());
        }
        if !named.is_empty() {
            entries.by.insert(resource.clone(), named);
        }
        changed
    }

    /// The resources that name something.
    pub fn of(&self, named: &Named) -> Vec<ResourceRef> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let referrers = entries.of.get(named);
        referrers.into_iter().flatten().cloned().collect()
    }

    /// The resources that name this one, and those that name them: each once, although resources may name each other in a
    /// circle.
    pub fn all_of(&self, resource: &ResourceRef) -> BTreeSet<ResourceRef> {
        let mut all = BTreeSet::new();
        let mut next = vec![resource.clone()];
        while let Some(named) = next.pop() {
            for referrer in self.of(&Named::Resource(named)) {
                if all.insert(referrer.clone()) {
                    next.push(referrer);
                }
            }
        }
        all
    }

    /// Every resource that names something.
    pub fn resources(&self) -> Vec<ResourceRef> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.by.keys().cloned().collect()
    }
}

impl Entries {
    fn drop_from(&mut self, named: &Named, resource: &ResourceRef) {
        if let Some(referrers) = self.of.get_mut(named) {
            referrers.remove(resource);
            if referrers.is_empty() {
                self.of.remove(named);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Kind;

    fn tenant(name: &str) -> ResourceRef {
        ResourceRef {
            kind: Kind::Tenant,
            namespace: "backup".into(),
            name: name.into(),
        }
    }

    fn client(id: &str) -> Named {
        Named::Client(id.into())
    }

    #[test]
    fn indirect_referrers_are_found_and_a_circle_ends() {
        let referrers = Referrers::default();
        let reseller = |name: &str| ResourceRef {
            kind: Kind::Reseller,
            ..tenant(name)
        };
        let of = |name: &str| vec![Named::Resource(reseller(name))];
        referrers.note(&reseller("b"), of("a"));
        referrers.note(&tenant("t"), of("b"));
        assert_eq!(
            referrers.all_of(&reseller("a")),
            BTreeSet::from([reseller("b"), tenant("t")])
        );
        referrers.note(&reseller("a"), of("b"));
        assert_eq!(
            referrers.all_of(&reseller("a")),
            BTreeSet::from([reseller("a"), reseller("b"), tenant("t")])
        );
    }

    #[test]
    fn who_names_what_follows_each_word() {
        let referrers = Referrers::default();
        assert_eq!(
            referrers.note(&tenant("a"), vec![client("1"), client("2")]),
            [client("1"), client("2")]
        );
        assert_eq!(
            referrers.note(&tenant("b"), vec![client("2")]),
            [client("2")]
        );
        assert_eq!(referrers.of(&client("2")), [tenant("a"), tenant("b")]);
        assert_eq!(referrers.note(&tenant("b"), vec![client("2")]), []);
        assert_eq!(
            referrers.note(&tenant("a"), vec![client("1")]),
            [client("2")]
        );
        assert_eq!(referrers.of(&client("2")), [tenant("b")]);
        assert_eq!(referrers.note(&tenant("b"), Vec::new()), [client("2")]);
        assert_eq!(referrers.of(&client("2")), []);
        assert_eq!(referrers.resources(), [tenant("a")]);
    }
}
