//! Gathering what a decision may depend on. Looks things up; decides nothing.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    AccountKey, Managed, Named, PlatformView, ResourceRef, Store, Survey,
    around::around,
    declared::{created_at, declare, resource_ref},
    lookup::{Found, Lookup, references},
    neighbours::{deleting_below, neighbours},
    observation::Observation,
    quotas::QuotaDecision,
    stand_in::stand_in,
};
use crate::{
    api::{Kind, shared::ManagedStatus},
    estate::{Object, ObjectId},
    inventory::Inventory,
    planner::{
        self, Around, Declared, Neighbours, PlatformFacts, PlatformState, Reference, References,
        Remote, Seen, Supplements,
    },
    timeline::Timeline,
};

/// Gathers for one resource. `site` is there when the platform was observed.
///
/// # Errors
/// A spec that can't be turned into a document.
pub fn gather<K: Managed>(
    survey: &Survey,
    object: &K,
    platform: PlatformState,
    site: Option<&PlatformView>,
    supplements: Supplements,
    timeline: &Timeline,
) -> serde_json::Result<Observation> {
    let mut observation = Observation {
        declared: declare(object)?,
        references: references(&survey.index, &survey.stores, object),
        remote: Remote::default(),
        neighbours: Neighbours::default(),
        deleting_below: deleting_below(survey, object),
        around: Around::default(),
        stand_in: None,
        took: false,
        woken: Vec::new(),
        platform,
        supplements,
    };
    if matches!(
        observation.platform,
        PlatformState::Unresolved { .. } | PlatformState::Missing { .. }
    ) {
        // A resource without a platform holds nothing, as after a restart.
        observation.woken = survey.forget(&resource_ref(object), timeline.now());
    }
    if let (PlatformState::Observed(facts), Some(site)) = (observation.platform.clone(), site) {
        let decision = look(survey, object, site, &facts, &mut observation, timeline);
        observation.neighbours = neighbours(survey, object, site, &observation, decision);
        if !facts.capabilities.knows(K::KIND) {
            observation.stand_in = Some(Arc::new(stand_in(K::KIND, &observation.declared.spec)));
        }
        observation.around = around(survey, object, site, observation.object());
        if observation.stand_in.is_some() {
            observation.around.granted = Some(observation.neighbours.granted_below);
        }
    }
    Ok(observation)
}

/// Looks for the remote object, notes which resource holds it, and asks the ledger.
fn look<K: Managed>(
    survey: &Survey,
    object: &K,
    site: &PlatformView,
    facts: &PlatformFacts,
    observation: &mut Observation,
    timeline: &Timeline,
) -> QuotaDecision {
    let Some(account) = site.account() else {
        return QuotaDecision::default();
    };
    let resource = resource_ref(object);
    let declared = &observation.declared;
    let contested = contested(survey, object, &account);
    let inventory = site.inventory();
    let lookup = Lookup {
        index: &survey.index,
        referrers: &survey.referrers,
        stores: &survey.stores,
        home: &site.key,
        facts,
        account: &account,
        inventory: &inventory,
        timeline,
    };
    let found = lookup.found(declared, &observation.references);
    let noted = lookup.note(object, declared, &found);
    let held = lookup.held(&resource, declared, &found);
    let mut decision = survey
        .quotas
        .ask(&lookup, object, declared, held.as_deref());
    observation.remote = Remote {
        contested,
        ..remote(
            survey,
            object,
            declared,
            &observation.references,
            &lookup,
            found,
        )
    };
    drop(inventory);
    observation.took = noted.took;
    observation.woken = noted.others;
    observation.woken.append(&mut decision.promoted);
    if !survey.stores.exists(&resource) {
        // The resource was deleted during the look-up: the clean-up may have run before this note.
        observation
            .woken
            .extend(survey.forget(&resource, timeline.now()));
    }
    decision
}

