//! The wire format of the bridge contract, and what it means in our terms. Unknown members are ignored; an unknown word never
//! permits more: an object with an unknown protection is left unchanged, an unknown mode means read only.

use std::collections::{BTreeMap, BTreeSet};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IntoDeserializer, value},
};
use serde_json::{Value, value::RawValue};

use crate::{
    api::{Kind, Moment},
    estate::{
        Account, Administrator, Capabilities, Capability, Claim, Client, Consumption, Creation,
        DataSources, Facts, ItemKind, Licences, Object, ObjectId, Protection, Settings,
        StorageLocation,
    },
    rows::{Lost, Raw, document, salvage, whole},
};

/// The contract's version that we speak.
const CONTRACT: &str = "1";

/// One page of a list or report.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) items: Vec<Raw>,
    #[serde(default)]
    pub(super) next: Option<String>,
    /// True on the last page only. Without it the list isn't trusted.
    pub(super) complete: bool,
    /// The age of a report's figures.
    #[serde(default, deserialize_with = "Moment::timed")]
    pub(super) as_of: Option<jiff::Timestamp>,
}

/// What a list holds.
pub(super) trait Row: Sized {
    /// Its kind, where it can't be read.
    const KIND: ItemKind;

    /// Reads one.
    ///
    /// # Errors
    /// Anything of it that can't be read.
    fn read(raw: &RawValue) -> Result<Self, Lost>;

    /// A value that may occur once in a list.
    fn key(&self) -> String;
}

impl Row for StorageLocation {
    const KIND: ItemKind = ItemKind::StorageLocation;

    fn read(raw: &RawValue) -> Result<Self, Lost> {
        whole(raw, &["id", "name"])
    }

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Row for Administrator {
    const KIND: ItemKind = ItemKind::Administrator;

    fn read(raw: &RawValue) -> Result<Self, Lost> {
        whole(raw, &["id"])
    }

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Row for Client {
    const KIND: ItemKind = ItemKind::Client;

    fn read(raw: &RawValue) -> Result<Self, Lost> {
        whole(raw, &["id", "customerId"])
    }

    fn key(&self) -> String {
        self.id.to_string()
    }
}

impl Row for Consumption {
    const KIND: ItemKind = ItemKind::UsageRow;

    fn read(raw: &RawValue) -> Result<Self, Lost> {
        whole(raw, &["customerId"]).map_err(of_customer(raw))
    }

    fn key(&self) -> String {
        report_key(&self.customer_id, self.tenant_id.as_ref())
    }
}

impl Row for DataSources {
    const KIND: ItemKind = ItemKind::HealthRow;

    fn read(raw: &RawValue) -> Result<Self, Lost> {
        whole(raw, &["customerId"]).map_err(of_customer(raw))
    }

    fn key(&self) -> String {
        report_key(&self.customer_id, self.tenant_id.as_ref())
    }
}

fn report_key(customer: &ObjectId, tenant: Option<&ObjectId>) -> String {
    format!("{customer}\n{}", tenant.map_or("", ObjectId::as_str))
}

/// A row of a report has the id of its subject.
fn of_customer(raw: &RawValue) -> impl FnOnce(Lost) -> Lost {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct About {
        customer_id: String,
        #[serde(default)]
        tenant_id: Option<String>,
    }
    let about = salvage::<About>(raw, &["customerId"]).ok();
    let id = about.map(|(about, _)| about.tenant_id.unwrap_or(about.customer_id));
    |lost| Lost { id, ..lost }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    external_ref: Option<String>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default = "unprotected", deserialize_with = "known_protection")]
    protection: Protection,
    #[serde(default, deserialize_with = "Moment::timed")]
    created_at: Option<jiff::Timestamp>,
    #[serde(default)]
    facts: Option<Facts>,
}

