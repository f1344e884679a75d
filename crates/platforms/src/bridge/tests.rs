use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::json;

use super::{
    pages::Pages,
    wire::{CapabilitiesBody, Page, Row},
    *,
};
use crate::estate::{Capabilities, Capability, Client, Consumption, Protection};

const OPERATION: &str = "GET /v1/customers";

fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    let content_type = HeaderValue::from_str(content_type).unwrap();
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]),
        body: body.as_bytes().to_vec(),
        retry_after: None,
    }
}

fn problem(status: u16, slug: &str) -> Answer {
    let body = json!({"type": format!("urn:holdfast:problem:{slug}"), "title": "No", "status": status,
        "detail": "It is so.", "field": "name", "remedy": "Do otherwise.", "conflictingId": "7"});
    answer(status, "application/problem+json", &body.to_string())
}

fn secrets() -> crate::wire::Secrets {
    super::problem::secrets(
        &"t0ken".into(),
        json!({"webAccess": {"password": "hunter2"}}).as_object(),
    )
}

fn failure(answer: Answer) -> PlatformError {
    succeeded(OPERATION, &secrets(), answer)
        .map(|_| ())
        .unwrap_err()
}

fn refusal(answer: Answer) -> ProblemKind {
    match failure(answer) {
        PlatformError::Refused(problem) => problem.kind,
        other => panic!("not a refusal: {other:?}"),
    }
}

/// An item, with the counts that every one has.
fn object(kind: Kind, mut item: Value) -> Result<Object, String> {
    if let Some(item) = item.as_object_mut() {
        item.entry("facts")
            .or_insert_with(|| json!({"clients": 0, "tenants": 0, "customers": 0, "resellers": 0}));
    }
    let raw: Raw = serde_json::from_str(&item.to_string()).unwrap();
    wire::listed(kind, &raw).map_err(|lost| lost.why)
}

#[test]
fn every_problem_of_the_contract_has_its_meaning() {
    for (status, slug, kind) in [
        (404, "not-found", ProblemKind::NotFound),
        (409, "conflict", ProblemKind::Conflict),
        (412, "precondition-failed", ProblemKind::PreconditionFailed),
        (422, "invalid", ProblemKind::Invalid),
        (400, "invalid", ProblemKind::Invalid),
        (422, "location-required", ProblemKind::LocationRequired),
        (409, "quota-parent-exceeded", ProblemKind::QuotaExceeded),
        (409, "has-dependents", ProblemKind::HasDependents),
        (409, "backup-active", ProblemKind::BackupActive),
        (403, "protected", ProblemKind::Protected),
        (403, "unsupported", ProblemKind::Unsupported),
        (501, "unsupported", ProblemKind::Unsupported),
        (
            409,
            "confirmation-required",
            ProblemKind::ConfirmationRequired,
        ),
        (418, "teapot", ProblemKind::Other),
    ] {
        assert_eq!(refusal(problem(status, slug)), kind, "{status} {slug}");
    }
    let PlatformError::Refused(told) = failure(problem(409, "conflict")) else {
        panic!()
    };
    assert_eq!(told.detail, "It is so.");
    assert_eq!(told.field.as_deref(), Some("name"));
    assert_eq!(told.remedy.as_deref(), Some("Do otherwise."));
    assert_eq!(told.conflicting_id.as_deref(), Some("7"));
}

#[test]
fn answers_that_are_no_refusals() {
    // F11, F12, F13, F16
    assert!(matches!(
        failure(problem(401, "unauthorized")),
        PlatformError::Unauthorised(_)
    ));
    assert!(matches!(
        failure(answer(401, "text/html", "<html>")),
        PlatformError::Unauthorised(_)
    ));
    assert!(matches!(
        failure(answer(403, "text/html", "<html>")),
        PlatformError::Unauthorised(_)
    ));
    assert!(matches!(
        failure(problem(429, "throttled")),
        PlatformError::Throttled { .. }
    ));
    assert!(matches!(
        failure(answer(503, "text/html", "")),
        PlatformError::Unavailable(_)
    ));
    assert!(matches!(
        failure(problem(503, "backend-unavailable")),
        PlatformError::Unavailable(_)
    ));
    // F4: whether the platform after the gateway has carried it out isn't known.
    for status in [500, 502, 504] {
        assert!(
            matches!(
                failure(answer(status, "text/html", "")),
                PlatformError::Unreachable(_)
            ),
            "{status}"
        );
        let told = failure(problem(status, "backend-unavailable"));
        assert!(matches!(told, PlatformError::Unreachable(_)), "{status}");
    }
    assert!(
        matches!(failure(answer(302, "text/html", "")), PlatformError::Garbled(text) if text.contains("redirect"))
    );
}

