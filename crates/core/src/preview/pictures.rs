//! Pictures of brandings in a plan: from `ConfigMap`s among the manifests, or of the cluster. Serves R-S7, R-N2.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use super::world::World;
use crate::{
    api::Reason,
    planner::{PICTURES, Picture, PlatformFacts, Supplements, picture_ref},
    survey::Managed,
};

impl World {
    /// `ConfigMap`s with pictures that the manifests don't contain.
    pub fn missing_maps(&self) -> BTreeSet<(String, String)> {
        let stores = &self.survey.stores;
        let resellers = stores.resellers.all();
        let customers = stores.customers.all();
        let of_resellers = resellers.iter().flat_map(|reseller| named(&**reseller));
        let of_customers = customers.iter().flat_map(|customer| named(&**customer));
        let all = of_resellers.chain(of_customers);
        all.filter(|place| !self.maps.contains_key(place)).collect()
    }

    /// Adds a `ConfigMap`.
    pub fn add_map(&mut self, namespace: &str, name: &str, values: BTreeMap<String, Vec<u8>>) {
        let place = (namespace.to_owned(), name.to_owned());
        self.maps.insert(place, values);
    }

    /// The digests of a resource's pictures, as far as the `ConfigMap`s are known.
    pub(super) fn add_pictures<K: Managed>(
        &self,
        object: &K,
        facts: &PlatformFacts,
        supplements: &mut Supplements,
    ) {
        let stated = object.stated();
        let Some(branding) = stated.and_then(|stated| stated.branding) else {
            return;
        };
        for (setting, field) in PICTURES {
            let Some(reference) = picture_ref(branding, setting) else {
                continue;
            };
            if !facts.capabilities.takes(K::KIND, setting) {
                let named = format!("{}/{}", reference.name, reference.key);
                supplements.settings.insert(setting, named);
                continue;
            }
            let place = (
                object.namespace().unwrap_or_default(),
                reference.name.clone(),
            );
            let map = self.maps.get(&place);
            if map.is_none() && self.secrets_unknown {
                continue;
            }
            let (name, key) = (&reference.name, &reference.key);
            let found = map.and_then(|map| map.get(key));
            let problem = match found.map(|bytes| Picture::of(bytes)) {
                Some(Ok(picture)) => {
                    supplements.settings.insert(setting, picture.digest);
                    continue;
                }
                Some(Err(why)) => {
                    let message = format!("key {key:?} of ConfigMap {name:?} {why}");
                    (Reason::SecretMalformed, message)
                }
                None => {
                    let message = format!(
                        "ConfigMap {name:?} doesn't exist or has no key {key:?}. Create it."
                    );
                    (Reason::SecretMissing, message)
                }
            };
            supplements.missing.insert(field, problem);
        }
    }
}

/// The `ConfigMap`s that a resource's branding names.
fn named<K: Managed>(object: &K) -> Vec<(String, String)> {
    let stated = object.stated();
    let branding = stated.and_then(|stated| stated.branding);
    let references = PICTURES
        .iter()
        .filter_map(|(setting, _)| picture_ref(branding?, setting));
    let namespace = object.namespace().unwrap_or_default();
    references
        .map(|reference| (namespace.clone(), reference.name.clone()))
        .collect()
}
