//! What an item inherits from above: whether it may back up, and since when not.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    Kind,
    item::{Item, Pause},
    rows,
    store::StoreError,
};

type Result<T> = std::result::Result<T, StoreError>;

/// Looks upwards, and remembers the resellers seen: a page of customers mostly has the same.
pub(super) struct Lineage<'a> {
    connection: &'a Connection,
    resellers: RefCell<HashMap<String, Rc<Above>>>,
}

/// What comes from a reseller and everything above it.
#[derive(Default)]
struct Above {
    stopped: bool,
    pauses: Vec<Pause>,
}

impl<'a> Lineage<'a> {
    pub fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            resellers: RefCell::default(),
        }
    }

    /// Whether the item itself and everything above it is switched on.
    pub fn active(&self, item: &Item) -> Result<bool> {
        if !item.active() {
            return Ok(false);
        }
        match item.kind {
            Kind::Tenant => self
                .customer(item)?
                .map_or(Ok(true), |customer| self.active(&customer)),
            _ => Ok(!self.above(item)?.stopped),
        }
    }

    /// Whether a tenant, whose customer is at hand, and everything above it is switched on.
    pub fn active_below(&self, customer: &Item, tenant: &Item) -> Result<bool> {
        Ok(tenant.active() && self.active(customer)?)
    }

    /// When the item or something above it was switched off.
    pub fn pauses(&self, item: &Item) -> Result<Vec<Pause>> {
        if item.kind == Kind::Tenant
            && let Some(customer) = self.customer(item)?
        {
            return self.pauses_below(&customer, item);
        }
        let mut pauses = item.state.pauses.clone();
        pauses.extend(&self.above(item)?.pauses);
        Ok(pauses)
    }

    /// When a tenant, whose customer is at hand, or something above it was switched off. An expired licence counts.
    pub fn pauses_below(&self, customer: &Item, tenant: &Item) -> Result<Vec<Pause>> {
        let mut pauses = self.pauses(customer)?;
        pauses.extend(&tenant.state.pauses);
        let expiry = tenant
            .text("licenceExpiresAt")
            .and_then(|at| at.parse::<Timestamp>().ok());
        pauses.extend(expiry.map(|from| Pause { from, to: None }));
        Ok(pauses)
    }

    fn customer(&self, tenant: &Item) -> Result<Option<Item>> {
        rows::get(
            self.connection,
            Kind::Customer,
            tenant.text("customerId").unwrap_or_default(),
        )
    }

    fn above(&self, item: &Item) -> Result<Rc<Above>> {
        let parent = if item.kind == Kind::Reseller {
            item.text("parentId")
        } else {
            item.text("resellerId")
        };
        let Some(parent) = parent else {
            return Ok(Rc::default());
        };
        if let Some(known) = self.resellers.borrow().get(parent) {
            return Ok(Rc::clone(known));
        }
        let above = match rows::get(self.connection, Kind::Reseller, parent)? {
            None => Above::default(),
            Some(reseller) => {
                let higher = self.above(&reseller)?;
                let mut pauses = reseller.state.pauses.clone();
                pauses.extend(&higher.pauses);
                Above {
                    stopped: !reseller.active() || higher.stopped,
                    pauses,
                }
            }
        };
        let above = Rc::new(above);
        self.resellers
            .borrow_mut()
            .insert(parent.to_owned(), Rc::clone(&above));
        Ok(above)
    }
}
