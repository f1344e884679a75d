//! What a removal needs to know right before it is sent: removing a partner can't be undone.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Cove, envelope, mapping, partner::Partner};
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
    /// What forbids a removal, read afresh: devices anywhere below, or customers.
    pub(super) async fn rehearse(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Rehearsal, PlatformError> {
        let number = number(id)?;
        let (partner, odd) = self.partner(number, Lane::Edit).await?;
        if let Some(why) = odd {
            return Err(PlatformError::Garbled(format!("partner {id}: {why}")));
        }
        let discarded = self.known_tree(Lane::Edit).await?.is_discarded(number);
        not_ours(&partner, kind, discarded)?;
        let below = self.below(number, false, Lane::Edit).await?.len();
        let (devices, bytes) = self.devices_below(number).await?;
        if below == 0 && devices.is_empty() {
            return Ok(Rehearsal {
                confirmation: confirmation(&partner),
                clients: 0,
                bytes: 0,
            });
        }
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

    /// Removes a partner, after looking again.
    pub(super) async fn remove(
        &self,
        kind: Kind,
        id: &ObjectId,
        confirmed: &str,
    ) -> Result<(), PlatformError> {
        let now = self.rehearse(kind, id).await?;
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
