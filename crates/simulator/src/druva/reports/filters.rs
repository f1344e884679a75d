//! What a report is narrowed to. Source: Druva OpenAPI, `FilterAttributeV3`.

use jiff::Timestamp;
use serde_json::Value;

use super::super::refusal::refuse;
use crate::problem::Problem;

/// A comparison of one field.
#[derive(Debug, Clone)]
struct Comparison {
    field: String,
    operator: Operator,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "EQUAL" => Self::Equal,
            "NOTEQUAL" => Self::NotEqual,
            "CONTAINS" => Self::Contains,
            "LT" => Self::Less,
            "LTE" => Self::LessOrEqual,
            "GT" => Self::Greater,
            "GTE" => Self::GreaterOrEqual,
            _ => return None,
        })
    }
}

/// All comparisons of a report; a row has to pass every one.
#[derive(Debug, Clone, Default)]
pub(super) struct Filters(Vec<Comparison>);

impl Filters {
    /// Reads `filterBy`; only some fields can be filtered, and an operator is used once for a field.
    pub fn read(filter_by: &Value, fields: &[&str]) -> Result<Self, Problem> {
        let mut filters: Vec<Comparison> = Vec::new();
        for entry in filter_by.as_array().into_iter().flatten() {
            let field = entry["fieldName"].as_str().unwrap_or_default();
            if !fields.contains(&field) {
                return Err(refuse(
                    400,
                    "filterBy has a fieldName that the report can't be filtered by",
                ));
            }
            let operator = entry["operator"].as_str().and_then(Operator::named);
            let operator =
                operator.ok_or_else(|| refuse(400, "filterBy has an unknown operator"))?;
            let value = entry["value"].clone();
            if (operator == Operator::Contains) != value.is_array() {
                return Err(refuse(400, "CONTAINS takes a list, and nothing else does"));
            }
            if filters
                .iter()
                .any(|known| known.field == field && known.operator == operator)
            {
                return Err(refuse(
                    400,
                    format!("filterBy has an operator twice for {field}"),
                ));
            }
            filters.push(Comparison {
                field: field.to_owned(),
                operator,
                value,
            });
        }
        Ok(Self(filters))
    }

    /// Whether a field is filtered at all.
    pub fn name(&self, field: &str) -> bool {
        self.0.iter().any(|comparison| comparison.field == field)
    }

    /// Whether a value of a field passes, so that a row needn't be made in vain.
    pub fn admit(&self, field: &str, value: &Value) -> bool {
        self.0
            .iter()
            .filter(|comparison| comparison.field == field)
            .all(|comparison| comparison.admits(value))
    }

    /// Whether a row passes.
    pub fn pass(&self, row: &Value) -> bool {
        self.0
            .iter()
            .all(|comparison| comparison.admits(&row[&comparison.field]))
    }
}

impl Comparison {
    fn admits(&self, found: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let ordering = || compare(found, &self.value);
        match self.operator {
            Operator::Equal => ordering() == Some(Equal),
            Operator::NotEqual => ordering() != Some(Equal),
            Operator::Contains => self
                .value
                .as_array()
                .is_some_and(|any| any.iter().any(|value| compare(found, value) == Some(Equal))),
            Operator::Less => ordering() == Some(Less),
            Operator::LessOrEqual => matches!(ordering(), Some(Less | Equal)),
            Operator::Greater => ordering() == Some(Greater),
            Operator::GreaterOrEqual => matches!(ordering(), Some(Greater | Equal)),
        }
    }
}

/// Numbers as numbers, moments as moments, texts letter by letter.
fn compare(found: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    if let (Some(found), Some(wanted)) = (found.as_f64(), wanted.as_f64()) {
        return found.partial_cmp(&wanted);
    }
    let (found, wanted) = (found.as_str()?, wanted.as_str()?);
    match (found.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
        (Ok(found), Ok(wanted)) => Some(found.cmp(&wanted)),
        _ => Some(found.cmp(wanted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filters(filter_by: Value) -> Result<Filters, Problem> {
        Filters::read(&filter_by, &["date", "name", "amount"])
    }

    #[test]
    fn rows_pass_every_comparison() {
        let filters = filters(json!([
            {"fieldName": "date", "operator": "GTE", "value": "2026-01-02T00:00:00Z"},
            {"fieldName": "date", "operator": "LT", "value": "2026-01-04T00:00:00.000Z"},
            {"fieldName": "name", "operator": "CONTAINS", "value": ["a", "b"]},
            {"fieldName": "amount", "operator": "NOTEQUAL", "value": 2},
        ]))
        .expect("understood");
        let row = |day: u8, name: &str, amount: f64| {
            filters.pass(&json!({"date": format!("2026-01-0{day}T00:00:00.000Z"), "name": name, "amount": amount}))
        };
        assert!(row(2, "a", 1.0));
        assert!(row(3, "b", 1.0));
        for passed in [
            row(1, "a", 1.0),
            row(4, "a", 1.0),
            row(3, "A", 1.0),
            row(3, "a", 2.0),
        ] {
            assert!(!passed);
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        for entry in [
            json!({"fieldName": "colour", "operator": "EQUAL", "value": 1}),
            json!({"fieldName": "name", "operator": "LIKE", "value": "a"}),
            json!({"fieldName": "name", "operator": "CONTAINS", "value": "a"}),
            json!({"fieldName": "name", "operator": "EQUAL", "value": ["a"]}),
        ] {
            assert!(filters(json!([entry])).is_err(), "{entry}");
        }
        let twice = json!({"fieldName": "name", "operator": "EQUAL", "value": "a"});
        assert!(filters(json!([twice, twice])).is_err());
    }
}
