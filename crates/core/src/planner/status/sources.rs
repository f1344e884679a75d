//! Every data source of a customer or tenant, for a report. Status names the ten worst; see [`super::health`].

use super::{
    Around,
    health::{missed, shown_source},
};
use crate::api::shared::DataSource;

/// All of them, as the last report of health has them, with what each misses of the service level of its plan. Serves R-D16.
pub fn every_source(around: &Around) -> Vec<DataSource> {
    let Some(as_of) = around.health_as_of else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for row in &around.health {
        let level = around.level_of(row);
        all.extend(row.data_sources.iter().map(|source| {
            let level = level.as_ref().filter(|_| !source.writes_only);
            let missed = level.and_then(|level| missed(level, source, row.restores_since, as_of));
            shown_source(source, missed.unwrap_or_default())
        }));
    }
    all
}
