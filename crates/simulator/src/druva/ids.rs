//! Ids as Druva writes them, derived from the estate's account and the order of creation: nothing has to be kept, and the
//! same estate always has the same ids.

use rusqlite::Connection;

use crate::{item::Item, rows, simulation, store::StoreError};

const CUSTOMER: u64 = 0x6375_7374;
const TENANT: u64 = 0x7465_6e61;
/// As much of a number as the last part of a UUID holds.
const LAST_PART: u64 = (1 << 48) - 1;

/// The ids of one estate.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    account: String,
    key: u64,
}

impl Ids {
    pub fn of(connection: &Connection) -> Result<Self, StoreError> {
        let account = rows::meta(connection, "account")?.unwrap_or_default();
        let key = simulation::hash(&account);
        Ok(Self { account, key })
    }

    /// The account itself, as MSP events carry it.
    pub fn msp(&self) -> String {
        format!("MSP:{}", self.account)
    }

    /// `<uuid>-<number>`.
    pub fn customer(&self, item: &Item) -> String {
        self.customer_at(item.sequence)
    }

    /// The same, for the estate's id of a customer.
    pub fn customer_by(&self, id: &str) -> String {
        self.customer_at(id.parse().unwrap_or(0))
    }

    fn customer_at(&self, sequence: i64) -> String {
        format!("{}-{sequence}", self.uuid(CUSTOMER, sequence))
    }

    /// The estate's id of a customer.
    pub fn customer_of(&self, id: &str) -> Option<String> {
        let (_, number) = id.rsplit_once('-')?;
        let sequence = number.parse().ok()?;
        (self.customer_at(sequence) == id).then(|| sequence.to_string())
    }

    /// A UUID.
    pub fn tenant(&self, item: &Item) -> String {
        self.uuid(TENANT, item.sequence)
    }

    /// The estate's id of a tenant.
    pub fn tenant_of(&self, id: &str) -> Option<String> {
        let (_, last) = id.rsplit_once('-')?;
        let mixed = u64::from_str_radix(last, 16).ok()?;
        let sequence = i64::try_from(mixed ^ self.mask(TENANT)).ok()?;
        (self.uuid(TENANT, sequence) == id).then(|| sequence.to_string())
    }

    /// The last part carries the sequence, the rest is spread from it.
    fn uuid(&self, kind: u64, sequence: i64) -> String {
        let sequence = sequence.cast_unsigned();
        let spread = simulation::spread(self.key ^ kind ^ simulation::spread(sequence));
        let variant = 0x8000 | simulation::spread(spread) & 0x3fff;
        let last = (sequence ^ self.mask(kind)) & LAST_PART;
        format!(
            "{:08x}-{:04x}-4{:03x}-{variant:04x}-{last:012x}",
            spread >> 32,
            spread >> 16 & 0xffff,
            spread & 0xfff
        )
    }

    fn mask(&self, kind: u64) -> u64 {
        simulation::spread(self.key ^ kind) & LAST_PART
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use jiff::Timestamp;

    #[test]
    fn ids_lead_back_to_their_items_and_belong_to_their_estate() {
        let ids = |account: &str| Ids {
            account: account.to_owned(),
            key: simulation::hash(account),
        };
        let (one, other) = (ids("a"), ids("b"));
        for sequence in [1, 17, 1_000_000] {
            let item = Item {
                sequence,
                ..Item::new(Kind::Tenant, serde_json::Map::new(), Timestamp::UNIX_EPOCH)
            };
            let (customer, tenant) = (one.customer(&item), one.tenant(&item));
            assert_eq!(tenant.len(), 36);
            assert_eq!(one.customer_of(&customer), Some(sequence.to_string()));
            assert_eq!(one.tenant_of(&tenant), Some(sequence.to_string()));
            assert_eq!(other.customer_of(&customer), None);
            assert_eq!(other.tenant_of(&tenant), None);
        }
        assert_eq!(one.tenant_of("nonsense"), None);
    }
}
