//! Nothing is promised twice (V3, V6, V7, V20).

use crate::{
    Kind,
    item::Item,
    problem::{Problem, Slug},
    rows::Measure,
};

/// An amount as people read it; credits come in thousandths.
pub(crate) fn amount(measure: Measure, number: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match measure {
        Measure::Storage => match UNITS.iter().find(|(_, bits)| number >= 1 << bits) {
            Some((unit, bits)) => format!("{} {unit}", tenths(number, 1 << bits)),
            None => format!("{number} bytes"),
        },
        Measure::Credits if !number.is_multiple_of(1000) => {
            format!("{}.{:03} credits", number / 1000, number % 1000)
        }
        Measure::Credits => format!("{} credits", number / 1000),
        Measure::Licences | Measure::Clients => format!("{number} {}", measure.name()),
    }
}

fn tenths(number: u64, unit: u64) -> String {
    let tenths = u128::from(number) * 10 / u128::from(unit);
    if tenths.is_multiple_of(10) {
        (tenths / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

/// The setting that holds an item's share.
pub(crate) fn field(item: &Item, measure: Measure) -> String {
    match (item.kind, measure) {
        (Kind::Customer, Measure::Licences) => "limits.licences.count".into(),
        (Kind::Customer, _) => format!("limits.{}", measure.name()),
        _ => format!("allotment.{}", measure.name()),
    }
}

/// Refuses when what is shared out, the change included, is more than there is.
pub(crate) fn check_room(
    item: &Item,
    measure: Measure,
    giver: &str,
    has: u64,
    shared_out: u64,
) -> Result<(), Problem> {
    if shared_out <= has {
        return Ok(());
    }
    let detail = format!(
        "{giver} has {} to share out; with this it would be {}, {} too many",
        amount(measure, has),
        amount(measure, shared_out),
        amount(measure, shared_out - has)
    );
    Err(Problem::new(Slug::QuotaParentExceeded, detail)
        .field(&field(item, measure))
        .remedy("Ask for less, raise what the parent has, or lower what others below it have"))
}

/// Refuses a limit below what is used already: no backup is destroyed by lowering a number.
pub(crate) fn check_used(item: &Item, measure: Measure, used: u64) -> Result<(), Problem> {
    match measure.share(item) {
        Some(limit) if limit < used => {
            let detail = format!(
                "{} uses {} already, more than {}",
                item.label(),
                amount(measure, used),
                amount(measure, limit)
            );
            Err(Problem::invalid(&field(item, measure), detail)
                .remedy("Choose a limit that covers what is used, or free some first"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;

    fn customer(settings: serde_json::Value) -> Item {
        Item::new(
            Kind::Customer,
            serde_json::from_value(settings).expect("an object"),
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn amounts_are_readable() {
        assert_eq!(amount(Measure::Storage, 500 << 30), "500 GiB");
        assert_eq!(amount(Measure::Storage, 3 << 39), "1.5 TiB");
        assert_eq!(amount(Measure::Storage, 12), "12 bytes");
        assert_eq!(amount(Measure::Credits, 12_500), "12.500 credits");
        assert_eq!(amount(Measure::Credits, 12_000), "12 credits");
        assert_eq!(amount(Measure::Clients, 3), "3 clients");
    }

    #[test]
    fn a_limit_below_use_is_refused() {
        // R-V3, R-V6, R-V7
        let item =
            customer(json!({"limits": {"clients": 3, "licences": {"mode": "Fixed", "count": 2}}}));
        assert!(check_used(&item, Measure::Clients, 3).is_ok());
        assert_eq!(
            check_used(&item, Measure::Licences, 3)
                .expect_err("refused")
                .field
                .as_deref(),
            Some("limits.licences.count")
        );
        assert!(check_used(&item, Measure::Storage, u64::MAX).is_ok());
    }

    proptest! {
        #[test]
        fn no_more_is_shared_out_than_there_is(has: u32, shared: u32) {
            // R-V20
            let item = customer(json!({}));
            let room = check_room(&item, Measure::Storage, "the pool", has.into(), shared.into());
            prop_assert_eq!(room.is_ok(), shared <= has);
        }
    }
}
