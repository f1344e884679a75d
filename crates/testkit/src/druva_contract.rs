//! Druva's own `OpenAPI` document as a validator: whether it declares a request or an answer.
//!
//! It is read more strictly than it is written: members that it doesn't declare are refused, so that neither the adapter nor
//! the dialect of the embedded platform can drift from it. Where it contradicts itself or the wire, [`EXCEPTIONS`] says what
//! applies instead, and why.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../../tests/contracts/druva-msp.openapi.json");

/// Statuses that may answer any operation, whether it declares them or not: a gateway precedes all of them.
const GATEWAY: [u16; 6] = [401, 403, 429, 502, 503, 504];

/// Where the document is wrong: the place, what stands there instead, and the reason.
pub const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "/components/schemas/FeatureAttributeForV3/properties/value",
        r#"{"type": "integer"}"#,
        "declared as object, but its own example and every client have an integer",
    ),
    (
        "/components/schemas/ServicePlanV3Attrs/properties/value",
        r#"{"type": ["integer", "string", "boolean"]}"#,
        "declared as object like the feature attribute's, whose example is an integer",
    ),
    (
        "/components/schemas/CustomerAttributes/properties/name",
        r#"{"enum": ["licenseManagementAllowed", "licenseManagedAllowed", "dataAccessAllowed"]}"#,
        "the prose spells it licenseManagedAllowed, examples and the attribute table licenseManagementAllowed; any other errors",
    ),
    (
        "/components/schemas/GetResourceStatusReportDataResponse/properties/data",
        r##"{"type": "array", "items": {"$ref": "#/components/schemas/ResourceStatusReportData"}}"##,
        "the array is called `data::`, an obvious slip: every other report and every client have `data`",
    ),
    (
        "/components/schemas/TenantDataItemizedV3/properties/date",
        r#"{"type": "string", "format": "date-time"}"#,
        "declared as a date, but its example is a date with a time",
    ),
    (
        "/components/schemas/GetTenantItemizedReportV3Response/properties/lastSyncTimestamp",
        r#"{"type": "string", "format": "date-time"}"#,
        "declared as a date, but its example is a date with a time",
    ),
    (
        "/components/schemas/GetTenantQuotaItemizedReportV3Response/properties/lastSyncTimestamp",
        r#"{"type": "string", "format": "date-time"}"#,
        "declared as a date, but its example is a date with a time",
    ),
    (
        "/components/schemas/ListCustomerEvents/properties/timeStamp",
        r#"{"type": ["integer", "string"]}"#,
        "declared as an integer, but its example is a text",
    ),
];

/// The contract, with its schemas ready for use.
pub struct Contract {
    document: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One operation of the contract, and the parts of the path that it names.
struct Operation<'a> {
    pointer: String,
    value: &'a Value,
    parameters: Vec<(String, String)>,
}

impl Contract {
    /// Reads the copy in `tests/contracts`.
    pub fn load() -> Self {
        let mut document: Value = serde_json::from_str(DOCUMENT).expect("the contract is JSON");
        for (place, instead, _) in EXCEPTIONS {
            let (above, member) = place.rsplit_once('/').expect("a place below another");
            let above = document.pointer_mut(above).expect("the place exists");
            above[member] = serde_json::from_str(instead).expect("JSON");
        }
        as_json_schema(&mut document["components"]["schemas"]);
        as_json_schema(&mut document["paths"]);
        Self {
            document,
            validators: Mutex::default(),
        }
    }

    /// Whether the contract has this request: path, method, query, headers and body. A form goes as an object of texts.
    pub fn check_request(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        headers: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        let within = |error: String| format!("{method} {path}: {error}");
        self.check_parameters(&operation, "path", &operation.parameters)
            .and_then(|()| self.check_parameters(&operation, "query", query))
            .and_then(|()| check_authorization(&operation, headers))
            .and_then(|()| self.check_body(&operation, headers, body))
            .map_err(within)
    }

