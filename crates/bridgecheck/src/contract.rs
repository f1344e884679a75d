//! The contract as a judge: whether an answer has a status, a content type and a body that the document gives its route.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Value, json};

/// The contract as a document.
const OPENAPI: &str = include_str!("../../../docs/bridge.openapi.yaml");

/// An answer to judge.
pub struct Reply<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path below the base URL, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// The answer's content type.
    pub content_type: Option<&'a str>,
    /// The answer's body; nothing when it was empty, an error when it wasn't JSON.
    pub body: Option<Result<&'a Value, &'a ()>>,
}

/// The contract, with its schemas compiled when they are first needed.
pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            document: serde_yaml::from_str(OPENAPI)
                .expect("part of the program and loaded by its tests"),
            validators: Mutex::default(),
        }
    }
}

impl Contract {
    /// A request's route in the contract, for instance `GET /v1/customers/{id}`; the request itself where there is none.
    pub fn operation(&self, method: &str, path: &str) -> String {
        format!("{method} {}", self.template(path).unwrap_or(path))
    }

    /// What of an answer isn't as the contract has it; never quotes a value.
    pub fn judge(&self, reply: &Reply<'_>) -> Vec<String> {
        let method = reply.method.to_lowercase();
        let refused = reply.status >= 400;
        let template = self.template(reply.path);
        let operation = template.map(|template| &self.document["paths"][template][&method]);
        let Some((template, operation)) = template
            .zip(operation)
            .filter(|(_, operation)| !operation.is_null())
        else {
            return if refused {
                Vec::new()
            } else {
                vec!["the contract has no such route".to_owned()]
            };
        };
        let status = reply.status.to_string();
        let named = if operation["responses"][&status].is_null() {
            "default"
        } else {
            &status
        };
        if named == "default" && !refused {
            return vec![format!("the contract has no status {status} here")];
        }
        let pointer = format!(
            "/paths/{}/{method}/responses/{named}",
            template.replace('/', "~1")
        );
        self.judge_content(&pointer, reply)
    }

    fn judge_content(&self, pointer: &str, reply: &Reply<'_>) -> Vec<String> {
        let response = &self.document.pointer(pointer).unwrap_or(&Value::Null);
        let pointer = response["$ref"]
            .as_str()
            .map_or(pointer, |reference| reference.trim_start_matches('#'));
        let response = self.document.pointer(pointer).unwrap_or(&Value::Null);
        let kind = response["content"]
            .as_object()
            .and_then(|content| content.keys().next());
        let (kind, body) = match (kind, reply.body) {
            (None, None) => return Vec::new(),
            (None, Some(_)) => return vec!["a body where there is none".to_owned()],
            (Some(_), None) => return vec!["no body".to_owned()],
            (Some(kind), Some(body)) => (kind, body),
        };
        let media_type = reply.content_type.unwrap_or("none");
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let mut wrong = Vec::new();
        if !media_type.eq_ignore_ascii_case(kind) {
            wrong.push(format!("the content type isn't {kind} but {media_type}"));
        }
        let Ok(body) = body else {
            wrong.push("the body isn't JSON".to_owned());
            return wrong;
        };
        let schema = format!("{pointer}/content/{}/schema", kind.replace('/', "~1"));
        let validator = self.validator(&schema);
        let errors: Vec<_> = validator.iter_errors(body).collect();
        // Where a member is wrong, its part of the schema vouches for none of the others.
        let follows = |error: &&ValidationError<'_>| {
            matches!(
                error.kind(),
                ValidationErrorKind::UnevaluatedProperties { .. }
            )
        };
        let causes = errors.iter().any(|error| !follows(&error));
        let errors = errors.iter().filter(|error| !causes || !follows(error));
        let errors = errors.take(MOST_ERRORS).map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the body" } else { &place };
            format!("{place}: {}", error.masked_with("the value"))
        });
        wrong.extend(errors);
        wrong
    }

    fn template(&self, path: &str) -> Option<&str> {
        let paths = self.document["paths"].as_object()?;
        paths
            .keys()
            .map(String::as_str)
            .find(|template| fits(template, path))
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut known = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            let schema = self.document.pointer(pointer).cloned();
            let components = &self.document["components"];
            let document =
                json!({"allOf": [schema.unwrap_or(Value::Bool(true))], "components": components});
            let compiled = jsonschema::draft202012::new(&document);
            Arc::new(compiled.expect("part of the program and loaded by its tests"))
        };
        Arc::clone(known.entry(pointer.to_owned()).or_insert_with(compile))
    }
}

/// Errors told of one body.
const MOST_ERRORS: usize = 5;

/// Whether a path is one of a template; `{id}:verb` is one part.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let one = |template: &str, part: &str| match template.split_once('}') {
        Some((_, verb)) if template.starts_with('{') => {
            part.split_once(':').map_or(verb.is_empty(), |(_, given)| {
                verb.strip_prefix(':') == Some(given)
            })
        }
        _ => template == part,
    };
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(template, part)| one(template, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(method: &str, path: &str, status: u16, kind: &str, body: &Value) -> Vec<String> {
        Contract::default().judge(&Reply {
            method,
            path,
            status,
            content_type: Some(kind),
            body: Some(Ok(body)),
        })
    }

    // R-N19
    #[test]
    fn an_answer_is_judged_by_route_status_type_and_body() {
        let gone = json!({"type": "urn:holdfast:problem:not-found", "title": "Not found", "status": 404, "detail": "none"});
        let problem = "application/problem+json; charset=utf-8";
        let path = "/v1/customers/7";
        assert_eq!(judged("GET", path, 404, problem, &gone), [""; 0]);
        let plain = judged("GET", path, 404, "application/json", &gone);
        assert_eq!(
            plain,
            ["the content type isn't application/problem+json but application/json"]
        );
        let listed = json!({"items": [{"id": 7, "webAccess": {"password": "hunter2"}}], "next": null, "complete": true});
        let wrong = judged("GET", "/v1/customers", 200, "application/json", &listed).join("\n");
        assert!(wrong.contains("/items/0"), "{wrong}");
        assert!(!wrong.contains("hunter2"), "{wrong}");
        let route = judged("GET", "/v1/frogs", 200, "application/json", &listed);
        assert_eq!(route, ["the contract has no such route"]);
        let verb = judged("POST", "/v1/customers/7:activate", 204, "x", &listed);
        assert_eq!(verb, ["the contract has no status 204 here"]);
    }

    #[test]
    fn routes_are_told_by_their_template() {
        let contract = Contract::default();
        let told = |path| contract.operation("POST", path);
        assert_eq!(
            told("/v1/tenants/9:activate"),
            "POST /v1/tenants/{id}:activate"
        );
        assert_eq!(
            told("/v1/tenants/by-ref/x"),
            "POST /v1/tenants/by-ref/{externalRef}"
        );
        assert_eq!(told("/v2"), "POST /v2");
    }
}