/// An item of one of the four kinds, head and settings side by side, in our terms. It records what of it can't be read.
///
/// # Errors
/// An item without a valid id.
pub(super) fn object(kind: Kind, raw: &RawValue) -> Result<Object, Lost> {
    let (head, odd_head) = salvage::<Head>(raw, &["id"])?;
    if !crate::wire::is_usable_id(&head.id) {
        return Err(Lost {
            id: None,
            why: format!("{:?} can't be an id", head.id),
        });
    }
    let (mut document, odd_members) = document(raw);
    for image in ["logo", "icon"] {
        digest_for_image(&mut document, image);
    }
    let (settings, odd_settings) = Settings::salvage(kind, &document);
    let uncounted = uncounted(kind, raw);
    let nameless = head.name.is_none() && document.get("name").is_none();
    let odd: Vec<String> = odd_head
        .into_iter()
        .chain(nameless.then(|| "name is missing".to_owned()))
        .chain(uncounted)
        .chain(odd_members)
        .chain(odd_settings.iter().map(ToString::to_string))
        .collect();
    Ok(Object {
        kind,
        id: ObjectId::new(&head.id),
        name: head.name.unwrap_or_default(),
        claim: head
            .external_ref
            .filter(|mark| !mark.is_empty())
            .as_deref()
            .map(Claim::new),
        etag: head.etag,
        protection: head.protection,
        created_at: head.created_at,
        settings,
        facts: head.facts.unwrap_or_default(),
        unreadable: (!odd.is_empty()).then(|| odd.join("; ")),
    })
}

/// The counts that guard a deletion: an object without them is changed no more, since a count that is missing isn't zero.
fn uncounted(kind: Kind, raw: &RawValue) -> Vec<String> {
    #[derive(Deserialize)]
    struct Counted {
        facts: Option<serde_json::Map<String, Value>>,
    }
    let counts: &[&str] = match kind {
        Kind::Reseller => &["customers", "resellers"],
        Kind::Customer => &["clients", "tenants"],
        Kind::ServicePlan => &["tenants"],
        Kind::Tenant => &[],
    };
    let counted: Option<Counted> = serde_json::from_str(raw.get()).ok();
    let facts = counted
        .and_then(|counted| counted.facts)
        .unwrap_or_default();
    let missing = counts
        .iter()
        .filter(|count| facts.get(**count).is_none_or(Value::is_null));
    missing
        .map(|count| format!("facts.{count} is missing"))
        .collect()
}

/// An image comes as `{sha256, contentType}`; what we compare is its digest.
fn digest_for_image(document: &mut Value, image: &str) {
    let branding = document.get_mut("branding");
    let Some(value) = branding.and_then(|branding| branding.get_mut(image)) else {
        return;
    };
    if value.is_object() {
        *value = value.get_mut("sha256").map(Value::take).unwrap_or_default();
    }
}

/// An item of a list: one with an invalid id that can be read all the same is that object.
///
/// # Errors
/// An item without a readable id.
pub(super) fn listed(kind: Kind, raw: &RawValue) -> Result<Object, Lost> {
    object(kind, raw).or_else(|lost| match lost {
        Lost { id: Some(id), why } if crate::wire::is_usable_id(&id) => {
            Ok(Object::unreadable(kind, &id, why))
        }
        Lost { why, .. } => Err(Lost { id: None, why }),
    })
}

fn unprotected() -> Protection {
    Protection::None
}

/// An object with a protection that isn't understood is left unchanged.
fn known_protection<'de, D: Deserializer<'de>>(from: D) -> Result<Protection, D::Error> {
    let word = Option::<String>::deserialize(from)?;
    Ok(word.map_or(Protection::None, |word| {
        known(&word).unwrap_or(Protection::Foreign)
    }))
}

fn known<T: DeserializeOwned>(word: &str) -> Option<T> {
    let word: value::StrDeserializer<'_, value::Error> = word.into_deserializer();
    T::deserialize(word).ok()
}

/// `GET /v1/capabilities`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CapabilitiesBody {
    contract_version: String,
    #[serde(default)]
    mode: String,
    account: Account,
    verbs: Vec<String>,
    #[serde(default)]
    fields: BTreeMap<String, BTreeSet<String>>,
    #[serde(default)]
    fixed: BTreeMap<String, BTreeSet<String>>,
    units: Units,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    repeatable_create: bool,
    #[serde(default)]
    default_customer_id: Option<String>,
}

