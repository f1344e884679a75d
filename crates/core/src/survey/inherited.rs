//! Looking up where a customer or reseller inherits from: itself, the resellers above it, and the platform.

use std::sync::Arc;

use kube::ResourceExt;

use super::{Managed, PlatformView, Survey, declared::resource_ref};
use crate::{
    api::{Kind, Reseller, shared::LocalRef},
    estate::Object,
    inventory::Inventory,
    rules::{Level, Stated},
};

/// Levels that a chain may have.
const DEPTH: usize = 16;

/// The settings of each level, nearest first; none for kinds that inherit nothing.
pub fn levels<K: Managed>(
    survey: &Survey,
    resource: &K,
    site: &PlatformView,
    inventory: &Inventory,
    object: Option<&Arc<Object>>,
) -> Vec<Level> {
    let Some(own) = level(resource, object) else {
        return Vec::new();
    };
    let look = Look {
        survey,
        site,
        inventory,
    };
    let mut levels = vec![own];
    let declared = resource.parent_ref().map(|(_, reference)| reference);
    let mut above = look.above(declared, object);
    while let Some((reseller, remote)) = above.filter(|_| levels.len() < DEPTH) {
        levels.extend(match (&reseller, &remote) {
            (Some(reseller), remote) => level(&**reseller, remote.as_ref()),
            (None, Some(remote)) => {
                let origin = format!("Reseller/{}", remote.name);
                Some(Level::new(
                    &origin,
                    Stated::default(),
                    Some(&remote.settings),
                ))
            }
            (None, None) => None,
        });
        let declared = reseller
            .as_ref()
            .and_then(|reseller| reseller.spec.parent_ref.as_ref());
        above = look.above(declared, remote.as_ref());
    }
    levels.extend(look.platform());
    levels
}

/// What a resource states, over what the platform holds of it. For ignored fields the platform's value counts.
fn level<K: Managed>(resource: &K, remote: Option<&Arc<Object>>) -> Option<Level> {
    let stated = resource.stated()?;
    let lifecycle = resource.lifecycle();
    let stated = Stated {
        bandwidth: stated.bandwidth.filter(|_| !lifecycle.ignores("bandwidth")),
        branding: stated.branding.filter(|_| !lifecycle.ignores("branding")),
        required: stated.required,
    };
    let origin = format!("{}/{}", K::KIND.as_str(), resource.name_any());
    Some(Level::new(
        &origin,
        stated,
        remote.map(|remote| &remote.settings),
    ))
}

/// A reseller: its resource, and what the platform holds of it.
type Above = (Option<Arc<Reseller>>, Option<Arc<Object>>);

struct Look<'a> {
    survey: &'a Survey,
    site: &'a PlatformView,
    inventory: &'a Inventory,
}

impl Look<'_> {
    /// What is directly above: as the spec says, or else as the platform holds it.
    fn above(&self, declared: Option<&LocalRef>, remote: Option<&Arc<Object>>) -> Option<Above> {
        if let Some(reseller) = declared.and_then(|reference| self.reseller(&reference.name)) {
            let id = self.survey.index.held_by(&resource_ref(&*reseller));
            let remote = id.and_then(|id| self.inventory.get(Kind::Reseller, &id).cloned());
            return Some((Some(reseller), remote));
        }
        let remote = self
            .inventory
            .get(Kind::Reseller, &remote?.parent()?)?
            .clone();
        let surroundings = self.inventory.surroundings()?;
        let account = &surroundings.capabilities.account.id;
        let holder = self.survey.index.by_id(account, Kind::Reseller, &remote.id);
        let holder = holder.filter(|holder| holder.namespace == self.site.key.namespace);
        let reseller = holder.and_then(|holder| self.reseller(&holder.name));
        Some((reseller, Some(remote)))
    }

    fn reseller(&self, name: &str) -> Option<Arc<Reseller>> {
        let namespace = &self.site.key.namespace;
        self.survey.stores.resellers.get(namespace, name)
    }

    /// The top of the chain.
    fn platform(&self) -> Option<Level> {
        let key = &self.site.key;
        let platforms = &self.survey.stores.platforms;
        let platform = platforms.get(&key.namespace, &key.name)?;
        let stated = Stated {
            bandwidth: platform.spec.bandwidth.as_ref(),
            branding: platform.spec.branding.as_ref(),
            required: platform.spec.require_limits.as_deref().unwrap_or_default(),
        };
        Some(Level::new(
            &format!("BackupPlatform/{}", key.name),
            stated,
            None,
        ))
    }
}
