//! Gathers what the rules need to judge a change, and asks them.

use rusqlite::Connection;
use serde_json::Value;

use super::{
    Kind,
    figures::Figures,
    item::Item,
    problem::{Problem, Slug},
    rows::{self, Filter, Measure},
    rules::{fixed, hierarchy, location, plan_fit, protection, quota},
};

type Result<T> = std::result::Result<T, Problem>;

/// Completes what the platform derives (the storage location), and refuses what can be refused before writing.
/// `before` is absent at creation.
pub(super) fn judge(
    connection: &Connection,
    before: Option<&Item>,
    after: &mut Item,
) -> Result<()> {
    if let Some(before) = before {
        protection::check_change(before, after)?;
        fixed::check(before, after)?;
    }
    match after.kind {
        Kind::Reseller => {
            derive_location(connection, before, after)?;
            judge_reseller(connection, before, after)?;
        }
        Kind::Customer => {
            derive_location(connection, before, after)?;
            judge_customer(connection, before, after)?;
        }
        Kind::Plan => judge_plan(connection, before, after)?,
        Kind::Tenant => judge_tenant(connection, before, after)?,
        Kind::Client | Kind::Location | Kind::Administrator => {}
    }
    check_name(connection, after)
}

/// Refuses a name that another item has.
fn check_name(connection: &Connection, item: &Item) -> Result<()> {
    let Some(name) = rows::unique_name(item) else {
        return Ok(());
    };
    let Some(holder) =
        rows::holder_of_name(connection, item.kind, &name)?.filter(|holder| *holder != item.id)
    else {
        return Ok(());
    };
    let (field, what) = match item.kind {
        Kind::Tenant => (
            "product",
            format!(
                "customer {} has the product {}",
                item.text("customerId").unwrap_or_default(),
                item.text("product").unwrap_or_default()
            ),
        ),
        Kind::Customer if item.value("hideName") == Some(&Value::Bool(true)) => (
            "accountName",
            "another customer has this account name".into(),
        ),
        kind => (
            "name",
            format!("another {kind} has the name {}", item.name()),
        ),
    };
    Err(
        Problem::new(Slug::Conflict, format!("{what} already: {holder}"))
            .field(field)
            .conflicting(&holder)
            .remedy("Choose another, or adopt that one"),
    )
}

fn required(connection: &Connection, kind: Kind, field: &str, id: &str) -> Result<Item> {
    rows::get(connection, kind, id)?.ok_or_else(|| {
        Problem::invalid(field, format!("there is no {kind} {id}"))
            .remedy(format!("Name one of /v1/{}", kind.plural()))
    })
}

fn locations(connection: &Connection) -> Result<Vec<Item>> {
    Ok(rows::list(
        connection,
        Kind::Location,
        &Filter::default(),
        0,
        1000,
    )?)
}

/// The location follows from the country as long as none is set; later changes of the country don't move it.
fn derive_location(connection: &Connection, before: Option<&Item>, after: &mut Item) -> Result<()> {
    if before.is_some_and(|before| before.value("storageLocation").is_some()) {
        return Ok(());
    }
    let (country, chosen) = (after.text("country"), after.text("storageLocation"));
    if before.is_some_and(|before| before.text("country") == country) && chosen.is_none() {
        return Ok(());
    }
    if let Some(location) = location::choose(country, chosen, &locations(connection)?)? {
        after
            .settings
            .insert("storageLocation".into(), Value::String(location));
    }
    Ok(())
}

fn judge_reseller(connection: &Connection, before: Option<&Item>, after: &Item) -> Result<()> {
    if let Some(parent) = after.text("parentId") {
        let parent = required(connection, Kind::Reseller, "parentId", parent)?;
        hierarchy::check(&parent, after)?;
    }
    // What already sits below must still fit when its parent changes.
    let matters = ["level", "childServiceTypes"];
    if before.is_some_and(|before| {
        matters
            .iter()
            .any(|field| before.value(field) != after.value(field))
    }) {
        for kind in [Kind::Reseller, Kind::Customer] {
            for child in rows::of_reseller(connection, kind, &after.id)? {
                hierarchy::check(after, &child).map_err(|problem| {
                    let field = if problem.field.as_deref() == Some("parentId") {
                        "level"
                    } else {
                        "childServiceTypes"
                    };
                    Problem::invalid(
                        field,
                        format!("{} sits below: {}", child.label(), problem.detail),
                    )
                    .remedy("Move or change it first")
                })?;
            }
        }
    }
    Ok(())
}