#[derive(Deserialize)]
struct Units {
    storage: String,
    rate: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Limits {
    page_size: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { page_size: 100 }
    }
}

impl CapabilitiesBody {
    /// Capabilities in our terms. Operations that the platform doesn't support, or not safely, are left out.
    ///
    /// # Errors
    /// Another version or other units: figures would be wrong by orders of magnitude.
    pub(super) fn into_capabilities(self) -> Result<Capabilities, String> {
        let version = self.contract_version.as_str();
        if version.split('.').next() != Some(CONTRACT) {
            return Err(format!(
                "this version supports contract version {CONTRACT}, not {version:.20}"
            ));
        }
        if self.units.storage != "bytes" || self.units.rate != "bits/s" {
            return Err("units must be bytes and bits/s".to_owned());
        }
        if self.account.id.is_empty() {
            return Err("the account has no id".to_owned());
        }
        let writes = matches!(self.mode.as_str(), "apply" | "manual");
        let creates = self.repeatable_create;
        let verbs = self
            .verbs
            .iter()
            .filter_map(|verb| known::<Capability>(verb));
        let verbs = verbs
            .filter(|verb| reads(*verb) || (writes && (creates || !makes(*verb))))
            .collect();
        let by_kind = |paths: &BTreeMap<String, BTreeSet<String>>| {
            let kinds = KINDS.iter();
            kinds
                .filter_map(|kind| Some((*kind, paths.get(collection(*kind))?.clone())))
                .collect()
        };
        Ok(Capabilities {
            account: self.account,
            verbs,
            fields: by_kind(&self.fields),
            fixed: by_kind(&self.fixed),
            creation: (if creates {
                Creation::ByReference
            } else {
                Creation::AskFirst
            })
            .everywhere(),
            apart: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            products: BTreeSet::new(),
            console: BTreeMap::new(),
            lacking: BTreeMap::new(),
            default_customer: self.default_customer_id.as_deref().map(ObjectId::new),
        })
    }

    /// How many items to ask for at once.
    pub(super) fn page_size(&self) -> u32 {
        self.limits.page_size.clamp(1, 500)
    }
}

const KINDS: [Kind; 4] = [
    Kind::Reseller,
    Kind::ServicePlan,
    Kind::Customer,
    Kind::Tenant,
];

/// A kind's name in paths.
pub(super) fn collection(kind: Kind) -> &'static str {
    match kind {
        Kind::Reseller => "resellers",
        Kind::ServicePlan => "plans",
        Kind::Customer => "customers",
        Kind::Tenant => "tenants",
    }
}

fn reads(verb: Capability) -> bool {
    matches!(
        verb,
        Capability::ReadUsage | Capability::ReadHealth | Capability::ReadLicences
    )
}

fn makes(verb: Capability) -> bool {
    KINDS.iter().any(|kind| Capability::create(*kind) == verb)
}

/// `GET /v1/pool`.
#[derive(Deserialize)]
pub(super) struct Pool {
    pub(super) licences: Licences,
}

/// The answer to a request that is finished later.
#[derive(Deserialize)]
pub(super) struct Accepted {
    pub(super) operation: String,
}

/// `GET /v1/operations/{id}`.
#[derive(Deserialize)]
pub(super) struct Operation {
    pub(super) state: String,
    #[serde(default)]
    pub(super) problem: Option<ProblemBody>,
}

/// The answer to a deletion's rehearsal.
#[derive(Deserialize)]
pub(super) struct RehearsalBody {
    #[serde(default)]
    pub(super) confirm: Option<String>,
    #[serde(default)]
    pub(super) clients: u64,
    #[serde(default)]
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) refused: Vec<ProblemBody>,
}

/// A refusal (RFC 9457).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProblemBody {
    #[serde(rename = "type")]
    pub(super) problem_type: String,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) detail: Option<String>,
    #[serde(default)]
    pub(super) field: Option<String>,
    #[serde(default)]
    pub(super) remedy: Option<String>,
    #[serde(default)]
    pub(super) conflicting_id: Option<String>,
}
