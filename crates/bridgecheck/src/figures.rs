//! Usage, health, the pool, and the trail.

use serde_json::Value;

use crate::{
    finding::{Checked, Finding, ensure},
    kind::Kind,
    line::Ask,
    removal::number,
    requirement::{HEALTH, POOL, TRAIL, USAGE},
    session::{Session, each_once},
};

/// Days that reports are asked for.
const DAYS: usize = 30;

/// Whose row it is.
fn subject(row: &Value) -> String {
    let text = |member: &str| row[member].as_str().unwrap_or("-").to_owned();
    format!("{}/{}", text("customerId"), text("tenantId"))
}

impl Session {
    pub(crate) async fn check_figures(&mut self) {
        let usage = self.usage().await;
        self.note(USAGE, None, usage);
        let health = self.health().await;
        self.note(HEALTH, None, health);
        let pool = self.pool().await;
        self.note(POOL, None, pool);
        for path in ["audit", "stats"] {
            let trail = self.trail(path).await;
            self.note(TRAIL, Some(path), trail);
        }
    }

    fn offered(&self, verb: &str) -> Checked {
        if self.offers.verbs.contains(verb) {
            return Ok(());
        }
        let why = format!("{verb} isn't among the verbs");
        Err(Finding::not_offered(why))
    }

    async fn report(&mut self, path: &str) -> Checked<Vec<Value>> {
        let limit = self.offers.page_size;
        let rows = self
            .walk(path, limit, &[("days", DAYS.to_string())])
            .await?;
        each_once(&rows, subject)?;
        Ok(rows)
    }

    async fn usage(&mut self) -> Checked {
        self.offered("ReadUsage")?;
        let rows = self.report("usage").await?;
        let odd = rows.iter().find(|row| {
            !row["storageBytes"].is_u64()
                || !row["storageMaxBytes"].is_u64()
                || number(&row["storageMaxBytes"]) < number(&row["storageBytes"])
        });
        ensure(
            odd.is_none(),
            "bytes as whole numbers, and the most is no less than what is stored now",
            format!(
                "the row of {} isn't so",
                odd.map(subject).unwrap_or_default()
            ),
        )?;
        for kind in [Kind::Customer, Kind::Tenant] {
            let Some(ours) = self.scene.get(&(kind, 'a')) else {
                continue;
            };
            let about = |row: &Value| match kind {
                Kind::Customer => row["customerId"] == *ours.id && row["tenantId"].is_null(),
                _ => row["tenantId"] == *ours.id,
            };
            ensure(
                rows.iter().any(about),
                format!("a row for each of the {}", kind.plural()),
                format!("none for {}", ours.id),
            )?;
        }
        Ok(())
    }

    async fn health(&mut self) -> Checked {
        self.offered("ReadHealth")?;
        let rows = self.report("health").await?;
        let odd = rows.iter().find(|row| {
            let (jobs, restores) = (&row["jobs"], &row["restores"]);
            number(&jobs["successful"]) + number(&jobs["failed"]) > number(&jobs["total"])
                || number(&restores["successful"]) > number(&restores["total"])
        });
        ensure(
            odd.is_none(),
            "no more that succeeded or failed than there were",
            format!(
                "the row of {} isn't so",
                odd.map(subject).unwrap_or_default()
            ),
        )
    }

    async fn pool(&mut self) -> Checked {
        self.offered("ReadLicences")?;
        let answer = self.line.send(Ask::get(&["pool"])).await?;
        let licences = &answer.expect(&[200])?["licences"];
        ensure(
            number(&licences["free"]) <= number(&licences["total"]),
            "no more licences are free than there are",
            "more are",
        )
    }

    async fn trail(&mut self, path: &str) -> Checked {
        let answer = self.line.send(Ask::get(&[path])).await?;
        if matches!(answer.status, 404 | 405 | 501) {
            return Err(Finding::not_offered(format!("there is no /v1/{path}")));
        }
        answer.expect(&[200]).map(|_| ())
    }
}
