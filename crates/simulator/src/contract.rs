//! The contract's schemas, taken from the `OpenAPI` document: what a body may hold, and which settings exist.

use std::sync::LazyLock;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value, json};

use super::{Kind, documents, problem::Problem};

/// The contract as a document, `docs/bridge.openapi.yaml`: the single truth for bodies.
const OPENAPI: &str = include_str!("../../../docs/bridge.openapi.yaml");

/// The settings of one kind.
struct Settings {
    validator: Validator,
    fields: Vec<String>,
}

/// What bodies may hold.
pub(super) struct Contract {
    resellers: Settings,
    customers: Settings,
    plans: Settings,
    tenants: Settings,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::load);

impl Contract {
    /// The contract of this build.
    pub fn get() -> &'static Self {
        &CONTRACT
    }

    fn load() -> Self {
        let document: Value =
            serde_yaml::from_str(OPENAPI).expect("part of the program and loaded by its tests");
        let settings = |name: &str| Settings {
            validator: jsonschema::draft202012::new(&json!({
                "$ref": format!("#/components/schemas/{name}Settings"),
                "components": {"schemas": &document["components"]["schemas"]},
            }))
            .expect("part of the program and loaded by its tests"),
            fields: fields(&document, name),
        };
        Self {
            resellers: settings("Reseller"),
            customers: settings("Customer"),
            plans: settings("Plan"),
            tenants: settings("Tenant"),
        }
    }

    fn settings(&self, kind: Kind) -> Option<&Settings> {
        match kind {
            Kind::Reseller => Some(&self.resellers),
            Kind::Customer => Some(&self.customers),
            Kind::Plan => Some(&self.plans),
            Kind::Tenant => Some(&self.tenants),
            Kind::Client | Kind::Location | Kind::Administrator => None,
        }
    }

    /// Every setting of a kind, as dotted paths.
    pub fn fields(&self, kind: Kind) -> &[String] {
        self.settings(kind).map_or(&[], |settings| &settings.fields)
    }

    /// Checks complete settings against their schema; the first thing wrong, by its path, never quoting a value.
    pub fn check(&self, kind: Kind, document: &Map<String, Value>) -> Result<(), Problem> {
        let Some(settings) = self.settings(kind) else {
            return Ok(());
        };
        let instance = Value::Object(document.clone());
        match settings.validator.iter_errors(&instance).next() {
            None => Ok(()),
            Some(error) => Err(explain(&error)),
        }
    }

    /// Refuses a patch that names what doesn't exist; a null for it would otherwise pass unseen.
    pub fn check_names(&self, kind: Kind, patch: &Map<String, Value>) -> Result<(), Problem> {
        let fields = self.fields(kind);
        let known = |path: &str| {
            fields.iter().any(|field| {
                let inside = |outer: &str, inner: &str| {
                    inner
                        .strip_prefix(outer)
                        .is_some_and(|rest| rest.starts_with('.'))
                };
                field == path || inside(path, field) || inside(field, path)
            })
        };
        match documents::paths(patch)
            .iter()
            .find(|path| path.as_str() != "externalRef" && !known(path))
        {
            None => Ok(()),
            Some(path) => Err(unknown(path)),
        }
    }
}

/// The dotted paths of a kind's settings, read off its schema.
fn fields(document: &Value, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(
        document,
        &document["components"]["schemas"][format!("{name}Properties")],
        "",
        &mut found,
    );
    found
}

