//! What a removal needs to know right before it is sent: removing a partner can't be undone.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Cove, envelope, mapping, not_sent, partner::Partner};
use crate::{
    Lane, PlatformError, Problem, ProblemKind, Rehearsal,
    api::Kind,
    estate::{ObjectId, Protection},
    wire::invalid,
};

/// The number of a partner or device.
///
/// # Errors
/// An id that isn't one of Cove's.
pub(super) fn number(id: &ObjectId) -> Result<i64, Problem> {
    let wrong = || {
        invalid(
            None,
            format!("{:?} isn't an id of Cove, which is a number", id.as_str()),
        )
    };
    id.as_str().parse().map_err(|_| wrong())
}

/// The refusal to write to what belongs to Cove or to another tool.
pub(super) fn not_ours(partner: &Partner, kind: Kind, discarded: bool) -> Result<(), Problem> {
    let listed = (partner.clone(), None);
    let object = mapping::object(&listed, 0, discarded, mapping::Holdings::default());
    if object.kind != kind {
        let detail = format!(
            "{} is a {} at Cove, not a {}",
            object.id,
            partner
                .level
                .as_deref()
                .unwrap_or("partner without a level"),
            kind.as_str()
        );
        return Err(invalid(None, detail));
    }
    if object.protection == Protection::None {
        return Ok(());
    }
    Err(Problem {
        kind: ProblemKind::Protected,
        ..invalid(
            None,
            format!(
                "{} belongs to Cove or to another tool ({:?})",
                object.id, object.protection
            ),
        )
    })
}

/// What lets one removal through: it is for this partner as it is now.
fn confirmation(partner: &Partner) -> String {
    let text = format!(
        "{}/{}/{:?}/{:?}",
        partner.id, partner.parent_id, partner.name, partner.external_code
    );
    HEXLOWER.encode(&Sha256::digest(text.as_bytes())[..16])
}

impl Cove {
    /// Refuses what isn't below the top, although the API user may see it: its own partner, for instance, whose name is part of
    /// its login.
    pub(super) async fn is_below_the_top(&self, partner: &Partner) -> Result<(), PlatformError> {
        let (top, parent) = (self.root(Lane::Edit).await?.id, partner.parent_id);
        let is_below = partner.id != top
            && (parent == top
                || self.known_tree(Lane::Edit).await?.get(parent).is_some()
                || self.tree(Lane::Edit).await?.get(parent).is_some());
        if is_below {
            return Ok(());
        }
        Err(Problem {
            kind: ProblemKind::Protected,
            remedy: Some(
                "Correct the id, or let cove.rootPartner and the API user be of a partner above it"
                    .to_owned(),
            ),
            ..invalid(
                None,
                format!(
                    "{} isn't below partner {top}, and nothing else is touched",
                    partner.id
                ),
            )
        }
        .into())
    }

    /// Refuses to write to what isn't below the top, or belongs to Cove or another tool.
    pub(super) async fn is_ours(&self, partner: &Partner, kind: Kind) -> Result<(), PlatformError> {
        self.is_below_the_top(partner).await?;
        let tree = self.known_tree(Lane::Edit).await?;
        Ok(not_ours(partner, kind, tree.is_discarded(partner.id))?)
    }

    /// A partner that may be written to, read afresh.
    pub(super) async fn writable(&self, kind: Kind, id: i64) -> Result<Partner, PlatformError> {
        let (partner, odd) = self.partner(id, Lane::Edit).await?;
        if let Some(why) = odd {
            return Err(PlatformError::Garbled(format!("partner {id}: {why}")));
        }
        self.is_ours(&partner, kind).await?;
        Ok(partner)
    }

    /// What forbids a removal, read afresh: devices anywhere below, or customers.
    pub(super) async fn rehearse(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Rehearsal, PlatformError> {
        let number = number(id)?;
        let partner = self.writable(kind, number).await?;
        let below = self.below(number, false, Lane::Edit).await?.len();
        let devices = self.devices_below(number).await?;
        if below == 0 && devices.is_empty() {
            return Ok(Rehearsal {
                confirmation: confirmation(&partner),
                clients: 0,
                bytes: 0,
            });
        }
        let bytes: Option<u64> = devices.iter().map(|(_, used)| *used).sum();
        let bytes = bytes.map_or("an unknown number of".to_owned(), |bytes| bytes.to_string());
        let devices = devices.len();
        Err(Problem {
            kind: ProblemKind::HasDependents,
            remedy: Some(
                "Move them to another customer, or remove them at the console: removing a device destroys its backups"
                    .to_owned(),
            ),
            ..invalid(
                None,
                format!(
                    "{} {id} still has {below} customers and {devices} devices with {bytes} bytes in the cloud, and Cove removes only what has neither",
                    kind.as_str()
                ),
            )
        }
        .into())
    }

    /// Whether a device is with a customer of ours and may go to another, both read afresh: what is above the top, in the recycle
    /// bin or with a customer of another tool isn't touched.
    pub(super) async fn may_move(&self, device: i64, to: i64) -> Result<(), PlatformError> {
        let tree = self.known_tree(Lane::Edit).await?;
        let owners = self.owners(&tree, false, Lane::Edit).await?;
        let from = owners.of.get(&device).map(|owner| tree.customer_of(*owner));
        let unknown = || invalid(None, format!("device {device} isn't below the top"));
        let from = from.ok_or_else(unknown)?;
        for customer in [from, to] {
            self.writable(Kind::Customer, customer).await?;
        }
        let devices = self.devices_below(from).await?;
        if devices.iter().all(|(there, _)| *there != device) {
            let detail = format!("device {device} isn't with customer {from} any more");
            return Err(Problem {
                kind: ProblemKind::PreconditionFailed,
                remedy: Some(
                    "Look where the next sweep finds it, and remove it from clients.ids if it is to stay there".to_owned(),
                ),
                ..invalid(None, detail)
            }
            .into());
        }
        Ok(())
    }

    /// Removes a partner, after looking again.
    pub(super) async fn remove(
        &self,
        kind: Kind,
        id: &ObjectId,
        confirmed: &str,
    ) -> Result<(), PlatformError> {
        let now = self.rehearse(kind, id).await.map_err(not_sent)?;
        if now.confirmation != confirmed {
            return Err(Problem {
                kind: ProblemKind::ConfirmationRequired,
                ..invalid(
                    None,
                    format!("{id} has changed since its removal was confirmed"),
                )
            }
            .into());
        }
        let number = number(id)?;
        let params = json!({"partnerId": number});
        let removed = self.change("RemovePartner", &params, envelope::nothing);
        removed.await?;
        self.note_removed(number);
        Ok(())
    }
}
