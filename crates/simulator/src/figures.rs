//! Usage and health in bulk: the simulation added up over tenants and customers.

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    Kind,
    item::{Item, Pause},
    lineage::Lineage,
    rows,
    simulation::{self, Client, Day, Outcome},
    store::StoreError,
};

type Result<T> = std::result::Result<T, StoreError>;

/// Days after which the search for a last run or success is given up.
const LOOK_BACK: Day = 90;

/// Reads what the simulation needs of one estate at one moment.
pub(super) struct Figures<'a> {
    connection: &'a Connection,
    lineage: Lineage<'a>,
    seed: u64,
    today: Day,
}

/// A customer's clients, those of one tenant together.
pub(super) struct Group {
    tenant: Option<String>,
    clients: Vec<Item>,
    pauses: Vec<Pause>,
}

/// Amounts over some days.
#[derive(Default, Clone)]
struct Amounts {
    stored: u64,
    consumed: u64,
    /// First day, most stored and consumed of each calendar month.
    months: Vec<(String, u64, u64)>,
}

impl<'a> Figures<'a> {
    pub fn new(connection: &'a Connection, now: Timestamp) -> Result<Self> {
        let seed = rows::meta(connection, "account")?.unwrap_or_default();
        Ok(Self {
            connection,
            lineage: Lineage::new(connection),
            seed: simulation::hash(&seed),
            today: simulation::day(now),
        })
    }

    /// The moment that the figures are of.
    pub fn as_of(&self) -> Timestamp {
        simulation::midnight(self.today)
    }

    /// Bytes that a customer's clients have stored.
    pub fn stored_by_customer(&self, customer: &Item) -> Result<u64> {
        let groups = self.groups(customer)?;
        Ok(groups.iter().map(|group| self.stored(group)).sum())
    }

    /// Bytes that a tenant's clients have stored.
    pub fn stored_by_tenant(&self, tenant: &Item) -> Result<u64> {
        Ok(self.stored(&self.group(tenant)?))
    }

    /// A tenant's clients.
    pub fn group(&self, tenant: &Item) -> Result<Group> {
        Ok(Group {
            tenant: Some(tenant.id.clone()),
            clients: rows::of_tenant(self.connection, &tenant.id)?,
            pauses: self.lineage.pauses(tenant)?,
        })
    }

    /// The day that the estate is at.
    pub fn today(&self) -> Day {
        self.today
    }

    fn stored(&self, group: &Group) -> u64 {
        self.simulated(group)
            .map(|(_, client)| client.stored(self.today))
            .sum()
    }

    /// Usage rows of one customer: its total, then one a tenant.
    pub fn usage(&self, customer: &Item, days: Day) -> Result<Vec<Value>> {
        let mut total = Amounts::default();
        let mut tenants = Vec::new();
        for group in self.groups(customer)? {
            let amounts = self.amounts(&group, days);
            total.add(&amounts);
            if let Some(tenant) = &group.tenant {
                tenants.push(amounts.row(customer, Some(tenant)));
            }
        }
        if total.months.is_empty() {
            total.months = months(self.today, days)
                .map(|(month, ..)| (month, 0, 0))
                .collect();
        }
        tenants.insert(0, total.row(customer, None));
        Ok(tenants)
    }

    fn amounts(&self, group: &Group, days: Day) -> Amounts {
        let mut amounts = Amounts {
            months: months(self.today, days)
                .map(|(month, ..)| (month, 0, 0))
                .collect(),
            ..Amounts::default()
        };
        for (_, client) in self.simulated(group) {
            amounts.stored += client.stored(self.today);
            for (index, (_, first, last)) in months(self.today, days).enumerate() {
                let consumed: u64 = (first..=last).map(|day| client.consumed(day)).sum();
                amounts.months[index].1 += client.stored(last);
                amounts.months[index].2 += consumed;
                amounts.consumed += consumed;
            }
        }
        amounts
    }

    /// Health rows of one customer: one a tenant, and one for clients of no tenant if there are any.
    pub fn health(&self, customer: &Item, days: Day) -> Result<Vec<Value>> {
        let groups = self.groups(customer)?;
        Ok(groups
            .iter()
            .map(|group| self.health_row(customer, group, days))
            .collect())
    }

    fn health_row(&self, customer: &Item, group: &Group, days: Day) -> Value {
        let window = || self.today - days + 1..=self.today;
        let (mut jobs, mut good, mut restores, mut restored) = (0u64, 0u64, 0u64, 0u64);
        let (mut critical, mut warning) = (0u64, 0u64);
        let mut sources = Vec::new();
        for (item, client) in self.simulated(group) {
            let outcomes: Vec<Outcome> = window().filter_map(|day| client.outcome(day)).collect();
            let successful = outcomes
                .iter()
                .filter(|outcome| **outcome == Outcome::Successful)
                .count() as u64;
            jobs += outcomes.len() as u64;
            good += successful;
            for ended_well in window().filter_map(|day| client.restore(day)) {
                restores += 1;
                restored += u64::from(ended_well);
            }
            match outcomes
                .iter()
                .rev()
                .take_while(|outcome| **outcome != Outcome::Successful)
                .count()
            {
                0 => {}
                1 | 2 => warning += 1,
                _ => critical += 1,
            }
            sources.push(self.source(customer, item, &client, outcomes.len() as u64, successful));
        }
        json!({
            "customerId": customer.id,
            "tenantId": group.tenant,
            "jobs": {"total": jobs, "successful": good, "failed": jobs - good},
            "restores": {"total": restores, "successful": restored},
            "alerts": {"critical": critical, "warning": warning},
            "dataSources": sources,
        })
    }