#[test]
fn only_the_platforms_own_word_counts_as_absence() {
    // F14, F16
    assert_eq!(refusal(problem(404, "not-found")), ProblemKind::NotFound);
    assert!(matches!(
        failure(answer(404, "text/html", "<html>not found</html>")),
        PlatformError::Garbled(_)
    ));
    let json = answer(
        404,
        "application/json",
        r#"{"type":"urn:holdfast:problem:not-found"}"#,
    );
    assert!(matches!(failure(json), PlatformError::Garbled(_)));
    assert_eq!(refusal(problem(403, "not-found")), ProblemKind::Other);
    let foreign = answer(404, "application/problem+json", r#"{"type":"about:blank"}"#);
    assert_eq!(refusal(foreign), ProblemKind::Other);
}

#[test]
fn a_platform_that_repeats_a_secret_is_not_quoted() {
    // I5
    for secret in ["t0ken", "hunter2"] {
        let body = json!({"type": "urn:holdfast:problem:invalid", "detail": format!("bad {secret}\n"), "field": secret,
            "remedy": format!("not {secret}"), "conflictingId": secret});
        let error = failure(answer(422, "application/problem+json", &body.to_string()));
        assert!(!format!("{error:?} {error}").contains(secret));
    }
    let long =
        json!({"type": "urn:holdfast:problem:invalid", "detail": "a\nb".repeat(1000)}).to_string();
    let text = failure(answer(422, "application/problem+json", &long)).to_string();
    assert!(text.chars().count() <= 500 && !text.contains('\n'));
}

#[test]
fn what_is_not_json_is_never_an_empty_list() {
    // F13
    let page = |content_type: &str, body: &str| {
        read::<Page>(OPERATION, &answer(200, content_type, body)).map(|_| ())
    };
    let good = r#"{"items":[],"next":null,"complete":true}"#;
    assert_eq!(page("application/json", good), Ok(()));
    assert_eq!(page("application/json; charset=UTF-8", good), Ok(()));
    for (content_type, body) in [
        ("text/html", good),
        ("application/json; charset=utf-16", good),
        (
            "application/json",
            r#"{"items":[{"id":"1","name":"Fabrikam"#,
        ),
        (
            "application/json",
            r#"{"error":{"message":"Fabrikam is down"}}"#,
        ),
        (
            "application/json",
            r#"{"jsonrpc":"2.0","error":{"code":-32603},"items":null,"complete":true}"#,
        ),
        ("application/json", r#"{"items":[]}"#),
        (
            "application/json",
            r#"{"items":"Fabrikam","complete":true}"#,
        ),
        ("application/json", "[]"),
        ("application/json", ""),
    ] {
        let error = page(content_type, body).unwrap_err();
        assert!(
            matches!(&error, PlatformError::Garbled(text) if text.starts_with(OPERATION)),
            "{body}: {error}"
        );
        assert!(!error.to_string().contains("Fabrikam"), "{error}");
    }
    let mut latin = answer(200, "application/json", good);
    latin.body = b"{\"items\":[{\"id\":\"1\",\"name\":\"M\xfcller\"}],\"complete\":true}".to_vec();
    assert!(read::<Page>(OPERATION, &latin).is_err());
}

fn pages(parts: &[Value]) -> Result<usize, &'static str> {
    let mut pages = Pages::new();
    for (index, part) in parts.iter().enumerate() {
        let page: Page = serde_json::from_str(&part.to_string()).unwrap();
        let next = pages.turn(&page)?;
        for item in &page.items {
            pages.note(wire::object(Kind::Customer, item).unwrap().id.to_string())?;
        }
        match next {
            None => return Ok(index + 1),
            Some(_) => assert!(index + 1 < parts.len(), "asks for more than there is"),
        }
    }
    unreachable!("the last part decides")
}

#[test]
fn a_list_is_whole_or_an_error() {
    // F14
    let item = |id: &str| json!({"id": id, "name": id});
    let more = |id: &str, next: &str| json!({"items": [item(id)], "next": next, "complete": false});
    let last = |id: &str| json!({"items": [item(id)], "next": null, "complete": true});
    assert_eq!(pages(&[more("1", "b"), more("2", "c"), last("3")]), Ok(3));
    assert!(
        pages(&[more("1", "b"), more("2", "b")])
            .unwrap_err()
            .contains("cycle")
    );
    assert!(
        pages(&[more("1", "b"), more("2", "c"), more("3", "b")])
            .unwrap_err()
            .contains("cycle")
    );
    assert!(
        pages(&[more("1", "b"), last("1")])
            .unwrap_err()
            .contains("twice")
    );
    assert!(
        pages(&[json!({"items": [item("1")], "next": null, "complete": false})])
            .unwrap_err()
            .contains("without saying")
    );
    assert!(
        pages(&[more("1", "")])
            .unwrap_err()
            .contains("without a cursor")
    );
    assert!(
        pages(&[json!({"items": [item("1")], "next": "b", "complete": true})])
            .unwrap_err()
            .contains("there is more")
    );
    let endless = (0..20_000)
        .map(|page| more(&page.to_string(), &format!("c{page}")))
        .collect::<Vec<_>>();
    assert!(pages(&endless).unwrap_err().contains("doesn't end"));
}

#[test]
fn report_rows_are_known_by_customer_and_tenant() {
    let row = |customer: &str, tenant: Option<&str>| {
        serde_json::from_value::<Consumption>(json!({"customerId": customer, "tenantId": tenant}))
            .unwrap()
            .key()
    };
    assert_ne!(row("1", None), row("1", Some("2")));
    assert_ne!(row("1", Some("2")), row("12", None));
    let client: Client =
        serde_json::from_value(json!({"id": "pc-17", "customerId": "1", "name": "x"})).unwrap();
    assert_eq!(client.key(), "pc-17");
}

#[test]
fn an_item_becomes_an_object() {
    let customer = object(
        Kind::Customer,
        json!({
            "id": "42", "name": "Fabrikam GmbH", "externalRef": "hf-abc", "etag": "7", "protection": "None",
            "createdAt": "2026-11-01T10:00:00Z", "updatedAt": "2026-11-02T10:00:00Z", "resellerId": "3", "active": false,
            "limits": {"storage": 536_870_912_000_u64, "credits": 12.5, "licences": {"mode": "Fixed", "count": 20}},
            "branding": {"logo": {"sha256": "ab12", "contentType": "image/png"}},
            "facts": {"clients": 3, "clientIds": ["a"], "tenants": 2, "trialEndsAt": null, "newFact": {"x": 1}},
            "somethingNew": [1, 2, 3],
        }),
    )
    .unwrap();
    assert_eq!(customer.id.as_str(), "42");
    assert_eq!(
        customer.claim.as_ref().map(crate::estate::Claim::as_str),
        Some("hf-abc")
    );
    assert_eq!(customer.parent().unwrap().as_str(), "3");
    assert!(!customer.active());
    assert_eq!(
        customer.settings.whole("limits.storage"),
        Some(536_870_912_000)
    );
    assert_eq!(
        customer.settings.thousandths("limits.credits"),
        Some(12_500)
    );
    assert_eq!(customer.settings.text("branding.logo"), Some("ab12"));
    assert_eq!(
        (customer.facts.clients, customer.facts.tenants),
        (Some(3), 2)
    );
}

#[test]
fn protection_that_is_not_understood_means_hands_off() {
    let protection = |word: Value| {
        object(
            Kind::Reseller,
            json!({"id": "1", "name": "x", "protection": word}),
        )
        .map(|object| object.protection)
    };
    assert_eq!(protection(json!("None")), Ok(Protection::None));
    assert_eq!(protection(json!("Sandbox")), Ok(Protection::Sandbox));
    assert_eq!(protection(json!("LegalHold")), Ok(Protection::Foreign));
    let odd = json!({"id": "1", "name": "x", "protection": true});
    let told = object(Kind::Reseller, odd).unwrap().unreadable;
    assert_eq!(told.as_deref(), Some("protection is true"));
}

#[test]
fn ids_that_would_name_the_list_are_refused() {
    for id in ["", ".", ".."] {
        assert!(object(Kind::Tenant, json!({"id": id, "name": "x"})).is_err());
    }
}

#[test]
fn what_can_not_be_read_of_an_item_is_told_and_the_rest_is_read() {
    let odd = |item: Value| object(Kind::Customer, item).unwrap();
    let customer = odd(json!({"id": "1", "name": "Fabrikam", "externalRef": "hf-1",
        "limits": {"storage": -5, "clients": 7}, "webAccess": {"username": 7}}));
    assert_eq!(customer.settings.whole("limits.clients"), Some(7));
    assert_eq!(customer.claim, Some(Claim::new("hf-1")));
    let told = customer.unreadable.unwrap();
    assert!(
        told.contains("limits.storage") && told.contains("-5"),
        "{told}"
    );
    assert!(
        told.contains("webAccess.username: it can't be read"),
        "{told}"
    );
    let nameless = odd(json!({"id": 42, "externalRef": "hf-1"}));
    assert_eq!(
        (nameless.id.as_str(), nameless.unreadable.as_deref()),
        ("42", Some("id is 42"))
    );
    assert_eq!(
        odd(json!({"id": "1"})).unreadable.as_deref(),
        Some("name is missing")
    );
    assert!(
        odd(json!({"id": "1", "name": "x", "createdAt": "9999-12-31T23:59:59Z"}))
            .unreadable
            .is_none()
    );
    for nothing in [
        json!(null),
        json!(7),
        json!({}),
        json!({"id": null}),
        json!({"error": "no session"}),
    ] {
        assert!(object(Kind::Tenant, nothing).is_err());
    }
}

fn capabilities(change: impl FnOnce(&mut Value)) -> Result<Capabilities, String> {
    let mut body = json!({
        "contractVersion": "1", "mode": "apply", "account": {"id": "9f", "name": "MSP"},
        "verbs": ["CreateCustomer", "DeleteCustomer", "ReadUsage", "Teleport"],
        "fields": {"customers": ["name", "limits.storage"]}, "units": {"storage": "bytes", "rate": "bits/s"},
        "limits": {"pageSize": 500}, "repeatableCreate": true, "defaultCustomerId": "1", "new": {},
    });
    change(&mut body);
    serde_json::from_value::<CapabilitiesBody>(body)
        .unwrap()
        .into_capabilities()
}

#[test]
fn capabilities_are_what_the_platform_takes_safely() {
    let verbs = |change: fn(&mut Value)| {
        capabilities(change)
            .unwrap()
            .verbs
            .into_iter()
            .collect::<Vec<_>>()
    };
    let all = capabilities(|_| {}).unwrap();
    assert_eq!(
        verbs(|_| {}),
        [
            Capability::CreateCustomer,
            Capability::DeleteCustomer,
            Capability::ReadUsage
        ]
    );
    assert!(
        all.takes(Kind::Customer, "limits.storage") && !all.takes(Kind::Customer, "limits.clients")
    );
    assert!(all.takes(Kind::Reseller, "anything"));
    assert!(!all.fixes(Kind::Reseller, "name"));
    let fixing = |body: &mut Value| body["fixed"] = json!({"resellers": ["name"]});
    let fixing = capabilities(fixing).unwrap();
    assert!(fixing.fixes(Kind::Reseller, "name") && !fixing.fixes(Kind::Customer, "name"));
    assert_eq!(all.default_customer.unwrap().as_str(), "1");
    for mode in ["observe", "simulate"] {
        let observed = capabilities(|body| body["mode"] = json!(mode)).unwrap();
        assert_eq!(
            observed.verbs.into_iter().collect::<Vec<_>>(),
            [Capability::ReadUsage],
            "{mode}"
        );
    }
    let unrepeatable = verbs(|body| body["repeatableCreate"] = json!(false));
    assert_eq!(
        unrepeatable,
        [Capability::DeleteCustomer, Capability::ReadUsage]
    );
    assert!(capabilities(|body| body["contractVersion"] = json!("2")).is_err());
    assert!(capabilities(|body| body["units"]["storage"] = json!("GB")).is_err());
    assert!(capabilities(|body| body["account"]["id"] = json!("")).is_err());
}

// Why an operation failed repeats no password, and nothing at all where it isn't known what the request carried.
#[test]
fn a_failed_operation_repeats_no_password() {
    let body = || {
        let text = json!({"type": "urn:holdfast:problem:invalid", "detail": "password 'hunter2' is too weak"});
        serde_json::from_value::<wire::ProblemBody>(text).unwrap()
    };
    for sent in [Some(secrets()), None] {
        let told = super::problem::failure(sent.as_ref(), &body());
        assert_eq!(told.kind, ProblemKind::Invalid);
        assert!(told.detail.contains("withheld"), "{}", told.detail);
    }
    let other = super::problem::failure(Some(&crate::wire::Secrets::default()), &body());
    assert!(other.detail.contains("too weak"), "{}", other.detail);
}

// I3: a count that is missing isn't zero: what guards a deletion must be told.
#[test]
fn an_object_without_the_counts_that_guard_its_deletion_is_changed_no_more() {
    for (facts, missing) in [
        (
            json!(null),
            "facts.clients is missing; facts.tenants is missing",
        ),
        (json!({"clients": 0}), "facts.tenants is missing"),
        (
            json!({"clients": null, "tenants": 1}),
            "facts.clients is missing",
        ),
    ] {
        let item = json!({"id": "7", "name": "Fabrikam", "facts": facts});
        let told = object(Kind::Customer, item).unwrap().unreadable;
        assert!(told.is_some_and(|told| told.contains(missing)), "{missing}");
    }
}
