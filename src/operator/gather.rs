//! Gathering what a decision may depend on. Looks things up; decides nothing.

use std::{collections::BTreeMap, sync::Arc};

use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use secrecy::SecretString;

use super::{
    around,
    context::Context,
    index::ResourceRef,
    kinds::Managed,
    neighbours::neighbours,
    platforms::{Handle, Trouble},
    referrers::Named,
    supplements::supplement,
};
use crate::{
    api::{BackupPlatform, ConditionType, Kind, ManagedKind, names, shared::Adopt},
    estate::{Object, ObjectId},
    inventory::Inventory,
    planner::{
        self, Around, Declared, Marks, Neighbours, PlatformFacts, PlatformState, Reference,
        References, Remote, Seen, Supplements,
    },
};

/// The parts of a view that live for one look.
pub struct Gathered {
    /// The resource, parsed.
    pub declared: Declared,
    /// The platform it lives on.
    pub platform: PlatformState,
    /// Its handle.
    pub handle: Option<Arc<Handle>>,
    /// What its references lead to.
    pub references: References,
    /// Values from Secrets, as tags.
    pub supplements: Supplements,
    /// The secret values themselves, for the request only.
    pub secrets: BTreeMap<&'static str, SecretString>,
    /// What the inventory says.
    pub remote: Remote,
    /// What the rules need to know of the things around it.
    pub neighbours: Neighbours,
    /// What surrounds the remote object, for labels and status.
    pub around: Around,
}

/// Gathers for one resource.
pub async fn gather<K: Managed>(context: &Context, object: &K) -> serde_json::Result<Gathered> {
    let declared = declare(object)?;
    let (platform, handle) = platform_state(context, object);
    let mut gathered = Gathered {
        references: references(context, object),
        supplements: Supplements::default(),
        secrets: BTreeMap::new(),
        remote: Remote::default(),
        neighbours: Neighbours::default(),
        around: Around::default(),
        declared,
        platform,
        handle,
    };
    if let (PlatformState::Observed(facts), Some(handle)) =
        (gathered.platform.clone(), gathered.handle.clone())
    {
        supplement(context, object, &facts, &mut gathered).await;
        gathered.remote = remote(context, object, &gathered, &facts, &handle);
        gathered.neighbours = neighbours(context, object, &handle, &gathered);
        gathered.around = around::around(
            context,
            object,
            &handle,
            planner::remote_object(&gathered.declared, &gathered.remote),
        );
    }
    Ok(gathered)
}

/// The account and remote id in our annotation.
pub fn noted_id<K: ManagedKind>(object: &K) -> Option<(String, ObjectId)> {
    let noted = object.annotations().get(names::EXTERNAL_ID_ANNOTATION)?;
    let (account, id) = noted.split_once('/')?;
    Some((account.to_owned(), ObjectId::new(id)))
}

/// When the resource was made.
pub fn created_at<K: ManagedKind>(object: &K) -> jiff::Timestamp {
    object
        .creation_timestamp()
        .map_or(jiff::Timestamp::MIN, |time| time.0)
}

