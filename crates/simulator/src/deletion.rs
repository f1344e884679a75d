//! Removing items: what would go along, the guards, the confirmation (D6, D22, S3).

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Kind,
    changes::{Change, check_etag},
    figures::Figures,
    item::Item,
    problem::{Problem, Slug},
    rows,
    rules::protection,
};

type Result<T> = std::result::Result<T, Problem>;

/// How a removal is asked for.
#[derive(Debug, Clone)]
pub(super) struct Removal {
    /// Keep the backups in the archive.
    pub retain: bool,
    pub confirm: Option<String>,
    /// Take everything below along; for a person at the console.
    pub force: bool,
    pub if_match: Option<String>,
}

/// What hangs on an item.
struct Dependents {
    clients: u64,
    tenants: u64,
    customers: u64,
    resellers: u64,
}

impl Change<'_> {
    /// What a removal would take along, and whether it would be refused.
    pub fn preview(&self, kind: Kind, id: &str, removal: &Removal) -> Result<Value> {
        let item = self.get(kind, id)?;
        managed(kind)?;
        let dependents = self.dependents(&item)?;
        let figures = Figures::new(self.connection, self.now)?;
        let bytes = match kind {
            Kind::Customer => figures.stored_by_customer(&item)?,
            Kind::Tenant => figures.stored_by_tenant(&item)?,
            _ => 0,
        };
        let refused: Vec<Value> = Self::guard(&item, &dependents)
            .err()
            .iter()
            .map(Problem::document)
            .collect();
        let confirm = self.confirmation(&item, &dependents, removal.retain)?;
        Ok(
            json!({"confirm": confirm, "clients": dependents.clients, "bytes": bytes, "refused": refused}),
        )
    }

    /// Removes an item after its guards and its confirmation; gives back what was removed.
    pub fn remove(&self, kind: Kind, id: &str, removal: &Removal) -> Result<Item> {
        let item = self.get(kind, id)?;
        managed(kind)?;
        check_etag(&item, removal.if_match.as_deref())?;
        if removal.force && !self.console {
            return Err(Problem {
                status: 403,
                ..Problem::new(Slug::Unsupported, "force is for a person at the console")
            }
            .field("force"));
        }
        let dependents = self.dependents(&item)?;
        if removal.force {
            protection::check_removal(&item)?;
        } else {
            Self::guard(&item, &dependents)?;
        }
        if !self.console
            && removal.confirm.as_deref()
                != Some(&self.confirmation(&item, &dependents, removal.retain)?)
        {
            let what = if removal.confirm.is_some() {
                "the confirmation is out of date"
            } else {
                "the confirmation is missing"
            };
            return Err(Problem::new(
                Slug::ConfirmationRequired,
                format!("{what} for {}", item.label()),
            )
            .field("confirm")
            .remedy("Ask with dryRun=true and send the confirmation it gives"));
        }
        self.cascade(&item, removal.retain)?;
        Ok(item)
    }

    /// Takes out an item and whatever is left below it.
    pub fn cascade(&self, item: &Item, retain: bool) -> Result<()> {
        let below = match item.kind {
            Kind::Reseller => {
                let mut below = rows::of_reseller(self.connection, Kind::Reseller, &item.id)?;
                below.extend(rows::of_reseller(
                    self.connection,
                    Kind::Customer,
                    &item.id,
                )?);
                below
            }
            Kind::Customer => {
                let mut below = rows::of_customer(self.connection, Kind::Tenant, &item.id)?;
                below.extend(rows::of_customer(self.connection, Kind::Client, &item.id)?);
                below
            }
            Kind::Plan => rows::of_plan(self.connection, &item.id)?,
            Kind::Tenant => rows::of_tenant(self.connection, &item.id)?,
            _ => Vec::new(),
        };
        for child in below {
            protection::check_removal(&child)?;
            self.cascade(&child, retain)?;
        }
        rows::remove(self.connection, item, retain, self.now)?;
        Ok(())
    }

    fn dependents(&self, item: &Item) -> Result<Dependents> {
        let connection = self.connection;
        let none = Dependents {
            clients: 0,
            tenants: 0,
            customers: 0,
            resellers: 0,
        };
        Ok(match item.kind {
            Kind::Reseller => Dependents {
                customers: rows::count_of_reseller(connection, Kind::Customer, &item.id)?,
                resellers: rows::count_of_reseller(connection, Kind::Reseller, &item.id)?,
                ..none
            },
            Kind::Customer => Dependents {
                clients: rows::count_of_customer(connection, Kind::Client, &item.id)?,
                tenants: rows::count_of_customer(connection, Kind::Tenant, &item.id)?,
                ..none
            },
            Kind::Plan => Dependents {
                tenants: rows::count_of_plan(connection, &item.id)?,
                ..none
            },
            Kind::Tenant => {
                let clients = rows::of_tenant(connection, &item.id)?.len();
                Dependents {
                    clients: clients as u64,
                    ..none
                }
            }
            _ => none,
        })
    }

    /// Refuses while something hangs on the item. A tenant's own clients go with it.
    fn guard(item: &Item, dependents: &Dependents) -> Result<()> {
        protection::check_removal(item)?;
        let counted = |number: u64, noun: &str| {
            (number > 0).then(|| format!("{number} {noun}{}", if number == 1 { "" } else { "s" }))
        };
        let clients = if item.kind == Kind::Tenant {
            0
        } else {
            dependents.clients
        };
        let holds: Vec<String> = [
            counted(dependents.resellers, "reseller"),
            counted(dependents.customers, "customer"),
            counted(dependents.tenants, "tenant"),
            counted(clients, "client"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if holds.is_empty() {
            return Ok(());
        }
        let remedy = match item.kind {
            Kind::Plan => "Move those tenants to another plan first",
            Kind::Customer => "Remove its tenants and move its clients elsewhere first",
            _ => "Move or remove what is below it first",
        };
        Err(Problem::new(
            Slug::HasDependents,
            format!("{} still has {}", item.label(), holds.join(" and ")),
        )
        .remedy(remedy))
    }

    /// Changes whenever the item, or what would go with it, changes.
    fn confirmation(&self, item: &Item, dependents: &Dependents, retain: bool) -> Result<String> {
        let account = rows::meta(self.connection, "account")?.unwrap_or_default();
        let Dependents {
            clients,
            tenants,
            customers,
            resellers,
        } = dependents;
        let subject = format!(
            "{account} {} {} {} {retain} {clients} {tenants} {customers} {resellers}",
            item.kind.plural(),
            item.id,
            item.etag()
        );
        Ok(HEXLOWER.encode(&Sha256::digest(subject.as_bytes())[..16]))
    }
}

fn managed(kind: Kind) -> Result<()> {
    if kind.is_managed() {
        Ok(())
    } else {
        Err(Problem::new(
            Slug::Unsupported,
            format!("a {kind} can't be removed here"),
        ))
    }
}
