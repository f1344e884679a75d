//! A tenant: the storage of a user, realised by what its programs may do and where new buckets are placed.

use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    Rgw,
    mapping::REGIONS,
    refusal::body,
    wire::User,
    writes::{CHANGE, Parameters, borrowed},
};
use crate::{
    PlatformError, Problem, Written,
    document::stated,
    estate::{BACKUPS, ObjectId},
    wire::invalid,
};

/// What programs may do by default, and while backups are allowed.
const EVERYTHING: &str = "read,write,delete";
/// Restores only. Source: Ceph, `radosgw-admin`, `--op-mask`.
const RESTORES: &str = "read";

impl Rgw {
    /// Changes the storage of a user by one request.
    pub(super) async fn update_storage(
        &self,
        id: &ObjectId,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let mut parameters: Parameters = vec![("uid", id.as_str().to_owned())];
        if let Some(allowed) = stated(patch, BACKUPS).and_then(Value::as_bool) {
            let mask = if allowed { EVERYTHING } else { RESTORES };
            parameters.push(("op-mask", mask.to_owned()));
        }
        if let Some(regions) = stated(patch, REGIONS) {
            let user = self.present(id).await?;
            parameters.push(("default-placement", self.placement(regions, &user)?));
        }
        let user: User = self
            .change(
                CHANGE,
                Method::POST,
                &borrowed(&parameters),
                |call, answer| body(call, &answer),
            )
            .await?;
        Ok(Written::Done(Box::new(self.facet(&user))))
    }

    /// The placement of the regions of a tenant. There is one for each user, and one that was chosen isn't left again.
    fn placement(&self, regions: &Value, user: &User) -> Result<String, Problem> {
        let [region] = regions.as_array().map_or(&[][..], Vec::as_slice) else {
            let detail = "the gateway has one default placement for each user: name one region";
            return Err(invalid(Some(REGIONS), detail));
        };
        let placement = self.placement_of(region.as_str().unwrap_or_default(), REGIONS)?;
        if user.default_placement.is_empty() || user.default_placement == placement {
            return Ok(placement);
        }
        let detail = format!(
            "the user's placement is {}, which was chosen before, as storageLocation of the Customer perhaps, and buckets don't move",
            user.default_placement
        );
        Err(invalid(Some(REGIONS), detail))
    }
}
