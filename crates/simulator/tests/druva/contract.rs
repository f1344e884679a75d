//! The judge itself: what it lets pass, and what not.

use serde_json::{Map, Value, json};

use holdfast_testkit::druva_contract::{Contract, EXCEPTIONS};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn every_example_of_the_contract_fits_its_own_schema() {
    let contract = Contract::load();
    let examples = contract.examples();
    assert!(examples.len() > 40, "{}", examples.len());
    let operations = contract.operations();
    for (name, status, body) in examples {
        let (_, method, path) = operations
            .iter()
            .find(|(id, ..)| *id == name)
            .expect("an operation");
        let path = path
            .replace("{productId}", "1")
            .replace("{servicePlanID}", "1");
        let verdict = contract.check_response(method, &path, status, &body);
        assert_eq!(verdict, Ok(()), "{name} {status}");
    }
}

#[test]
fn what_the_contract_does_not_have_is_refused() {
    let contract = Contract::load();
    let bearer = pairs(&[
        ("authorization", "Bearer x"),
        ("content-type", "application/json"),
    ]);
    let get = |path: &str, query: &[(&str, &str)]| {
        contract.check_request("GET", path, &pairs(query), &bearer, None)
    };
    assert_eq!(
        get(
            "/msp/v3/customers",
            &[("pageSize", "100"), ("includeFeatures", "true")]
        ),
        Ok(())
    );
    assert_eq!(
        get("/msp/v2/admins", &[("role", "2,3"), ("pageSize", "500")]),
        Ok(())
    );
    for (path, query) in [
        ("/msp/v9/customers", ("pageSize", "1")),
        ("/msp/v3/customers", ("name", "a")),
        ("/msp/v3/customers", ("includeFeatures", "yes")),
        ("/msp/v2/admins", ("pageSize", "501")),
        ("/msp/v3/servicePlans/gold", ("pageSize", "1")),
    ] {
        assert!(get(path, &[query]).is_err(), "{path} {query:?}");
    }
    let delete = contract.check_request("DELETE", "/msp/v3/customers/a", &[], &bearer, None);
    assert!(delete.is_err());
    let put = |body: Value| {
        contract.check_request("PUT", "/msp/v3/customers/a-1", &[], &bearer, Some(&body))
    };
    assert_eq!(
        put(
            json!({"customerName": "a", "attributes": [{"name": "dataAccessAllowed", "value": "1"}]})
        ),
        Ok(())
    );
    assert!(put(json!({"customerName": "a"})).is_err());
    assert!(put(json!({"customerName": "a", "attributes": [], "colour": 1})).is_err());
    let token = contract.check_request("GET", "/msp/v3/customers", &[], &[], None);
    assert!(token.is_err());
}

#[test]
fn the_token_is_a_form_with_basic_credentials() {
    let contract = Contract::load();
    let form = json!({"grant_type": "client_credentials"});
    let mut headers = pairs(&[
        ("authorization", "Basic eDp5"),
        ("content-type", "application/x-www-form-urlencoded"),
    ]);
    let ask = |headers: &[(String, String)]| {
        contract.check_request("POST", "/msp/auth/v1/token", &[], headers, Some(&form))
    };
    assert_eq!(ask(&headers), Ok(()));
    headers[0].1 = "Bearer x".to_owned();
    assert!(ask(&headers).is_err());
}

#[test]
fn every_exception_has_a_reason() {
    for (place, _, reason) in EXCEPTIONS {
        assert!(reason.len() > 20, "{place}");
    }
}

#[test]
fn undeclared_members_of_an_answer_are_refused() {
    let contract = Contract::load();
    let mut task = Map::new();
    task.insert("task".into(), json!({"id": "1"}));
    let path = "/msp/v3/customers";
    assert_eq!(
        contract.check_response("POST", path, 200, &Value::Object(task.clone())),
        Ok(())
    );
    task.insert("colour".into(), json!(1));
    assert!(
        contract
            .check_response("POST", path, 200, &Value::Object(task))
            .is_err()
    );
    assert!(
        contract
            .check_response("POST", path, 404, &Value::Null)
            .is_err()
    );
}
