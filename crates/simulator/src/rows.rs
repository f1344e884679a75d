//! Items in and out of SQLite, and the counts and sums that rules and facts need; every query goes by an index.

use jiff::Timestamp;
use rusqlite::{
    Connection, OptionalExtension as _, Row, params, params_from_iter, types::Value as Sql,
};
use serde_json::Value;

use super::{
    Kind,
    item::{Item, Protection},
    store::StoreError,
};

const COLUMNS: &str = "sequence, kind, id, external_ref, version, created_at, updated_at, protection, settings, state";

type Result<T> = std::result::Result<T, StoreError>;

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub external_ref: Option<String>,
    pub customer: Option<String>,
}

/// Something that quotas add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Storage,
    Licences,
    Clients,
    Credits,
}

impl Measure {
    pub const ALL: [Self; 4] = [Self::Storage, Self::Licences, Self::Clients, Self::Credits];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Licences => "licences",
            Self::Clients => "clients",
            Self::Credits => "credits",
        }
    }

    /// An item's own share: a customer's limit or a reseller's allotment. Credits in thousandths.
    pub fn share(self, item: &Item) -> Option<u64> {
        let group = match item.kind {
            Kind::Customer => "limits",
            Kind::Reseller => "allotment",
            _ => return None,
        };
        match self {
            Self::Credits => item.thousandths(&format!("{group}.credits")),
            Self::Licences if item.kind == Kind::Customer => item.fixed_licences(),
            _ => item.whole(&format!("{group}.{}", self.name())),
        }
    }
}

/// A moment as it is stored: milliseconds.
fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn read_item(row: &Row<'_>) -> rusqlite::Result<std::result::Result<Item, serde_json::Error>> {
    let kind: String = row.get(1)?;
    let protection: String = row.get(7)?;
    let (settings, state): (String, String) = (row.get(8)?, row.get(9)?);
    let (sequence, id, external_ref, version) =
        (row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?);
    let (created_at, updated_at) = (instant(row.get(5)?), instant(row.get(6)?));
    Ok(serde_json::from_str(&settings).and_then(|settings| {
        Ok(Item {
            sequence,
            // The column only ever holds one of the names.
            kind: Kind::from_plural(&kind).unwrap_or(Kind::Administrator),
            id,
            external_ref,
            version,
            protection: Protection::from_name(&protection),
            created_at,
            updated_at,
            settings,
            state: serde_json::from_str(&state)?,
        })
    }))
}

fn select(connection: &Connection, rest: &str, parameters: &[Sql]) -> Result<Vec<Item>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM items WHERE {rest}"))?;
    let rows = statement.query_map(params_from_iter(parameters), read_item)?;
    rows.map(|row| Ok(row??)).collect()
}

fn one(connection: &Connection, rest: &str, parameters: &[Sql]) -> Result<Option<Item>> {
    Ok(select(connection, rest, parameters)?.pop())
}

fn text(value: &str) -> Sql {
    Sql::Text(value.to_owned())
}

fn of(kind: Kind) -> Sql {
    text(kind.plural())
}

/// The item with an id.
pub(super) fn get(connection: &Connection, kind: Kind, id: &str) -> Result<Option<Item>> {
    one(connection, "kind = ?1 AND id = ?2", &[of(kind), text(id)])
}

/// The item that carries a mark.
pub(super) fn by_reference(
    connection: &Connection,
    kind: Kind,
    reference: &str,
) -> Result<Option<Item>> {
    one(
        connection,
        "kind = ?1 AND external_ref = ?2",
        &[of(kind), text(reference)],
    )
}

/// Items in order of creation, after a place.
pub(super) fn list(
    connection: &Connection,
    kind: Kind,
    filter: &Filter,
    after: i64,
    limit: i64,
) -> Result<Vec<Item>> {
    let mut parameters = vec![of(kind), Sql::Integer(after), Sql::Integer(limit)];
    let mut narrow = |column: &str, value: &Option<String>| match value {
        None => String::new(),
        Some(value) => {
            parameters.push(text(value));
            format!("AND {column} = ?{}", parameters.len())
        }
    };
    let reference = narrow("external_ref", &filter.external_ref);
    let customer = narrow("customer", &filter.customer);
    let condition =
        format!("kind = ?1 AND sequence > ?2 {reference} {customer} ORDER BY sequence LIMIT ?3");
    select(connection, &condition, &parameters)
}