fn judge_customer(connection: &Connection, before: Option<&Item>, after: &Item) -> Result<()> {
    if after.value("hideName") == Some(&Value::Bool(true)) && after.text("accountName").is_none() {
        return Err(Problem::invalid(
            "accountName",
            "a customer that hides its name needs an account name",
        )
        .remedy("Give accountName"));
    }
    if let Some(reseller) = after.text("resellerId") {
        let reseller = required(connection, Kind::Reseller, "resellerId", reseller)?;
        hierarchy::check(&reseller, after)?;
    }
    match before {
        Some(before) if before.value("limits") != after.value("limits") => {
            judge_limits(connection, before, after)
        }
        _ => Ok(()),
    }
}

/// A limit that changes must cover what is used.
fn judge_limits(connection: &Connection, before: &Item, after: &Item) -> Result<()> {
    for measure in Measure::ALL {
        let lowered = measure
            .share(after)
            .is_some_and(|share| measure.share(before).is_none_or(|held| share < held));
        if !lowered {
            continue;
        }
        let used = match measure {
            // Its clock is the last change: usage moves with the day only.
            Measure::Storage => {
                Figures::new(connection, after.updated_at)?.stored_by_customer(before)?
            }
            Measure::Licences | Measure::Clients => {
                rows::count_of_customer(connection, Kind::Client, &after.id)?
            }
            Measure::Credits => granted_credits(connection, &after.id)?,
        };
        quota::check_used(after, measure, used)?;
    }
    Ok(())
}

fn judge_plan(connection: &Connection, before: Option<&Item>, after: &Item) -> Result<()> {
    if before.is_none_or(|before| before.value("products") == after.value("products")) {
        return Ok(());
    }
    for tenant in rows::of_plan(connection, &after.id)? {
        plan_fit::check(after, &tenant).map_err(|problem| {
            Problem::new(
                Slug::HasDependents,
                format!("{} uses the plan: {}", tenant.label(), problem.detail),
            )
            .field("products")
            .remedy("Move that tenant to another plan first")
        })?;
    }
    Ok(())
}

fn judge_tenant(connection: &Connection, before: Option<&Item>, after: &mut Item) -> Result<()> {
    let customer = required(
        connection,
        Kind::Customer,
        "customerId",
        after.text("customerId").unwrap_or_default(),
    )?;
    protection::check_type(&customer, after)?;
    if after.text("type").is_none() {
        let kind = if customer.protection == super::item::Protection::Sandbox {
            "Sandbox"
        } else {
            "Evaluation"
        };
        after.settings.insert("type".into(), kind.into());
    }
    let unchanged =
        |field: &str| before.is_some_and(|before| before.value(field) == after.value(field));
    if !(unchanged("planId") && unchanged("workloads")) {
        let plan = required(
            connection,
            Kind::Plan,
            "planId",
            after.text("planId").unwrap_or_default(),
        )?;
        plan_fit::check(&plan, after)?;
    }
    if !unchanged("storageRegions") {
        location::check_regions(after, &locations(connection)?)?;
    }
    let moment = |field: &str| {
        after
            .text(field)
            .and_then(|at| at.parse::<jiff::Timestamp>().ok())
    };
    match (moment("quota.effectiveAt"), moment("quota.endsAt")) {
        (Some(from), Some(to)) if to <= from => Err(Problem::invalid(
            "quota.endsAt",
            "the quota would end before it takes effect",
        )
        .remedy("Choose an end after effectiveAt")),
        _ => Ok(()),
    }
}