fn remote<K: Managed>(
    survey: &Survey,
    object: &K,
    declared: &Declared,
    references: &References,
    lookup: &Lookup<'_>,
    found: Found,
) -> Remote {
    let (inventory, facts, account) = (lookup.inventory, lookup.facts, &lookup.account.id);
    let this = resource_ref(object);
    let marks = facts.capabilities.marks(K::KIND);
    let unmarked = !marks && declared.annotated.is_none();
    let seen = |object: &Arc<Object>| Seen {
        holder: survey
            .index
            .holder(account, object)
            .filter(|holder| *holder != this)
            .or_else(|| contender(survey, declared, object).filter(|_| unmarked))
            .map(|holder| holder.to_string()),
        object: object.clone(),
    };
    // Where objects carry a claim, that alone determines their owner.
    let free = |object: &Arc<Object>| marks || seen(object).holder.is_none();
    let claimed = found.claimed.filter(free);
    let disagreeing = found.disagreeing.filter(free);
    let known = found
        .id
        .filter(|_| claimed.is_none() && (disagreeing.is_none() || found.by_word))
        .and_then(|id| inventory.get(K::KIND, &id).map(seen));
    let claim = facts.claim(K::KIND, &declared.namespace, &declared.name);
    let namesakes = namesakes(inventory, declared, references)
        .filter(|other| other.claim.as_ref() != Some(&claim))
        .filter(|other| claimed.as_ref().is_none_or(|ours| ours.id != other.id))
        .map(seen)
        .collect();
    let listed = object.listed_clients();
    let clients = listed
        .iter()
        .map(|id| (id.clone(), inventory.client(&ObjectId::new(id)).cloned()))
        .collect();
    let twins = inventory.all_claimed(K::KIND, &claim);
    let twins = twins.filter(|other| {
        claimed
            .as_ref()
            .is_some_and(|ours| marks && ours.id != other.id)
    });
    let twins = twins.map(|other| other.id.clone()).collect();
    Remote {
        claimed,
        twins,
        disagreeing,
        known,
        namesakes,
        clients: (!listed.is_empty() && inventory.has_clients()).then_some(clients),
        contested: BTreeMap::new(),
    }
}

/// Another resource with a creation under way that may have created this object; of two candidates the older is preferred.
/// Only asked where no claim determines the owner.
fn contender(survey: &Survey, declared: &Declared, object: &Object) -> Option<ResourceRef> {
    match declared.kind {
        Kind::Customer => rival(&survey.stores.customers, declared, object),
        Kind::Tenant => rival(&survey.stores.tenants, declared, object),
        Kind::Reseller | Kind::ServicePlan => None,
    }
}

fn rival<K: Managed>(
    store: &Store<K>,
    declared: &Declared,
    object: &Object,
) -> Option<ResourceRef> {
    let asks = |status: &ManagedStatus| {
        let intent = status.intent.as_ref();
        intent.is_some_and(|intent| planner::may_have_made(intent, object))
    };
    let mine = asks(&declared.status);
    let age = (declared.created_at, &declared.namespace, &declared.name);
    let rivals = store.all();
    let rival = rivals.iter().find(|other| {
        let resource = resource_ref(&***other);
        let itself = resource.namespace == declared.namespace && resource.name == declared.name;
        let older = (created_at(&***other), &resource.namespace, &resource.name) < age;
        !itself && other.managed().is_some_and(asks) && (older || !mine)
    });
    rival.map(|other| resource_ref(&**other))
}

/// Objects in the place of this one: with its name, or of its customer and product.
fn namesakes<'a>(
    inventory: &'a Inventory,
    declared: &'a Declared,
    references: &'a References,
) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
    if declared.kind == Kind::Tenant {
        let Some((_, Reference::Found { id: Some(id), .. })) = references.get("customerRef") else {
            return Box::new(std::iter::empty());
        };
        let product = declared
            .spec
            .get("product")
            .and_then(|value| value.as_str());
        let same = move |other: &&Arc<Object>| other.settings.text("product") == product;
        return Box::new(inventory.children(Kind::Tenant, id).filter(same));
    }
    let Some(name) = planner::remote_name(declared.kind, &declared.spec) else {
        return Box::new(std::iter::empty());
    };
    if declared.kind != Kind::Customer || inventory.marks(declared.kind) {
        return Box::new(inventory.named(declared.kind, name));
    }
    // Without claims a creation of ours may have left an object under any of these names.
    let noted = declared
        .status
        .intent
        .iter()
        .flat_map(|intent| &intent.names);
    let names = [Some(name), planner::account_name(&declared.spec)];
    let names = names.into_iter().flatten().chain(noted.map(String::as_str));
    let found: BTreeMap<&ObjectId, &Arc<Object>> = names
        .flat_map(|name| {
            let named = inventory.named(Kind::Customer, name);
            named.chain(inventory.of_account(name))
        })
        .map(|object| (&object.id, object))
        .collect();
    Box::new(found.into_values())
}

/// Listed clients that an older customer on the account lists too.
fn contested<K: Managed>(
    survey: &Survey,
    object: &K,
    account: &AccountKey,
) -> BTreeMap<String, String> {
    let listed = object.listed_clients();
    let this = resource_ref(object);
    let mine = (created_at(object), &this);
    let is_older = |other: &ResourceRef| {
        survey.commons.scopes().iter().any(|stores| {
            let other_customer = stores.customers.get(&other.namespace, &other.name);
            other_customer.is_some_and(|customer| {
                (created_at(&*customer), other) < mine
                    && stores
                        .home_of(&*customer)
                        .is_some_and(|home| survey.commons.is_of(&home, account))
            })
        })
    };
    let mut contested = BTreeMap::new();
    for id in listed {
        let listers = survey.referrers.of(&Named::Client(id.clone()));
        if let Some(other) = listers
            .iter()
            .rfind(|other| **other != this && is_older(other))
        {
            contested.insert(id.clone(), other.to_string());
        }
    }
    contested
}