/// What people have made, in order of creation, after a place.
pub(super) fn by_age(connection: &Connection, after: i64, limit: i64) -> Result<Vec<Item>> {
    let condition = "sequence > ?1 AND kind IN ('administrators', 'customers', 'plans', 'tenants') \
                     AND NOT (kind = 'customers' AND protection = 'Default') ORDER BY sequence LIMIT ?2";
    select(
        connection,
        condition,
        &[Sql::Integer(after), Sql::Integer(limit)],
    )
}

/// Items of a kind that belong to a customer.
pub(super) fn of_customer(
    connection: &Connection,
    kind: Kind,
    customer: &str,
) -> Result<Vec<Item>> {
    select(
        connection,
        "customer = ?1 AND kind = ?2 ORDER BY sequence",
        &[text(customer), of(kind)],
    )
}

/// Items of a kind directly under a reseller.
pub(super) fn of_reseller(
    connection: &Connection,
    kind: Kind,
    reseller: &str,
) -> Result<Vec<Item>> {
    select(
        connection,
        "reseller = ?1 AND kind = ?2 ORDER BY sequence",
        &[text(reseller), of(kind)],
    )
}

/// Tenants that use a plan.
pub(super) fn of_plan(connection: &Connection, plan: &str) -> Result<Vec<Item>> {
    select(connection, "plan = ?1", &[text(plan)])
}

/// Clients that belong to a tenant.
pub(super) fn of_tenant(connection: &Connection, tenant: &str) -> Result<Vec<Item>> {
    select(connection, "tenant = ?1 ORDER BY sequence", &[text(tenant)])
}

/// The id of the item that has a unique name.
pub(super) fn holder_of_name(
    connection: &Connection,
    kind: Kind,
    name: &str,
) -> Result<Option<String>> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM items WHERE kind = ?1 AND unique_name = ?2")?;
    Ok(statement
        .query_row(params![kind.plural(), name], |row| row.get(0))
        .optional()?)
}

/// What must be unique among items of a kind.
pub(super) fn unique_name(item: &Item) -> Option<String> {
    match item.kind {
        Kind::Reseller | Kind::Plan => Some(item.name().to_owned()),
        // Two name spaces: a hidden customer's account name says nothing about open names.
        Kind::Customer if item.value("hideName") == Some(&Value::Bool(true)) => Some(format!(
            "account\n{}",
            item.text("accountName").unwrap_or_default()
        )),
        Kind::Customer => Some(format!("name\n{}", item.name())),
        Kind::Tenant => Some(format!(
            "{}\n{}",
            item.text("customerId")?,
            item.text("product")?
        )),
        Kind::Client | Kind::Location | Kind::Administrator => None,
    }
}

fn count(connection: &Connection, sql: &str, parameters: &[Sql]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    let number: i64 = statement.query_row(params_from_iter(parameters), |row| row.get(0))?;
    Ok(u64::try_from(number).unwrap_or(0))
}

/// How many items of a kind belong to a customer.
pub(super) fn count_of_customer(
    connection: &Connection,
    kind: Kind,
    customer: &str,
) -> Result<u64> {
    count(
        connection,
        "SELECT count(*) FROM items WHERE customer = ?1 AND kind = ?2",
        &[text(customer), of(kind)],
    )
}

/// How many items of a kind are directly under a reseller.
pub(super) fn count_of_reseller(
    connection: &Connection,
    kind: Kind,
    reseller: &str,
) -> Result<u64> {
    count(
        connection,
        "SELECT count(*) FROM items WHERE reseller = ?1 AND kind = ?2",
        &[text(reseller), of(kind)],
    )
}

/// How many tenants use a plan.
pub(super) fn count_of_plan(connection: &Connection, plan: &str) -> Result<u64> {
    count(
        connection,
        "SELECT count(*) FROM items WHERE plan = ?1",
        &[text(plan)],
    )
}

/// Ids of a customer's clients, the oldest 50.
pub(super) fn client_ids(connection: &Connection, customer: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM items WHERE customer = ?1 AND kind = 'clients' ORDER BY sequence LIMIT 50",
    )?;
    let ids = statement
        .query_map([customer], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(ids)
}

