//! The estate: partners and devices, in memory and in a file. What a request changes is written before it is answered.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

use crate::StoreError;

/// Members of a partner or device.
pub(super) type Document = Map<String, Value>;

/// The id of the partner that the API user belongs to.
pub(super) const ROOT: i64 = 70_010;

/// A partner's or a device's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Partner,
    Device,
    /// Partners that were removed.
    Removed,
}

impl Table {
    const ALL: [Self; 3] = [Self::Partner, Self::Device, Self::Removed];

    const fn name(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Device => "device",
            Self::Removed => "removed",
        }
    }
}

/// Everything that the platform holds.
pub(super) struct World {
    connection: Connection,
    tables: BTreeMap<Table, BTreeMap<i64, Document>>,
    next: i64,
}

impl World {
    /// Opens the file, and plants the partner at the top in a new one. Blocks.
    pub fn open(file: &Path, partner: &str, now: i64) -> Result<Self, StoreError> {
        let connection = Connection::open(file)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS cove (kind TEXT, id INTEGER, document TEXT, PRIMARY KEY (kind, id))",
        )?;
        let mut world = Self {
            connection,
            tables: BTreeMap::new(),
            next: 71_000,
        };
        for table in Table::ALL {
            let rows = world.load(table)?;
            let last = rows.keys().next_back().copied().unwrap_or_default();
            world.next = world.next.max(last + 1);
            world.tables.insert(table, rows);
        }
        let mut root = json!({
            "Id": ROOT, "ParentId": 1, "Level": "Distributor", "ServiceType": "AllInclusive",
            "ChildServiceTypes": ["AllInclusive", "SoftwareOnly"], "State": "InProduction", "LocationId": 18,
            "CreationTime": now,
        });
        root["Name"] = partner.into();
        if world.get(Table::Partner, ROOT).is_none()
            && let Value::Object(root) = root
        {
            world.put(Table::Partner, ROOT, root)?;
        }
        Ok(world)
    }

    fn load(&self, table: Table) -> Result<BTreeMap<i64, Document>, StoreError> {
        let mut select = self
            .connection
            .prepare("SELECT id, document FROM cove WHERE kind = ?1")?;
        let rows = select.query_map([table.name()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut documents = BTreeMap::new();
        for row in rows {
            let (id, text) = row?;
            documents.insert(id, serde_json::from_str(&text)?);
        }
        Ok(documents)
    }

    pub fn fresh_id(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    pub fn all(&self, table: Table) -> impl Iterator<Item = (&i64, &Document)> {
        self.tables.get(&table).into_iter().flatten()
    }

    pub fn get(&self, table: Table, id: i64) -> Option<&Document> {
        self.tables.get(&table)?.get(&id)
    }

    pub fn put(&mut self, table: Table, id: i64, document: Document) -> Result<(), StoreError> {
        let text = serde_json::to_string(&document)?;
        self.connection.execute(
            "INSERT OR REPLACE INTO cove (kind, id, document) VALUES (?1, ?2, ?3)",
            params![table.name(), id, text],
        )?;
        self.tables.entry(table).or_default().insert(id, document);
        Ok(())
    }

    pub fn take(&mut self, table: Table, id: i64) -> Result<Option<Document>, StoreError> {
        self.connection.execute(
            "DELETE FROM cove WHERE kind = ?1 AND id = ?2",
            params![table.name(), id],
        )?;
        Ok(self.tables.entry(table).or_default().remove(&id))
    }

    /// Many at once, in one transaction: for a console that imports.
    pub fn put_all(&mut self, table: Table, rows: Vec<(i64, Document)>) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN")?;
        for (id, document) in rows {
            self.put(table, id, document)?;
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }

    /// A partner's parent.
    pub fn parent(&self, id: i64) -> Option<i64> {
        self.get(Table::Partner, id)?.get("ParentId")?.as_i64()
    }

    /// Whether a partner is another or is below it.
    pub fn is_within(&self, id: i64, top: i64) -> bool {
        let chain = std::iter::successors(Some(id), |id| self.parent(*id));
        chain.take(32).any(|id| id == top)
    }

    /// The same where partners in between, or itself, were removed.
    pub fn was_within(&self, id: i64, top: i64) -> bool {
        let above = |id: &i64| {
            let removed = self.get(Table::Removed, *id);
            let document = removed.or_else(|| self.get(Table::Partner, *id));
            document?.get("ParentId")?.as_i64()
        };
        let chain = std::iter::successors(Some(id), above);
        chain.take(32).any(|id| id == top)
    }

    /// The ids of the partners directly below each.
    pub fn children_of_all(&self) -> BTreeMap<i64, Vec<i64>> {
        let mut children: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (id, document) in self.all(Table::Partner) {
            let parent = document["ParentId"].as_i64().unwrap_or_default();
            children.entry(parent).or_default().push(*id);
        }
        children
    }

    /// The ids of the partners directly below one.
    pub fn children(&self, parent: i64) -> Vec<i64> {
        let of_parent = |(_, document): &(&i64, &Document)| document["ParentId"] == parent;
        let children = self.all(Table::Partner).filter(of_parent);
        children.map(|(id, _)| *id).collect()
    }
}
