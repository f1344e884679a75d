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

/// Credits have at most three decimals, each figure rounded by itself.
const ROUNDED: f64 = 0.001;

/// What usage says of its own sums: a customer's row holds its tenants', and the days of a row are those of its months.
fn sums(rows: &[Value]) -> Checked {
    for row in rows {
        let months = row["months"].as_array().map_or(&[][..], Vec::as_slice);
        let slack = ROUNDED * count(months.len() + 1);
        let credits: f64 = months.iter().map(|month| number(&month["credits"])).sum();
        ensure(
            months.is_empty() || (credits - number(&row["credits"])).abs() <= slack,
            "credits that are those of the months, added up",
            format!(
                "{} for {}, whose months come to {credits:.3}",
                row["credits"],
                subject(row)
            ),
        )?;
        ensure(
            months
                .iter()
                .all(|month| number(&month["storageMaxBytes"]) <= number(&row["storageMaxBytes"])),
            "no month in which more was stored than the most of all days",
            format!("one of {}", subject(row)),
        )?;
    }
    for total in rows.iter().filter(|row| row["tenantId"].is_null()) {
        let own =
            |row: &&Value| row["customerId"] == total["customerId"] && !row["tenantId"].is_null();
        let tenants: Vec<&Value> = rows.iter().filter(own).collect();
        let slack = ROUNDED * count(tenants.len() + 1);
        for (member, slack) in [("storageBytes", 0.0), ("credits", slack)] {
            let sum: f64 = tenants.iter().map(|row| number(&row[member])).sum();
            ensure(
                sum <= number(&total[member]) + slack,
                "a customer's row with all that its tenants have",
                format!(
                    "{member} {} for {}, whose tenants have {sum}",
                    total[member],
                    subject(total)
                ),
            )?;
        }
    }
    Ok(())
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
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
        sums(&rows)?;
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
            let mut sources = row["dataSources"].as_array().into_iter().flatten();
            number(&jobs["successful"]) + number(&jobs["failed"]) > number(&jobs["total"])
                || number(&restores["successful"]) > number(&restores["total"])
                || sources.any(|source| {
                    let own = &source["jobs"];
                    number(&own["successful"]) > number(&own["total"])
                        || number(&own["total"]) > number(&jobs["total"])
                })
        });
        ensure(
            odd.is_none(),
            "no more that succeeded or failed than there were, and no more of a data source than of all",
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
