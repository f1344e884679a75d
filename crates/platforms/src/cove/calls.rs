//! The port's methods as calls of the Management Service.

use async_trait::async_trait;
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    Cove, envelope,
    guards::{not_ours, number},
    mapping::{self, Holdings},
    not_sent,
    partner::Level,
    tree::{Listed, Tree},
    writes,
};
use crate::{
    Beside, ByClaim, Clients, Deletion, Lane, Platform, PlatformError, Problem, Rehearsal, Reports,
    Written,
    api::Kind,
    estate::{
        Capabilities, Claim, Client, HealthReport, Object, ObjectId, Scope, Snapshot, Unread,
        Unreadable, UsageReport,
    },
    rows::Lost,
};

fn beyond(kind: Kind) -> PlatformError {
    let what = format!("Cove has no objects of kind {}", kind.as_str());
    Problem::unsupported(&what).into()
}

/// Only resellers and customers are objects of Cove.
pub(super) fn is_partner(kind: Kind) -> Result<(), PlatformError> {
    match kind {
        Kind::Reseller | Kind::Customer => Ok(()),
        Kind::ServicePlan | Kind::Tenant => Err(beyond(kind)),
    }
}

/// Whether it is a reseller or a customer isn't known: of neither kind anything counts as gone.
fn note(unreadable: &mut Unread, lost: &Lost) {
    for kind in [Kind::Reseller, Kind::Customer] {
        unreadable.note(Unreadable {
            kind: kind.into(),
            id: lost.id.clone(),
            why: lost.why.clone(),
        });
    }
}

impl Cove {
    /// A partner that was read by itself, as an object. What hangs below it is as known; where that is something, it is asked
    /// afresh, since it forbids a removal.
    async fn whole(&self, listed: &Listed) -> Result<Object, PlatformError> {
        let (top, id) = (self.root(Lane::Edit).await?.id, listed.0.id);
        let tree = self.known_tree(Lane::Edit).await?;
        let mut holdings = Holdings {
            children: tree.children(id),
            admission: self.deployments.of(id),
            ..Holdings::default()
        };
        let children = holdings.children;
        if mapping::kind(&listed.0) == Kind::Reseller {
            if children.customers + children.resellers > 0 {
                holdings.children = self.children_now(id).await?;
            }
        } else {
            let owners = self.owners(&tree, false, Lane::Edit).await?;
            let has_some = owners
                .of
                .values()
                .any(|owner| tree.customer_of(*owner) == id);
            if has_some {
                let devices = self.devices_below(id).await?;
                holdings.ids = devices.into_iter().map(|(device, _)| device).collect();
                holdings.clients = count(holdings.ids.len());
            }
        }
        Ok(mapping::object(
            listed,
            top,
            tree.is_discarded(id),
            holdings,
        ))
    }

    async fn children_now(&self, id: i64) -> Result<super::tree::Children, PlatformError> {
        let mut children = super::tree::Children::default();
        for row in self.below(id, false, Lane::Edit).await? {
            match row {
                Ok((partner, _)) if mapping::kind(&partner) == Kind::Reseller => {
                    children.resellers += 1;
                }
                _ => children.customers += 1,
            }
        }
        Ok(children)
    }

    /// Partners of the tree as objects.
    pub(super) fn objects(
        &self,
        tree: &Tree,
        top: i64,
        owners: &super::devices::Owners,
        wanted: impl Fn(&Listed) -> bool,
    ) -> Vec<Object> {
        let mut devices = owners.by_customer(tree);
        let object = |listed: &Listed| {
            let id = listed.0.id;
            let ids = devices.remove(&id).unwrap_or_default();
            let holdings = Holdings {
                children: tree.children(id),
                clients: count(ids.len()),
                ids,
                admission: self.deployments.of(id),
            };
            mapping::object(listed, top, tree.is_discarded(id), holdings)
        };
        tree.rows
            .iter()
            .filter(|listed| wanted(listed))
            .map(object)
            .collect()
    }

    async fn create_partner(
        &self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        const ADD: &str = "AddPartner";
        let root = self.root(Lane::Edit).await.map_err(not_sent)?;
        let document = self.place(document).await.map_err(not_sent)?;
        let partner = writes::created(kind, claim, &document, root)?;
        let params = json!({"partnerInfo": partner, "createDefaultAccount": false});
        let decode = |result: &RawValue| envelope::inner::<i64>(ADD, result);
        let id = self.change(ADD, &params, decode).await?;
        // The object exists, whatever becomes of this look at it.
        let lost = |error: PlatformError| {
            PlatformError::Unreachable(format!(
                "{ADD} created partner {id}, which can't be read back yet: {error}"
            ))
        };
        let listed = self.partner(id, Lane::Edit).await.map_err(lost)?;
        let object = self.whole(&listed).await.map_err(lost)?;
        Ok(Written::Done(Box::new(object)))
    }

