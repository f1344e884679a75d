//! Which partner is at the top, and what can be done below it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{json, value::RawValue};

use super::{
    Cove, LOGIN, console, envelope,
    mapping::{ADDRESS, ADMISSION, COMPANY},
    partner::Partner,
};
use crate::{
    Lane, PlatformError, Problem,
    api::Kind,
    estate::{Account, Capabilities, Capability, Creation},
    wire::{garbled, invalid},
};

/// The partner at the top: nothing at or above it is touched.
pub(super) struct Root {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) level: String,
}

/// Fields of both kinds; those of `Company` come in addition.
const SHARED: [&str; 6] = [
    "name",
    "reference",
    "serviceType",
    "stage",
    "country",
    "storageLocation",
];

impl Cove {
    /// The partner at the top: the API user's own, or the one below it that the spec names.
    ///
    /// # Errors
    /// A name that Cove doesn't know, or doesn't let this user see.
    pub(super) async fn root(&self, lane: Lane) -> Result<&Root, PlatformError> {
        self.root.get_or_try_init(|| self.ask_root(lane)).await
    }

    async fn ask_root(&self, lane: Lane) -> Result<Root, PlatformError> {
        // Logs in, if nobody has yet.
        self.visa(None).await?;
        let user = self.session.user();
        let user = user.ok_or_else(|| garbled(LOGIN, "the user has no partner"))?;
        let own = self.partner(user.partner_id, lane).await?.0;
        let partner = match &self.root_partner {
            Some(name) => self.only_partner_named(name, &own, lane).await?,
            None => own,
        };
        Ok(Root {
            id: partner.id,
            name: partner.name().to_owned(),
            level: partner.level.unwrap_or_default(),
        })
    }

    /// The partner of a name that no other has, in all that the API user sees: names may collide, and what is below another one of
    /// that name would be written.
    async fn only_partner_named(
        &self,
        name: &str,
        own: &Partner,
        lane: Lane,
    ) -> Result<Partner, PlatformError> {
        let partner = self.partner_named(name, lane).await?;
        let below = self.below(own.id, true, lane).await?;
        let seen = below.iter().flatten().map(|(partner, _)| partner);
        let mut others = seen.chain([own]);
        let other = others.find(|other| other.name() == name && other.id != partner.id);
        let Some(other) = other else {
            return Ok(partner);
        };
        let detail = format!(
            "rootPartner {name:?}: partners {} and {} both have that name, and which of them is meant can't be told",
            partner.id, other.id
        );
        Err(Problem {
            remedy: Some(
                "Rename one of them at the console, or leave rootPartner out and use an API user of the partner that is meant"
                    .to_owned(),
            ),
            ..invalid(Some("cove.rootPartner"), detail)
        }
        .into())
    }

    async fn partner_named(&self, name: &str, lane: Lane) -> Result<Partner, PlatformError> {
        const READ: &str = "GetPartnerInfo";
        let decode = |result: &RawValue| envelope::inner::<Partner>(READ, result);
        let read = self.ask(READ, lane, &json!({"name": name}), decode).await;
        let partner = read.map_err(|error| match error {
            PlatformError::Refused(problem) => {
                let detail = format!("rootPartner {name:?}: {}", problem.detail);
                PlatformError::from(invalid(Some("cove.rootPartner"), detail))
            }
            error => error,
        })?;
        if partner.name() == name {
            return Ok(partner);
        }
        let detail = format!(
            "rootPartner {name:?}: Cove answers with {:?}; write the name exactly as the console does",
            partner.name()
        );
        Err(invalid(Some("cove.rootPartner"), detail).into())
    }

    pub(super) fn capabilities(root: &Root) -> Capabilities {
        let fields = |own: &[&str]| -> BTreeSet<String> {
            let company = COMPANY.iter().chain(&ADDRESS).map(|(path, _)| *path);
            let all = SHARED.iter().chain(own).copied().chain(company);
            all.map(str::to_owned).collect()
        };
        let country = || BTreeSet::from(["country".to_owned()]);
        let admission = || BTreeSet::from([ADMISSION.to_owned()]);
        Capabilities {
            account: Account {
                id: root.id.to_string(),
                name: root.name.clone(),
            },
            verbs: BTreeSet::from([
                Capability::CreateReseller,
                Capability::UpdateReseller,
                Capability::DeleteReseller,
                Capability::MoveReseller,
                Capability::CreateCustomer,
                Capability::UpdateCustomer,
                Capability::DeleteCustomer,
                Capability::MoveCustomer,
                Capability::MoveClient,
                Capability::ReadUsage,
                Capability::ReadHealth,
            ]),
            fields: BTreeMap::from([
                (
                    Kind::Reseller,
                    fields(&["parentId", "level", "childServiceTypes"]),
                ),
                (Kind::Customer, fields(&["resellerId", ADMISSION])),
                (Kind::ServicePlan, BTreeSet::new()),
                (Kind::Tenant, BTreeSet::new()),
            ]),
            // It chooses the storage location of a new partner; changed later, it moves nothing.
            fixed: BTreeMap::from([(Kind::Reseller, country()), (Kind::Customer, country())]),
            apart: BTreeMap::from([(Kind::Customer, admission())]),
            unlisted: BTreeMap::from([(Kind::Customer, admission())]),
            products: BTreeSet::new(),
            // Whether the customer reference is taken at creation isn't known, nor whether names are unique.
            creation: Creation::ListAndMark.everywhere(),
            console: console::pages(),
            lacking: BTreeMap::new(),
            default_customer: None,
        }
    }
}