/// The resource, parsed once.
pub fn declare<K: Managed>(object: &K) -> serde_json::Result<Declared> {
    let annotation = |name: &str| object.annotations().get(name).cloned();
    let external_id = annotation(names::EXTERNAL_ID_ANNOTATION);
    let annotated = noted_id(object);
    let ours = |name: &&String| {
        let prefix = name.split_once('/').map_or("", |(prefix, _)| prefix);
        prefix == names::GROUP || prefix.ends_with(".holdfast.dev")
    };
    let labels = object
        .labels()
        .iter()
        .filter(|(name, _)| ours(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Ok(Declared {
        kind: K::KIND,
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        generation: object.meta().generation.unwrap_or_default(),
        created_at: created_at(object),
        deleting: object.meta().deletion_timestamp.is_some(),
        deleted_at: object.meta().deletion_timestamp.as_ref().map(|time| time.0),
        allowed_deletion: annotation(names::ALLOW_DELETION_ANNOTATION),
        finalized: object
            .finalizers()
            .iter()
            .any(|finalizer| finalizer == names::FINALIZER),
        annotated,
        marks: Marks {
            external_id,
            labels,
        },
        recreate: annotation(names::RECREATE_ANNOTATION),
        lifecycle: object.lifecycle().clone(),
        spec: object.spec_document()?,
        status: object.managed().cloned().unwrap_or_default(),
    })
}

fn platform_state<K: Managed>(
    context: &Context,
    object: &K,
) -> (PlatformState, Option<Arc<Handle>>) {
    let namespace = object.namespace().unwrap_or_default();
    let name = match context.platform_of(object) {
        Ok(name) => name,
        Err((field, name)) => return (PlatformState::Unresolved { field, name }, None),
    };
    let Some(platform) = context
        .stores
        .platforms
        .get(&ObjectRef::new(&name).within(&namespace))
    else {
        return (PlatformState::Missing { name }, None);
    };
    let Some(handle) = context.handle(&namespace, &name) else {
        let state = match unready(&platform) {
            Some(trouble) => PlatformState::Stalled { name, trouble },
            None => PlatformState::Unobserved {
                name,
                trouble: None,
            },
        };
        return (state, None);
    };
    if let Some(facts) = handle.facts() {
        (PlatformState::Observed(facts), Some(handle))
    } else {
        let trouble = handle.trouble().map(|trouble| match trouble {
            Trouble::Credentials(message) | Trouble::Unreachable(message) => message,
        });
        (PlatformState::Unobserved { name, trouble }, Some(handle))
    }
}

/// What a `BackupPlatform` says is wrong with it.
fn unready(platform: &BackupPlatform) -> Option<String> {
    let conditions = &platform.status.as_ref()?.conditions;
    let stalled = conditions
        .iter()
        .find(|condition| condition.type_ == ConditionType::Stalled.as_str())?;
    Some(stalled.message.clone())
}

fn references<K: Managed>(context: &Context, object: &K) -> References {
    let namespace = object.namespace().unwrap_or_default();
    object
        .references()
        .into_iter()
        .map(|(field, kind, reference)| {
            let name = &reference.name;
            let reference = match kind {
                Kind::Reseller => lookup(
                    context,
                    context
                        .stores
                        .resellers
                        .get(&ObjectRef::new(name).within(&namespace)),
                ),
                Kind::ServicePlan => lookup(
                    context,
                    context
                        .stores
                        .plans
                        .get(&ObjectRef::new(name).within(&namespace)),
                ),
                Kind::Customer => lookup(
                    context,
                    context
                        .stores
                        .customers
                        .get(&ObjectRef::new(name).within(&namespace)),
                ),
                Kind::Tenant => lookup(
                    context,
                    context
                        .stores
                        .tenants
                        .get(&ObjectRef::new(name).within(&namespace)),
                ),
            };
            (field, (name.clone(), reference))
        })
        .collect()
}

fn lookup<K: Managed>(context: &Context, found: Option<Arc<K>>) -> Reference {
    let Some(object) = found else {
        return Reference::Missing;
    };
    let resource = resource_ref(&*object);
    Reference::Found {
        id: context.index.held_by(&resource),
        deleting: object.meta().deletion_timestamp.is_some(),
        platform: context.platform_of(&*object).ok(),
    }
}

/// The name of a resource.
pub fn resource_ref<K: ManagedKind>(object: &K) -> ResourceRef {
    ResourceRef {
        kind: K::KIND,
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

fn remote<K: Managed>(
    context: &Context,
    object: &K,
    gathered: &Gathered,
    facts: &PlatformFacts,
    handle: &Handle,
) -> Remote {
    let (declared, references) = (&gathered.declared, &gathered.references);
    let inventory = handle.inventory();
    let account = &facts.capabilities.account.id;
    let this = resource_ref(object);
    let seen = |object: &Arc<Object>| Seen {
        holder: context
            .index
            .holder(account, object)
            .filter(|holder| *holder != this)
            .map(|holder| holder.to_string()),
        object: object.clone(),
    };
    let claim = facts.claim(K::KIND, &declared.namespace, &declared.name);
    let claimed = inventory.claimed(K::KIND, &claim).cloned();
    let by_id = match (
        facts.adopt(&declared.lifecycle),
        &declared.lifecycle.external_id,
    ) {
        (Adopt::ById, Some(id)) => Some(ObjectId::new(id)),
        _ => declared
            .annotated
            .as_ref()
            .filter(|(noted, _)| noted == account)
            .map(|(_, id)| id.clone()),
    };
    let known = by_id.and_then(|id| inventory.get(K::KIND, &id).map(seen));
    let namesakes = namesakes(&inventory, declared, references)
        .filter(|other| other.claim.as_ref() != Some(&claim))
        .map(seen)
        .collect();
    let listed = object.listed_clients();
    let clients = listed
        .iter()
        .map(|id| (id.clone(), inventory.client(&ObjectId::new(id)).cloned()))
        .collect();
    Remote {
        claimed,
        known,
        namesakes,
        clients: (!listed.is_empty() && inventory.has_clients()).then_some(clients),
        contested: contested(context, object),
    }
}

/// Objects that stand where this one would: of its name, or of its customer and product.
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
    match planner::remote_name(declared.kind, &declared.spec) {
        Some(name) => Box::new(inventory.named(declared.kind, name)),
        None => Box::new(std::iter::empty()),
    }
}

/// Listed clients that an older customer lists too.
fn contested<K: Managed>(context: &Context, object: &K) -> BTreeMap<String, String> {
    let listed = object.listed_clients();
    if listed.is_empty() {
        return BTreeMap::new();
    }
    let age = |meta: &kube::api::ObjectMeta| {
        (
            meta.creation_timestamp.clone(),
            meta.namespace.clone(),
            meta.name.clone(),
        )
    };
    let mine = age(object.meta());
    let mut contested = BTreeMap::new();
    let namespace = object.namespace().unwrap_or_default();
    for id in listed {
        let client = Named::Client(namespace.clone(), id.clone());
        let others = context.referrers.of(&client).into_iter().filter(|other| {
            let reference = ObjectRef::new(&other.name).within(&namespace);
            let other = context.stores.customers.get(&reference);
            other.is_some_and(|other| other.uid() != object.uid() && age(other.meta()) < mine)
        });
        if let Some(other) = others.last() {
            contested.insert(id.clone(), other.to_string());
        }
    }
    contested
}