    async fn update_partner(
        &self,
        kind: Kind,
        id: &ObjectId,
        claim: Option<&Claim>,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        const MODIFY: &str = "ModifyPartner";
        let number = number(id)?;
        let root = self.root(Lane::Edit).await.map_err(not_sent)?;
        let before = self.writable(kind, number).await.map_err(not_sent)?;
        let mut partner = writes::changed(kind, &before, claim, patch, root)?;
        let deployment = writes::deployment(patch)?;
        // Somebody may have changed it in the same way meanwhile.
        if !partner.is_empty() {
            let moves = partner.contains_key("ParentId");
            partner.insert("Id".to_owned(), number.into());
            let mut params = json!({"partnerInfo": partner});
            if moves {
                params[FORCE] = self.drops_columns.into();
            }
            let changed = self.change(MODIFY, &params, envelope::nothing).await;
            changed.map_err(|error| if moves { unmoved(error) } else { error })?;
        }
        if let Some(word) = deployment {
            self.set_deployment(number, word).await?;
        }
        let lost = |error: PlatformError| {
            PlatformError::Unreachable(format!(
                "{MODIFY}: partner {id} was changed as far as needed, but can't be read back yet: {error}"
            ))
        };
        let listed = self.partner(number, Lane::Edit).await.map_err(lost)?;
        let object = self.whole(&listed).await.map_err(lost)?;
        Ok(Written::Done(Box::new(object)))
    }
}

/// Whether a move may lose values of custom columns that its new place doesn't have. Source: "Changing customer properties".
const FORCE: &str = "forceRemoveCustomColumnValuesInOldScope";

/// A move that was refused. The number of that error isn't published, so that every refusal says what it may be about.
fn unmoved(error: PlatformError) -> PlatformError {
    match error {
        PlatformError::Refused(mut problem) if problem.remedy.is_none() => {
            problem.remedy = Some(
                "If the move would lose values of custom columns, define these columns at a partner above both places, or allow the \
                 loss with cove.customColumns: Drop on the BackupPlatform"
                    .to_owned(),
            );
            problem.into()
        }
        error => error,
    }
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[async_trait]
impl Platform for Cove {
    fn probe_now(&self) {
        self.http.probe_now();
    }

    async fn identify(&self) -> Result<Capabilities, PlatformError> {
        Ok(Self::capabilities(self.root(Lane::Edit).await?))
    }

    async fn observe(&self, scope: Scope) -> Result<Snapshot, PlatformError> {
        let root = self.root(Lane::Sweep).await?;
        let tree = self.tree(Lane::Sweep).await?;
        let owners = self.owners(&tree, scope.clients, Lane::Sweep).await?;
        let (locations, mut unreadable) = self.locations(Lane::Sweep).await?;
        for lost in &tree.lost {
            note(&mut unreadable, &lost.lost);
        }
        let clients = owners.of.iter().filter(|_| scope.clients);
        Ok(Snapshot {
            capabilities: Self::capabilities(root),
            objects: self.objects(&tree, root.id, &owners, |_| true),
            locations,
            administrators: Vec::new(),
            licences: None,
            clients: clients
                .map(|(device, partner)| Client {
                    id: ObjectId::new(&device.to_string()),
                    customer_id: ObjectId::new(&tree.customer_of(*partner).to_string()),
                    etag: None,
                })
                .collect(),
            unreadable,
        })
    }

    async fn read(&self, kind: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError> {
        is_partner(kind)?;
        let Ok(number) = number(id) else {
            // Cove has no such ids.
            return Ok(None);
        };
        let Some(listed) = self.partner_if_any(number).await? else {
            return Ok(None);
        };
        self.is_below_the_top(&listed.0).await?;
        if mapping::kind(&listed.0) != kind {
            not_ours(&listed.0, kind, false)?;
        }
        if listed.0.level() == Level::Customer {
            self.ask_deployment(number).await?;
        }
        self.whole(&listed).await.map(Some)
    }

    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        is_partner(kind)?;
        self.create_partner(kind, claim, document).await
    }

    async fn update(
        &self,
        kind: Kind,
        id: &ObjectId,
        _: Option<&str>,
        mark: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        is_partner(kind)?;
        self.update_partner(kind, id, mark, &patch).await
    }

    fn by_claim(&self) -> Option<&dyn ByClaim> {
        Some(self)
    }

    fn list_beside(&self) -> Option<&dyn Beside> {
        Some(self)
    }

    fn deletion(&self) -> Option<&dyn Deletion> {
        Some(self)
    }

    fn clients(&self) -> Option<&dyn Clients> {
        Some(self)
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }
}

#[async_trait]
impl Deletion for Cove {
    async fn rehearse_deletion(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Rehearsal, PlatformError> {
        is_partner(kind)?;
        self.rehearse(kind, id).await
    }

    async fn delete(
        &self,
        kind: Kind,
        id: &ObjectId,
        confirmation: &str,
    ) -> Result<(), PlatformError> {
        is_partner(kind)?;
        self.remove(kind, id, confirmation).await
    }
}

#[async_trait]
impl Clients for Cove {
    async fn move_client(
        &self,
        client: &ObjectId,
        _: Option<&str>,
        customer: &ObjectId,
    ) -> Result<Client, PlatformError> {
        let (device, to) = (number(client)?, number(customer)?);
        self.may_move(device, to).await.map_err(not_sent)?;
        // Never a read of the device by itself: that brings its password and token.
        let params = json!({
            "accountInfo": {"Id": device, "PartnerId": to},
            FORCE: self.drops_columns,
        });
        let moved = self.change("ModifyAccount", &params, envelope::nothing);
        moved.await.map_err(unmoved)?;
        self.note_move(device, to);
        Ok(Client {
            id: client.clone(),
            customer_id: customer.clone(),
            etag: None,
        })
    }
}

#[async_trait]
impl Reports for Cove {
    async fn usage(&self, _: u16) -> Result<UsageReport, PlatformError> {
        self.consumption().await
    }

    async fn health(&self, _: u16) -> Result<HealthReport, PlatformError> {
        self.source_health().await
    }
}