/// Credits that a customer's tenants hold together, in thousandths.
fn granted_credits(connection: &Connection, customer: &str) -> Result<u64> {
    let tenants = rows::of_customer(connection, Kind::Tenant, customer)?;
    Ok(tenants
        .iter()
        .filter_map(|tenant| tenant.thousandths("quota.credits"))
        .sum())
}

/// Refuses a change that is already written (and is then taken back) when it shares out more than there is.
pub(super) fn check_room(
    connection: &Connection,
    before: Option<&Item>,
    after: &Item,
) -> Result<()> {
    if after.kind == Kind::Tenant {
        return check_customer_credits(connection, before, after);
    }
    if !matches!(after.kind, Kind::Reseller | Kind::Customer) {
        return Ok(());
    }
    let moved = before.is_none_or(|before| parent_of(before) != parent_of(after));
    for measure in Measure::ALL {
        let held = before.and_then(|before| measure.share(before));
        let share = measure.share(after);
        if after.kind == Kind::Reseller
            && let Some(share) = share.filter(|share| held.is_none_or(|held| *share < held))
        {
            quota::check_room(
                after,
                measure,
                &after.label(),
                share,
                shared_out(connection, &after.id, measure)?,
            )?;
        }
        // A reseller that loses its own allotment passes its children's shares on to the one above.
        if moved || share > held || (share.is_none() && held.is_some()) {
            check_above(connection, after, measure)?;
            if after.kind == Kind::Customer && measure == Measure::Licences && share.is_some() {
                let pool = meta_number(connection, "licences")?;
                quota::check_room(
                    after,
                    measure,
                    "the server's pool",
                    pool,
                    rows::fixed_licences(connection)?,
                )?;
            }
        }
    }
    Ok(())
}

/// The first reseller above that has an allotment must have room; those further up gave it theirs already.
fn check_above(connection: &Connection, item: &Item, measure: Measure) -> Result<()> {
    let mut parent = parent_of(item).map(str::to_owned);
    while let Some(id) = parent {
        let Some(reseller) = rows::get(connection, Kind::Reseller, &id)? else {
            break;
        };
        if let Some(has) = measure.share(&reseller) {
            return quota::check_room(
                item,
                measure,
                &reseller.label(),
                has,
                shared_out(connection, &id, measure)?,
            );
        }
        parent = parent_of(&reseller).map(str::to_owned);
    }
    Ok(())
}

/// What a reseller has shared out: its customers' limits, its resellers' allotments, and what a reseller without an
/// allotment of its own has shared out in turn.
fn shared_out(connection: &Connection, reseller: &str, measure: Measure) -> Result<u64> {
    let mut sum = rows::shared_out(connection, reseller, Kind::Customer, measure)?;
    for child in rows::of_reseller(connection, Kind::Reseller, reseller)? {
        sum += match measure.share(&child) {
            Some(share) => share,
            None => shared_out(connection, &child.id, measure)?,
        };
    }
    Ok(sum)
}

fn check_customer_credits(
    connection: &Connection,
    before: Option<&Item>,
    after: &Item,
) -> Result<()> {
    let credits = |item: &Item| item.thousandths("quota.credits").unwrap_or(0);
    if before.map_or(0, credits) >= credits(after) {
        return Ok(());
    }
    let customer = required(
        connection,
        Kind::Customer,
        "customerId",
        after.text("customerId").unwrap_or_default(),
    )?;
    let Some(limit) = Measure::Credits.share(&customer) else {
        return Ok(());
    };
    let granted = granted_credits(connection, &customer.id)?;
    quota::check_room(after, Measure::Credits, &customer.label(), limit, granted)
        .map_err(|problem| problem.field("quota.credits"))
}

fn parent_of(item: &Item) -> Option<&str> {
    item.text(if item.kind == Kind::Reseller {
        "parentId"
    } else {
        "resellerId"
    })
}

/// A number of the estate as a whole; the seed wrote it.
pub(super) fn meta_number(connection: &Connection, key: &str) -> Result<u64> {
    Ok(rows::meta(connection, key)?
        .and_then(|number| number.parse().ok())
        .unwrap_or(0))
}