    /// Whether the contract has this answer; a body that isn't there is null.
    pub fn check_response(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        let pointer = format!("{}/responses/{status}", operation.pointer);
        let Some(response) = self.document.pointer(&pointer) else {
            return if GATEWAY.contains(&status) {
                Ok(())
            } else {
                Err(format!("{method} {path} doesn't answer {status}"))
            };
        };
        if response["content"]["application/json"].is_object() {
            let schema = format!("{pointer}/content/application~1json/schema");
            return self
                .check(&schema, body)
                .map_err(|error| format!("{method} {path}: {status}: {error}"));
        }
        // A failure may have an undeclared form; a success without a declared form has no body.
        if status < 400 && !body.is_null() {
            return Err(format!("{method} {path}: {status} has no body"));
        }
        Ok(())
    }

    /// Every operation: its id, method and path with placeholders.
    pub fn operations(&self) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        for (path, methods) in self.document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let name = operation["operationId"].as_str().expect("a name");
                found.push((name.to_owned(), method.to_uppercase(), path.clone()));
            }
        }
        found
    }

    /// Every answer that the contract shows: operation, status and body. Where it has no example of the whole, one is composed
    /// of those of the members.
    pub fn examples(&self) -> Vec<(String, u16, Value)> {
        let mut found = Vec::new();
        for methods in self.document["paths"].as_object().expect("paths").values() {
            for operation in methods.as_object().expect("methods").values() {
                let name = operation["operationId"].as_str().expect("a name");
                for (status, response) in operation["responses"].as_object().expect("answers") {
                    let status = status.parse().expect("a status");
                    let content = &response["content"]["application/json"];
                    let whole = content["examples"].as_object().into_iter().flatten();
                    let mut bodies: Vec<Value> =
                        whole.map(|(_, example)| example["value"].clone()).collect();
                    if bodies.is_empty() && content.is_object() {
                        bodies.push(self.example(&content["schema"]));
                    }
                    found.extend(
                        bodies
                            .into_iter()
                            .map(|body| (name.to_owned(), status, body)),
                    );
                }
            }
        }
        found
    }

    fn operation(&self, method: &str, path: &str) -> Result<Operation<'_>, String> {
        let unknown = || format!("{method} {path} isn't in the contract");
        let method = method.to_lowercase();
        let paths = self.document["paths"].as_object().expect("paths");
        // A template without placeholders is the better match.
        let mut fitting: Vec<_> = paths
            .iter()
            .filter(|(_, methods)| methods[&method].is_object())
            .filter_map(|(template, methods)| Some((template, methods, fit(template, path)?)))
            .collect();
        fitting.sort_by_key(|(.., parameters)| parameters.len());
        let (template, methods, parameters) = fitting.into_iter().next().ok_or_else(unknown)?;
        Ok(Operation {
            pointer: format!("/paths/{}/{method}", template.replace('/', "~1")),
            value: &methods[&method],
            parameters,
        })
    }

    fn check_parameters(
        &self,
        operation: &Operation<'_>,
        place: &str,
        given: &[(String, String)],
    ) -> Result<(), String> {
        let declared = operation.value["parameters"].as_array();
        let declared: Vec<(usize, &Value)> = declared
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, parameter)| parameter["in"] == place)
            .collect();
        for (name, text) in given {
            let Some((index, parameter)) = declared
                .iter()
                .find(|(_, parameter)| parameter["name"] == name.as_str())
            else {
                return Err(format!("{name} isn't a parameter in the {place}"));
            };
            let schema = format!("{}/parameters/{index}/schema", operation.pointer);
            self.check(&schema, &typed(&parameter["schema"], text))
                .map_err(|error| format!("parameter {name}: {error}"))?;
        }
        let missing = declared.iter().find(|(_, parameter)| {
            parameter["required"] == true
                && !given
                    .iter()
                    .any(|(name, _)| parameter["name"] == name.as_str())
        });
        match missing {
            Some((_, parameter)) => Err(format!("parameter {} is missing", parameter["name"])),
            None => Ok(()),
        }
    }

    fn check_body(
        &self,
        operation: &Operation<'_>,
        headers: &[(String, String)],
        body: Option<&Value>,
    ) -> Result<(), String> {
        let declared = operation.value["requestBody"]["content"].as_object();
        let Some((kind, _)) = declared.and_then(|content| content.iter().next()) else {
            return body.map_or(Ok(()), |_| Err("it takes no body".to_owned()));
        };
        let Some(body) = body else {
            return Err("the body is missing".to_owned());
        };
        let given = header(headers, "content-type").unwrap_or_default();
        if given.split(';').next().map(str::trim) != Some(kind.as_str()) {
            return Err(format!("the body is {given:?} instead of {kind}"));
        }
        let kind = kind.replace('/', "~1");
        self.check(
            &format!("{}/requestBody/content/{kind}/schema", operation.pointer),
            body,
        )
    }

    fn check(&self, pointer: &str, instance: &Value) -> Result<(), String> {
        let errors: Vec<String> = self
            .validator(pointer)
            .iter_errors(instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join("; "))
        }
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        let mut known = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let build = || {
            let schema = self.document.pointer(pointer).expect("a schema");
            let whole = json!({"allOf": [schema], "components": self.document["components"]});
            let options = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true);
            Arc::new(options.build(&whole).expect("a schema"))
        };
        Arc::clone(known.entry(pointer.to_owned()).or_insert_with(build))
    }

    fn example(&self, schema: &Value) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.document.pointer(reference.trim_start_matches('#'));
            return self.example(target.expect("a schema"));
        }
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
            return first.clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => &kinds[0],
            kind => kind,
        };
        match kind.as_str() {
            Some("array") => json!([self.example(&schema["items"])]),
            Some("integer") => json!(1),
            Some("number") => json!(1.5),
            Some("boolean") => json!(true),
            Some("string") if schema["format"] == "date-time" => json!("2022-10-25T00:00:00Z"),
            Some("string") => json!("text"),
            _ => {
                let members = schema["properties"].as_object().into_iter().flatten();
                let members = members.filter(|(name, _)| *name != "data::");
                Value::Object(
                    members
                        .map(|(name, schema)| (name.clone(), self.example(schema)))
                        .collect(),
                )
            }
        }
    }
}

