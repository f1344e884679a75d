//! Which account the credential belongs to, and what it can do.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Druva, console,
    mapping::{CUSTOMER_FIELDS, PLAN_FIELDS, TENANT_FIELDS},
    pages::with_query,
    quotas::QUOTA_FIELDS,
    reading,
    wire::{Event, Page},
};
use crate::wire::garbled;
use crate::{
    api::Kind,
    estate::{Account, Capabilities, Capability, Creation},
    {Lane, PlatformError},
};

/// The account's name for people: the interface provides none.
const NAME: &str = "Managed Services Center";
/// The prefix of the account's id in its events.
const PREFIX: &str = "MSP:";

impl Druva {
    /// The account of the credential: only its events name it, so it is read from one of them, once.
    ///
    /// # Errors
    /// No event yet, or none that names the account.
    pub(super) async fn account(&self, lane: Lane) -> Result<&Account, PlatformError> {
        self.account
            .get_or_try_init(|| self.ask_account(lane))
            .await
    }

    async fn ask_account(&self, lane: Lane) -> Result<Account, PlatformError> {
        let operation = "GET /msp/v2/events";
        let url = with_query(&self.url(&["v2", "events"])?, &[("pageSize", "1")]);
        let page: Page = self.get(reading(operation, lane), url).await?;
        if page.rows.is_empty() {
            return Err(PlatformError::Unavailable(
                "the account has no events yet, and nothing else tells which account it is; log in to the console once, which makes one"
                    .to_owned(),
            ));
        }
        let named = page.rows.iter().find_map(|event| {
            let event: Event = serde_json::from_str(event.get()).ok()?;
            let id = event.global_id.as_deref()?.strip_prefix(PREFIX)?;
            (!id.is_empty()).then(|| id.to_owned())
        });
        let id = named.ok_or_else(|| garbled(operation, "no event names the account"))?;
        Ok(Account {
            id,
            name: NAME.to_owned(),
        })
    }

    pub(super) fn capabilities(&self, account: &Account) -> Capabilities {
        let fields = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
        let mut of_customers: BTreeSet<String> = fields(&CUSTOMER_FIELDS);
        if self.known.manages_quotas() == Some(true) {
            of_customers.extend(QUOTA_FIELDS.map(str::to_owned));
        }
        Capabilities {
            account: account.clone(),
            verbs: BTreeSet::from([
                Capability::CreateCustomer,
                Capability::UpdateCustomer,
                Capability::CreateTenant,
                Capability::UpdateTenant,
                Capability::SuspendTenant,
                Capability::ReadUsage,
                Capability::ReadHealth,
            ]),
            fields: BTreeMap::from([
                (Kind::Reseller, BTreeSet::new()),
                (Kind::ServicePlan, fields(&PLAN_FIELDS)),
                (Kind::Customer, of_customers),
                (Kind::Tenant, fields(&TENANT_FIELDS)),
            ]),
            fixed: BTreeMap::new(),
            apart: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            products: BTreeSet::new(),
            // A customer's name is unique over all of Druva; no document promises that a second tenant of a product is
            // refused.
            creation: BTreeMap::from([
                (Kind::Reseller, Creation::OneOfParent),
                (Kind::ServicePlan, Creation::OneOfParent),
                (Kind::Customer, Creation::UniqueName),
                (Kind::Tenant, Creation::OneOfParent),
            ]),
            console: console::pages(),
            lacking: BTreeMap::new(),
            default_customer: None,
        }
    }
}
