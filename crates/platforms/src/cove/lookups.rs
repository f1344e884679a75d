//! What a creation looks at first: who carries its claim, and what is beside the new partner.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{
    Cove,
    calls::{count, is_partner},
    guards::number,
    mapping::{self, Holdings},
};
use crate::{
    Beside, ByClaim, Lane, PlatformError,
    api::Kind,
    estate::{Claim, Object, ObjectId},
};

#[async_trait]
impl ByClaim for Cove {
    /// In the whole tree: it may have been moved since.
    async fn find(&self, kind: Kind, claim: &Claim) -> Result<Vec<Object>, PlatformError> {
        is_partner(kind)?;
        let (top, tree) = (
            self.root(Lane::Edit).await?.id,
            self.tree(Lane::Edit).await?,
        );
        let mut lost = tree.lost.iter();
        if let Some(lost) = lost.find(|lost| lost.may_carry(claim)) {
            let why = format!("looking up a claim: {}", lost.lost.why);
            return Err(PlatformError::Garbled(why));
        }
        let owners = self.owners(&tree, false, Lane::Edit).await?;
        Ok(self.objects(&tree, top, &owners, |(partner, _)| {
            mapping::kind(partner) == kind && partner.claim().as_ref() == Some(claim)
        }))
    }
}

#[async_trait]
impl Beside for Cove {
    /// The children of the parent, read afresh: what makes a creation safe, so that as many as Cove counts must be listed.
    async fn beside(
        &self,
        kind: Kind,
        document: &Map<String, Value>,
    ) -> Result<Vec<Object>, PlatformError> {
        is_partner(kind)?;
        let top = self.root(Lane::Edit).await?.id;
        let field = Object::parent_field(kind).unwrap_or_default();
        let parent = document.get(field).and_then(Value::as_str);
        let parent = match parent {
            Some(parent) => number(&ObjectId::new(parent))?,
            None => top,
        };
        let mut objects = Vec::new();
        let tree = self.known_tree(Lane::Edit).await?;
        let owners = self.owners(&tree, false, Lane::Edit).await?;
        let mut devices = owners.by_customer(&tree);
        for row in self.all_below(parent, Lane::Edit).await? {
            let listed = row.map_err(|lost| {
                let why = format!("reading what is beside a new partner: {}", lost.lost.why);
                PlatformError::Garbled(why)
            })?;
            let ids = devices.remove(&listed.0.id).unwrap_or_default();
            let holdings = Holdings {
                children: tree.children(listed.0.id),
                clients: count(ids.len()),
                ids,
                admission: self.deployments.of(listed.0.id),
            };
            let discarded = tree.is_discarded(listed.0.id);
            objects.push(mapping::object(&listed, top, discarded, holdings));
        }
        objects.retain(|object| object.kind == kind);
        Ok(objects)
    }
}
