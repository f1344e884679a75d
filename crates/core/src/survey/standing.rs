//! How one resource, or one object that no resource manages, stands in the ledger: what it holds and wants of which pools, and
//! what it has to give.

use super::{
    AccountKey, Index, Managed, ResourceRef,
    declared::{created_at, resource_ref},
    lookup::Lookup,
};
use crate::{
    api::{Kind, shared::Management},
    estate::{Object, ObjectId, Settings},
    planner::{self, Declared},
    rules::quota::{self, Amounts, Measure, Membership, Rank, Shortage, Window},
};

/// A claimant of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Claimant {
    Resource(ResourceRef),
    /// An object on the platform that no resource manages.
    Unmanaged(AccountKey, Kind, ObjectId),
}

/// A pool to allot from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pool {
    /// The licences of an account.
    Licences(AccountKey),
    /// What a `Reseller` or a `Customer` has.
    Of(ResourceRef),
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub resource: ResourceRef,
    pub rank: Rank,
    pub memberships: Vec<Membership<Pool>>,
    /// What it has to give itself.
    pub gives: Amounts,
    /// The remote object that it holds.
    pub object: Option<ObjectId>,
    /// False while what it holds may be more than is known.
    pub certain: bool,
    /// What it holds, as a claimant without a resource, when a list left it out or it can't be read: then it may hold what it held before, or else
    /// what its spec asks for, and what it has to give isn't known.
    pub unseen: Option<Claimant>,
    /// Whether its parent exists in the cluster alone, so that the platform can't say which pool its share belongs to.
    pub above_is_kept_here: bool,
    /// When its quota ends, by time alone.
    pub ends: Option<jiff::Timestamp>,
}

impl Standing {
    /// Of a resource that holds this object; `None` for kinds that neither claim nor give.
    pub fn of<K: Managed>(
        lookup: &Lookup<'_>,
        object: &K,
        declared: &Declared,
        held: Option<&Object>,
    ) -> Option<Self> {
        if K::KIND == Kind::ServicePlan {
            return None;
        }
        let now = lookup.timeline.now();
        let resource = resource_ref(object);
        let holds = held.map(|held| quota::amounts(K::KIND, &held.settings, now));
        let nothing = [None; 4];
        // A spec that can't be read asks for nothing; the planner reports what is wrong with it.
        let spec = Settings::from_document(K::KIND, &declared.spec).unwrap_or_default();
        let writes = lookup.facts.management(&declared.lifecycle) == Management::Manage
            && !declared.deleting;
        let unseen = match held {
            // As far as the ledger goes: its amounts aren't among what can be read of it.
            Some(held) => held.unreadable.is_some().then(|| held.id.clone()),
            None => lookup.unseen(&resource, declared),
        };
        let settings = held.map(|held| &held.settings);
        let asked = quota::wanted(K::KIND, &spec, settings, now);
        let holds = if unseen.is_some() { Some(asked) } else { holds };
        let wanted = if writes {
            asked
        } else {
            holds.unwrap_or(nothing)
        };
        let gives = match &holds {
            Some(holds) => quota::allotment(&wanted, Some(holds)),
            // Nothing is written below what has no object, and what it will give isn't settled: a grant would outlast the spec.
            None if lookup.facts.capabilities.knows(K::KIND) => [Some(0); 4],
            None => asked,
        };
        let holds = holds.unwrap_or(nothing);
        let desired = pool_of_spec(object, &resource, lookup.account);
        let above = object.parent_ref().map(|(kind, _)| kind);
        let capabilities = &lookup.facts.capabilities;
        let above_is_kept_here = above.is_some_and(|kind| !capabilities.knows(kind));
        let current = match held {
            Some(held) if !above_is_kept_here => pool_above(lookup.index, lookup.account, held),
            Some(_) => desired.clone(),
            None => desired.clone().filter(|_| unseen.is_some()),
        };
        // A spec that names nothing above leaves the object where it is.
        let desired = if above.is_none() && held.is_some() {
            current.clone()
        } else {
            desired
        };
        let memberships = match (current, desired) {
            (Some(current), Some(desired)) if current == desired => {
                vec![membership(current, holds, wanted)]
            }
            (current, desired) => {
                let leaves = current.map(|pool| membership(pool, holds, nothing));
                let comes = desired.map(|pool| membership(pool, nothing, wanted));
                leaves.into_iter().chain(comes).collect()
            }
        };
        Some(Self {
            rank: Rank {
                created: created_at(object),
                name: format!("{}/{}", resource.namespace, resource.name),
            },
            memberships,
            gives: match K::KIND {
                Kind::Reseller => gives,
                Kind::Customer => only(Measure::Credits, gives),
                Kind::Tenant | Kind::ServicePlan => nothing,
            },
            object: held.map(|held| held.id.clone()),
            certain: !planner::is_in_doubt(declared, lookup.timeline)
                && !planner::is_under_way(declared, lookup.timeline),
            unseen: unseen.map(|id| Claimant::Unmanaged(lookup.account.clone(), K::KIND, id)),
            above_is_kept_here,
            ends: (K::KIND == Kind::Tenant)
                .then(|| ends(&spec, settings, now))
                .flatten(),
            resource,
        })
    }

    /// What it claims while it moves out of a pool that the platform doesn't show.
    pub fn moving_from(&self, left: &Pool) -> Vec<Membership<Pool>> {
        let nothing = [None; 4];
        let comes = self.memberships.iter().map(|member| Membership {
            held: nothing,
            ..member.clone()
        });
        let leaves = self.memberships.iter().map(|member| Membership {
            pool: left.clone(),
            held: member.held,
            wanted: nothing,
            perhaps: nothing,
        });
        leaves.chain(comes).collect()
    }