/// Sum of what the items of a kind directly under a reseller hold.
pub(super) fn shared_out(
    connection: &Connection,
    reseller: &str,
    kind: Kind,
    measure: Measure,
) -> Result<u64> {
    let sql = format!(
        "SELECT coalesce(sum({}), 0) FROM items WHERE reseller = ?1 AND kind = ?2",
        measure.name()
    );
    count(connection, &sql, &[text(reseller), of(kind)])
}

/// Sum of the licences that customers hold as a fixed number.
pub(super) fn fixed_licences(connection: &Connection) -> Result<u64> {
    count(
        connection,
        "SELECT coalesce(sum(licences), 0) FROM items WHERE kind = 'customers' AND licences IS NOT NULL",
        &[],
    )
}

/// Storage promised directly by the server: top resellers' allotments and top customers' limits.
pub(super) fn allotted_storage(connection: &Connection) -> Result<u64> {
    let sql = "SELECT coalesce(sum(storage), 0) FROM items WHERE kind IN ('customers', 'resellers') AND reseller IS NULL";
    count(connection, sql, &[])
}

/// A value of the estate as a whole.
pub(super) fn meta(connection: &Connection, key: &str) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Sets a value of the estate as a whole.
pub(super) fn set_meta(connection: &Connection, key: &str, value: &str) -> Result<()> {
    connection.execute(
        "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        [key, value],
    )?;
    Ok(())
}

/// The sequence that the next inserted item gets.
pub(super) fn next_sequence(connection: &Connection) -> Result<i64> {
    let mut statement =
        connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'items'")?;
    Ok(statement
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or(0)
        + 1)
}

/// Puts an item in. One without an id gets its sequence as id.
pub(super) fn insert(connection: &Connection, item: &mut Item) -> Result<()> {
    item.sequence = next_sequence(connection)?;
    if item.id.is_empty() {
        item.id = item.sequence.to_string();
    }
    write(
        connection,
        "INSERT INTO items VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        item,
    )
}

/// Writes an item back under its sequence.
pub(super) fn update(connection: &Connection, item: &Item) -> Result<()> {
    write(
        connection,
        "UPDATE items SET kind = ?2, id = ?3, external_ref = ?4, version = ?5, created_at = ?6, updated_at = ?7, protection = ?8,
         unique_name = ?9, reseller = ?10, customer = ?11, tenant = ?12, plan = ?13, storage = ?14, licences = ?15, clients = ?16,
         credits = ?17, settings = ?18, state = ?19 WHERE sequence = ?1",
        item,
    )
}

fn write(connection: &Connection, sql: &str, item: &Item) -> Result<()> {
    let reseller = match item.kind {
        Kind::Reseller => item.text("parentId"),
        Kind::Customer => item.text("resellerId"),
        _ => None,
    };
    let share = |measure: Measure| {
        measure
            .share(item)
            .map(|share| i64::try_from(share).unwrap_or(i64::MAX))
    };
    connection.prepare_cached(sql)?.execute(params![
        item.sequence,
        item.kind.plural(),
        item.id,
        item.external_ref,
        item.version,
        item.created_at.as_millisecond(),
        item.updated_at.as_millisecond(),
        item.protection.name(),
        unique_name(item),
        reseller,
        item.text("customerId"),
        item.text("tenantId"),
        item.text("planId"),
        share(Measure::Storage),
        share(Measure::Licences),
        share(Measure::Clients),
        share(Measure::Credits),
        serde_json::to_string(&item.settings)?,
        serde_json::to_string(&item.state)?,
    ])?;
    Ok(())
}

/// Takes an item out; `keep` leaves its settings in the archive.
pub(super) fn remove(
    connection: &Connection,
    item: &Item,
    keep: bool,
    now: Timestamp,
) -> Result<()> {
    if keep {
        let settings = serde_json::to_string(&item.settings)?;
        let values = params![
            item.sequence,
            item.kind.plural(),
            item.id,
            now.as_millisecond(),
            settings
        ];
        connection
            .prepare_cached("INSERT INTO archive VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(values)?;
    }
    connection
        .prepare_cached("DELETE FROM items WHERE sequence = ?1")?
        .execute([item.sequence])?;
    Ok(())
}