/// Basic for the token, Bearer for everything else.
fn check_authorization(
    operation: &Operation<'_>,
    headers: &[(String, String)],
) -> Result<(), String> {
    let given = header(headers, "authorization").ok_or("the header Authorization is missing")?;
    let basic = operation.value["security"][0]["sec0"].is_array();
    let scheme = if basic { "Basic " } else { "Bearer " };
    if given
        .strip_prefix(scheme)
        .is_some_and(|rest| !rest.is_empty())
    {
        Ok(())
    } else {
        // The submitted value is a secret.
        Err(format!("the header Authorization isn't {scheme}…"))
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// The parts of a path that a template names, if it fits.
fn fit(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut parameters = Vec::new();
    for (template, part) in template.into_iter().zip(path) {
        let named = template
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match named {
            Some(name) if !part.is_empty() => {
                parameters.push((name.to_owned(), part.to_owned()));
            }
            None if template == part => {}
            _ => return None,
        }
    }
    Some(parameters)
}

/// A parameter's text as the type that its schema declares; a text that isn't one stays a text, and is then refused.
fn typed(schema: &Value, text: &str) -> Value {
    let as_text = || json!(text);
    match schema["type"].as_str() {
        Some("integer") => text
            .parse::<i64>()
            .map_or_else(|_| as_text(), |number| json!(number)),
        Some("boolean") => text
            .parse::<bool>()
            .map_or_else(|_| as_text(), |flag| json!(flag)),
        Some("array") => text
            .split(',')
            .map(|entry| typed(&schema["items"], entry))
            .collect(),
        _ => as_text(),
    }
}

/// Turns what `OpenAPI` 3.0 writes differently into JSON Schema, and closes objects that declare their members.
fn as_json_schema(value: &mut Value) {
    match value {
        Value::Array(entries) => entries.iter_mut().for_each(as_json_schema),
        Value::Object(schema) => {
            if schema.get("nullable") == Some(&Value::Bool(true)) {
                let kind = schema["type"].take();
                schema["type"] = json!([kind, "null"]);
            }
            let members = schema.get("properties").and_then(Value::as_object);
            if schema.get("type") == Some(&json!("object"))
                && members.is_some_and(|members| !members.is_empty())
            {
                schema
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
            for (name, inner) in schema.iter_mut() {
                if !["example", "examples"].contains(&name.as_str()) {
                    as_json_schema(inner);
                }
            }
        }
        _ => {}
    }
}