    /// The same as far as the caches tell: a change without an answer may have been carried out, or may be still.
    pub fn doubted(mut self) -> Self {
        if !self.certain {
            for membership in &mut self.memberships {
                membership.perhaps = membership.wanted;
            }
        }
        self
    }

    /// Whether others take of what it has.
    pub fn gives_to_others(&self) -> bool {
        matches!(self.resource.kind, Kind::Reseller | Kind::Customer)
    }
}

/// The first end of what is held and of what is wanted.
fn ends(spec: &Settings, held: Option<&Settings>, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
    let holds = held.map(Window::of).and_then(|window| window.ends(now));
    let wants = Window::of_spec(spec, held).ends(now);
    holds.into_iter().chain(wants).min()
}

/// What an object takes that no resource manages; `None` when one does, or where nothing that is declared is above it.
pub(super) fn unmanaged(
    index: &Index,
    account: &AccountKey,
    object: &Object,
    now: jiff::Timestamp,
) -> Option<(Claimant, Unmanaged)> {
    if object.kind == Kind::ServicePlan || is_held(index, account, object) {
        return None;
    }
    left_behind(index, account, object, now)
}

/// The same for an object that its resource has released.
pub(super) fn left_behind(
    index: &Index,
    account: &AccountKey,
    object: &Object,
    now: jiff::Timestamp,
) -> Option<(Claimant, Unmanaged)> {
    let held = quota::amounts(object.kind, &object.settings, now);
    let claimant = Claimant::Unmanaged(account.clone(), object.kind, object.id.clone());
    let pool = pool_above(index, account, object)?;
    let ends = (object.kind == Kind::Tenant).then(|| Window::of(&object.settings).ends(now));
    let unmanaged = Unmanaged {
        membership: membership(pool, held, held),
        ends: ends.flatten(),
    };
    Some((claimant, unmanaged))
}

/// What an object takes that no resource manages.
#[derive(Debug, Clone)]
pub(super) struct Unmanaged {
    pub membership: Membership<Pool>,
    pub ends: Option<jiff::Timestamp>,
}

impl Unmanaged {
    /// What the platform holds already waits for nothing.
    pub fn rank() -> Rank {
        Rank {
            created: jiff::Timestamp::MIN,
            name: String::new(),
        }
    }
}

/// Whether a resource manages an object: it holds it, or has just created it and holds nothing yet.
fn is_held(index: &Index, account: &AccountKey, object: &Object) -> bool {
    let holder = index.by_id(&account.id, object.kind, &object.id);
    holder.is_some() || is_awaited(index, account, object)
}

/// Whether the resource that made an object has yet to learn that it holds it.
pub(super) fn is_awaited(index: &Index, account: &AccountKey, object: &Object) -> bool {
    let maker = || {
        let maker = index.by_claim(object.kind, object.claim.as_ref()?)?;
        index.held_by(&maker).is_none().then_some(maker)
    };
    let holder = index.by_id(&account.id, object.kind, &object.id);
    holder.is_none() && maker().is_some()
}

fn membership(pool: Pool, held: Amounts, wanted: Amounts) -> Membership<Pool> {
    let masked = |amounts| match &pool {
        Pool::Licences(_) => only(Measure::Licences, amounts),
        Pool::Of(resource) if resource.kind == Kind::Customer => only(Measure::Credits, amounts),
        Pool::Of(_) => amounts,
    };
    Membership {
        held: masked(held),
        wanted: masked(wanted),
        pool,
        perhaps: [None; 4],
    }
}

fn only(measure: Measure, amounts: Amounts) -> Amounts {
    let mut kept = [None; 4];
    kept[measure as usize] = amounts[measure as usize];
    kept
}

/// The pool that a spec asks to take of.
fn pool_of_spec<K: Managed>(
    object: &K,
    resource: &ResourceRef,
    account: &AccountKey,
) -> Option<Pool> {
    let above = object.parent_ref().map(|(kind, reference)| {
        Pool::Of(ResourceRef {
            kind,
            namespace: resource.namespace.clone(),
            name: reference.name.clone(),
        })
    });
    let top = || (K::KIND != Kind::Tenant).then(|| Pool::Licences(account.clone()));
    above.or_else(top)
}

/// The pool that an object on the platform takes of now; `None` where nothing that is declared is above it.
fn pool_above(index: &Index, account: &AccountKey, object: &Object) -> Option<Pool> {
    let kind = match object.kind {
        Kind::Tenant => Kind::Customer,
        _ => Kind::Reseller,
    };
    match object.parent() {
        Some(id) => index.by_id(&account.id, kind, &id).map(Pool::Of),
        None => (kind == Kind::Reseller).then(|| Pool::Licences(account.clone())),
    }
}

/// A shortage by the pool's name, as people know it.
pub(super) fn named(shortage: Shortage<Pool>) -> Shortage<String> {
    let pool = match shortage.pool {
        Pool::Licences(_) => "the platform's licence pool".to_owned(),
        Pool::Of(resource) => format!("{} {}", resource.kind.as_str(), resource.name),
    };
    Shortage {
        pool,
        measure: shortage.measure,
        wanted: shortage.wanted,
        has: shortage.has,
        free: shortage.free,
        allotted: shortage.allotted,
    }
}