    fn source(
        &self,
        customer: &Item,
        item: &Item,
        client: &Client<'_>,
        jobs: u64,
        successful: u64,
    ) -> Value {
        let back = || (self.today - LOOK_BACK..=self.today).rev();
        let last = back().find_map(|day| client.outcome(day).map(|outcome| (day, outcome)));
        let success = back().find(|day| client.outcome(*day) == Some(Outcome::Successful));
        let restore = client.last_restore(self.today);
        let mut source = json!({
            "name": item.name(),
            "organisation": customer.name(),
            "workload": client.load.workload,
            "policy": "nightly",
            "lastStatus": last.map_or(Outcome::Missed, |(_, outcome)| outcome).name(),
            "jobs": {"total": jobs, "successful": successful},
        });
        let moments = [
            ("lastRunAt", last.map(|(day, _)| day)),
            ("lastSuccessAt", success),
            ("lastRestoreAt", restore),
        ];
        for (member, day) in moments {
            if let Some(day) = day {
                source[member] = json!(simulation::midnight(day));
            }
        }
        for (member, day) in [
            ("lastJobId", last.map(|(day, _)| day)),
            ("lastSuccessJobId", success),
        ] {
            if let Some(day) = day {
                source[member] = json!(client.job(day));
            }
        }
        source
    }

    /// Each client with what it does.
    pub fn simulated<'g>(&self, group: &'g Group) -> impl Iterator<Item = (&'g Item, Client<'g>)> {
        let seed = self.seed;
        group.clients.iter().filter_map(move |item| {
            let load = item.state.load.as_ref()?;
            let key = simulation::spread(seed ^ simulation::hash(&item.id));
            Some((
                item,
                Client {
                    key,
                    load,
                    since: simulation::day(item.created_at),
                    pauses: &group.pauses,
                },
            ))
        })
    }

    fn groups(&self, customer: &Item) -> Result<Vec<Group>> {
        let mut clients = rows::of_customer(self.connection, Kind::Client, &customer.id)?;
        let mut groups = Vec::new();
        for tenant in rows::of_customer(self.connection, Kind::Tenant, &customer.id)? {
            let (own, rest) = clients
                .into_iter()
                .partition(|client| client.text("tenantId") == Some(&tenant.id));
            clients = rest;
            groups.push(Group {
                clients: own,
                pauses: self.lineage.pauses_below(customer, &tenant)?,
                tenant: Some(tenant.id),
            });
        }
        if !clients.is_empty() {
            groups.push(Group {
                tenant: None,
                clients,
                pauses: self.lineage.pauses(customer)?,
            });
        }
        Ok(groups)
    }
}

impl Amounts {
    fn add(&mut self, other: &Self) {
        self.stored += other.stored;
        self.consumed += other.consumed;
        if self.months.is_empty() {
            self.months.clone_from(&other.months);
        } else {
            for (mine, theirs) in self.months.iter_mut().zip(&other.months) {
                mine.1 += theirs.1;
                mine.2 += theirs.2;
            }
        }
    }

    fn row(&self, customer: &Item, tenant: Option<&str>) -> Value {
        let most = self
            .months
            .iter()
            .map(|(_, stored, _)| *stored)
            .max()
            .unwrap_or(0)
            .max(self.stored);
        let months: Vec<Value> = self
            .months
            .iter()
            .map(|(month, stored, consumed)| json!({"month": month, "storageMaxBytes": stored, "credits": credits(*consumed)}))
            .collect();
        json!({
            "customerId": customer.id,
            "tenantId": tenant,
            "storageBytes": self.stored,
            "storageMaxBytes": most,
            "credits": credits(self.consumed),
            "months": months,
        })
    }
}

/// The calendar months that the last days touch: name, first and last of those days in it.
fn months(today: Day, days: Day) -> impl Iterator<Item = (String, Day, Day)> {
    let mut first = today - days + 1;
    std::iter::from_fn(move || {
        if first > today {
            return None;
        }
        let date = simulation::date(first);
        let last = (first + i64::from(date.days_in_month() - date.day())).min(today);
        let month = (
            format!("{:04}-{:02}", date.year(), date.month()),
            first,
            last,
        );
        first = last + 1;
        Some(month)
    })
}

/// Credits with at most three decimals, from millionths.
#[allow(
    clippy::cast_precision_loss,
    reason = "credits stay far below 2^53 thousandths"
)]
fn credits(millionths: u64) -> f64 {
    ((millionths + 500) / 1000) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_cover_the_days_without_gap_or_overlap() {
        let today = simulation::day("2026-11-22T10:00:00Z".parse().expect("an instant"));
        let months: Vec<_> = months(today, 90).collect();
        let names: Vec<_> = months.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["2026-08", "2026-09", "2026-10", "2026-11"]);
        assert_eq!(
            months
                .iter()
                .map(|(_, first, last)| last - first + 1)
                .sum::<i64>(),
            90
        );
        assert_eq!(months.last().map(|(_, _, last)| *last), Some(today));
    }

    #[test]
    fn credits_have_three_decimals() {
        assert!((credits(12_345_678) - 12.346).abs() < 1e-12);
    }
}