fn walk(document: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    let target = schema["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    let schema = target.unwrap_or(schema);
    match schema["properties"].as_object() {
        Some(properties) if schema["x-holdfast-one-field"] != true => {
            for (member, schema) in properties {
                let path = if path.is_empty() {
                    member.clone()
                } else {
                    format!("{path}.{member}")
                };
                walk(document, schema, &path, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn unknown(path: &str) -> Problem {
    Problem::invalid(
        path,
        format!("{path} isn't a setting that this platform has"),
    )
    .remedy("Leave it out; /v1/capabilities lists the settings")
}

fn explain(error: &ValidationError<'_>) -> Problem {
    let at = dotted(error.instance_path().as_str());
    let below = |member: &str| {
        if at.is_empty() {
            member.to_owned()
        } else {
            format!("{at}.{member}")
        }
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unknown(&below(unexpected.first().map_or("", String::as_str)))
        }
        ValidationErrorKind::Required { property } => {
            let path = below(property.as_str().unwrap_or_default());
            Problem::invalid(&path, format!("{path} is missing")).remedy("Give it a value")
        }
        _ => Problem::invalid(&at, format!("{at}: {}", error.masked_with("the value")))
            .remedy("See the schema in the contract (bridge.openapi.yaml)"),
    }
}

/// `/profile/contacts/0/email` as `profile.contacts.0.email`.
fn dotted(pointer: &str) -> String {
    pointer
        .trim_start_matches('/')
        .replace('/', ".")
        .replace("~1", "/")
        .replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, body: Value) -> Result<(), Problem> {
        Contract::get().check(kind, &serde_json::from_value(body).expect("an object"))
    }

    fn field(kind: Kind, body: Value) -> String {
        check(kind, body)
            .expect_err("refused")
            .field
            .expect("a field")
    }

    #[test]
    fn good_bodies_pass() {
        let full = json!({"name": "Fabrikam", "country": "DE", "limits": {"storage": 1, "licences": {"mode": "Fixed", "count": 3}},
            "profile": {"address": {"city": "Ulm"}}, "webAccess": {"username": "f", "password": "geheim"}});
        assert_eq!(check(Kind::Customer, full), Ok(()));
        assert_eq!(check(Kind::Plan, json!({"name": "Gold"})), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        assert_eq!(field(Kind::Customer, json!({})), "name");
        assert_eq!(
            field(Kind::Customer, json!({"name": "a", "colour": 1})),
            "colour"
        );
        assert_eq!(
            field(
                Kind::Customer,
                json!({"name": "a", "profile": {"adress": {}}})
            ),
            "profile.adress"
        );
        assert_eq!(
            field(
                Kind::Customer,
                json!({"name": "a", "limits": {"storage": "1Gi"}})
            ),
            "limits.storage"
        );
        assert_eq!(
            field(
                Kind::Customer,
                json!({"name": "a", "contacts": [{"email": "x@y"}, {"email": 1}]})
            ),
            "contacts.1.email"
        );
        assert_eq!(
            field(
                Kind::Tenant,
                json!({"customerId": "1", "planId": "2", "product": "HybridWorkloads", "name": "x"})
            ),
            "name"
        );
    }

    #[test]
    fn a_refusal_never_quotes_a_value() {
        let problem = check(
            Kind::Customer,
            json!({"name": "a", "webAccess": {"password": {"deep": "hunter2"}}}),
        )
        .expect_err("refused");
        assert!(!format!("{problem:?}").contains("hunter2"));
    }

    #[test]
    fn a_patch_that_clears_an_unknown_member_is_refused() {
        let names = |patch: Value| {
            Contract::get().check_names(
                Kind::Customer,
                &serde_json::from_value(patch).expect("an object"),
            )
        };
        assert_eq!(
            names(
                json!({"profile": null, "limits": {"storage": null}, "externalRef": "x", "branding": {"logo": {"data": "x"}}})
            ),
            Ok(())
        );
        assert_eq!(
            names(json!({"profile": {"colour": null}}))
                .expect_err("refused")
                .field
                .as_deref(),
            Some("profile.colour")
        );
    }

    #[test]
    fn settings_are_listed_by_leaf() {
        let fields = Contract::get().fields(Kind::Customer);
        for path in [
            "name",
            "profile.billing.legalName",
            "limits.licences.mode",
            "branding.logo",
            "contacts",
            "webAccess.password",
        ] {
            assert!(fields.iter().any(|field| field == path), "{path}");
        }
        assert!(
            !fields
                .iter()
                .any(|field| field == "branding.logo.sha256" || field == "profile")
        );
    }
}
