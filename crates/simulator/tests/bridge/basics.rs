//! Discovery, items, safe creation, conditional change, pages, trail.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Platform, id, merge_patch};

#[tokio::test]
async fn a_fresh_estate_has_what_every_estate_starts_with() {
    // R-D11, R-V4, R-S8, R-V7, R-D41
    let platform = Platform::start().await;
    let capabilities = platform.get("/v1/capabilities").await.expect(200);
    assert_eq!(
        capabilities["account"]["name"],
        "Embedded platform backup/msp"
    );
    assert_eq!(capabilities["defaultCustomerId"], "1");
    let customer = platform.get("/v1/customers/1").await.expect(200);
    assert_eq!(
        (&customer["name"], &customer["protection"]),
        (&json!("Default Customer"), &json!("Default"))
    );
    assert!(
        customer["facts"]["clientIds"]
            .as_array()
            .expect("ids")
            .contains(&json!("pc-17"))
    );
    let sandbox = platform.protected("customers", "Sandbox").await;
    let tenants = platform
        .get(&format!("/v1/tenants?customerId={}", id(&sandbox)))
        .await
        .expect(200);
    assert_eq!(tenants["items"].as_array().map(Vec::len), Some(2));
    assert!(
        tenants["items"]
            .as_array()
            .expect("items")
            .iter()
            .all(|tenant| tenant["type"] == "Sandbox")
    );
    let locations = platform.all("locations", 5).await;
    let hosted: Vec<&str> = locations
        .iter()
        .flat_map(|location| location["countries"].as_array().expect("countries"))
        .filter_map(Value::as_str)
        .collect();
    for country in [
        "US", "BR", "CA", "AU", "GB", "DE", "NL", "CH", "FR", "IT", "NO", "ZA",
    ] {
        assert!(hosted.contains(&country), "{country}");
    }
    assert_eq!(platform.all("administrators", 100).await.len(), 2);
    let pool = platform.get("/v1/pool").await.expect(200);
    assert_eq!(pool["licences"], json!({"total": 500, "free": 500}));
}

#[tokio::test]
async fn creation_by_reference_happens_at_most_once() {
    // R-N9, F2, F3
    let platform = Platform::start().await;
    let body =
        json!({"name": "Fabrikam GmbH", "country": "DE", "limits": {"storage": 1_u64 << 40}});
    let created = platform.create("customers", "hf-1", body.clone()).await;
    assert_eq!(created["storageLocation"], "de-1");
    assert_eq!(created["active"], true);
    platform
        .put("customers", "hf-1", body.clone())
        .await
        .refused(412, "precondition-failed", None);
    let again = platform
        .send(
            platform
                .request(Method::PUT, "/v1/customers/by-ref/hf-1")
                .json(&body),
        )
        .await
        .expect(200);
    assert_eq!(again, created);
    let other = json!({"name": "Fabrikam AG"});
    let differs = platform
        .send(
            platform
                .request(Method::PUT, "/v1/customers/by-ref/hf-1")
                .json(&other),
        )
        .await;
    differs.refused(409, "conflict", Some("externalRef"));
    let taken =
        platform
            .put("customers", "hf-2", body)
            .await
            .refused(409, "conflict", Some("name"));
    assert_eq!(taken["conflictingId"], created["id"]);
    assert_eq!(
        platform.get("/v1/customers/by-ref/hf-1").await.expect(200),
        created
    );
    platform
        .get("/v1/customers/by-ref/hf-2")
        .await
        .refused(404, "not-found", None);
    let found = platform
        .get("/v1/customers?externalRef=hf-1")
        .await
        .expect(200);
    assert_eq!(found["items"], json!([created]));
}

#[tokio::test]
async fn forty_creations_at_once_make_forty_items_and_one_of_a_name() {
    let platform = Platform::start().await;
    let creations = (0..40).map(|number| {
        let name = if number < 20 {
            format!("Customer {number}")
        } else {
            "The same".to_owned()
        };
        let platform = &platform;
        async move {
            platform
                .put("customers", &format!("hf-{number}"), json!({"name": name}))
                .await
                .status
                .as_u16()
        }
    });
    let statuses = futures::future::join_all(creations).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 21);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 19);
}

#[tokio::test]
async fn a_change_needs_the_current_etag() {
    // F6, F20
    let platform = Platform::start().await;
    let customer = platform
        .create(
            "customers",
            "hf-1",
            json!({"name": "Fabrikam", "profile": {"phone": "1", "fax": "2"}}),
        )
        .await;
    let changed = platform
        .patch(
            "customers",
            &customer,
            json!({"profile": {"phone": "3", "fax": null}}),
        )
        .await;
    assert_eq!(
        changed.headers["etag"].to_str().ok(),
        changed.body["etag"]
            .as_str()
            .map(|etag| format!("\"{etag}\""))
            .as_deref()
    );
    let changed = changed.expect(200);
    assert_eq!(changed["profile"], json!({"phone": "3"}));
    assert_ne!(changed["etag"], customer["etag"]);
    platform
        .patch("customers", &customer, json!({"country": "DE"}))
        .await
        .refused(412, "precondition-failed", None);
    let path = format!("/v1/customers/{}", id(&customer));
    let without = merge_patch(
        platform.request(Method::PATCH, &path),
        &json!({"country": "DE"}),
    );
    platform
        .send(without)
        .await
        .refused(412, "precondition-failed", None);
    let console = platform
        .console(
            Method::PATCH,
            &path,
            Some(json!({"contacts": [{"email": "a@b.example"}]})),
        )
        .await
        .expect(200);
    let same = platform
        .patch("customers", &console, json!({"profile": {"phone": "3"}}))
        .await
        .expect(200);
    assert_eq!(same["etag"], console["etag"]);
}

#[tokio::test]
async fn a_mark_is_set_once() {
    // R-N11
    let platform = Platform::start().await;
    let sandbox = platform.protected("customers", "Sandbox").await;
    let marked = platform
        .patch("customers", &sandbox, json!({"externalRef": "hf-1"}))
        .await
        .expect(200);
    assert_eq!(marked["externalRef"], "hf-1");
    platform
        .patch("customers", &marked, json!({"externalRef": "hf-2"}))
        .await
        .refused(422, "invalid", Some("externalRef"));
    platform
        .patch("customers", &marked, json!({"externalRef": null}))
        .await
        .refused(422, "invalid", Some("externalRef"));
    let other = platform
        .create("customers", "hf-3", json!({"name": "Other"}))
        .await;
    let path = format!("/v1/customers/{}", id(&other));
    platform
        .console(Method::PATCH, &path, Some(json!({"externalRef": "hf-1"})))
        .await
        .refused(409, "conflict", Some("externalRef"));
    let cleared = platform
        .console(Method::PATCH, &path, Some(json!({"externalRef": null})))
        .await
        .expect(200);
    assert_eq!(cleared["externalRef"], Value::Null);
}

#[tokio::test]
async fn unknown_and_wrong_members_are_refused_by_their_path() {
    let platform = Platform::start().await;
    platform
        .put("customers", "hf-1", json!({"name": "A", "colour": 1}))
        .await
        .refused(422, "invalid", Some("colour"));
    platform
        .put(
            "customers",
            "hf-1",
            json!({"name": "A", "limits": {"storage": "1Gi"}}),
        )
        .await
        .refused(422, "invalid", Some("limits.storage"));
    platform
        .put("customers", "hf-1", json!({"name": ""}))
        .await
        .refused(422, "invalid", Some("name"));
    let plan = platform.protected("plans", "Default").await;
    platform
        .patch("plans", &plan, json!({"default": false}))
        .await
        .refused(422, "invalid", Some("default"));
    let broken = platform
        .request(Method::PUT, "/v1/customers/by-ref/hf-1")
        .body("{\"name\": ");
    platform.send(broken).await.refused(400, "invalid", None);
    platform
        .get("/v1/customers?colour=1")
        .await
        .refused(400, "invalid", None);
    platform
        .get("/v1/customers?cursor=x")
        .await
        .refused(400, "invalid", Some("cursor"));
    platform
        .get("/v1/customers?limit=501")
        .await
        .refused(400, "invalid", Some("limit"));
    platform
        .get("/v1/customers?customerId=1")
        .await
        .refused(400, "invalid", Some("customerId"));
    platform
        .get("/v1/frogs")
        .await
        .refused(404, "not-found", None);
    platform
        .put("locations", "hf-1", json!({"name": "A"}))
        .await
        .refused(501, "unsupported", None);
}

#[tokio::test]
async fn pages_neither_repeat_nor_hide_what_is_inserted_between_them() {
    // F15
    let platform = Platform::start().await;
    for number in 0..7 {
        platform
            .create(
                "customers",
                &format!("hf-{number}"),
                json!({"name": format!("C{number}")}),
            )
            .await;
    }
    let first = platform.get("/v1/customers?limit=4").await.expect(200);
    assert_eq!(first["complete"], false);
    platform
        .create("customers", "hf-late", json!({"name": "AAA"}))
        .await;
    let gone = platform.get("/v1/customers/by-ref/hf-0").await.expect(200);
    platform.delete("customers", &gone).await.expect(204);
    let rest = platform
        .get(&format!(
            "/v1/customers?limit=500&cursor={}",
            first["next"].as_str().expect("a cursor")
        ))
        .await
        .expect(200);
    assert_eq!(
        (&rest["complete"], &rest["next"]),
        (&json!(true), &Value::Null)
    );
    let ids = |page: &Value| {
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| id(item).to_owned())
            .collect::<Vec<_>>()
    };
    let mut seen = ids(&first);
    seen.extend(ids(&rest));
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len());
    assert_eq!(seen.len(), 2 + 7 + 1);
}

#[tokio::test]
async fn the_token_is_needed() {
    // F16
    let platform = Platform::start().await;
    let url = format!("{}/v1/customers", platform.access.url);
    for request in [
        platform.client.get(&url),
        platform.client.get(&url).bearer_auth("wrong"),
    ] {
        platform
            .send(request)
            .await
            .refused(401, "unauthorized", None);
    }
    let elsewhere = format!(
        "http://{}/estates/backup/other/v1/customers",
        platform.host.address()
    );
    let answer = platform
        .client
        .get(elsewhere)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
}

#[tokio::test]
async fn every_change_that_was_asked_for_is_in_the_trail_without_values() {
    // R-N13, R-V11
    let platform = Platform::start().await;
    let body = json!({"name": "Fabrikam", "webAccess": {"username": "fab", "password": "hunter2", "passwordTag": "t1"}});
    let customer = platform.create("customers", "hf-1", body).await;
    assert_eq!(
        customer["webAccess"],
        json!({"username": "fab", "passwordTag": "t1"})
    );
    assert_eq!(customer["facts"]["webAccessPasswordSet"], true);
    platform
        .patch(
            "customers",
            &customer,
            json!({"stage": "Bogus", "webAccess": {"password": "hunter3"}}),
        )
        .await
        .refused(422, "invalid", Some("stage"));
    platform
        .console(
            Method::PATCH,
            &format!("/v1/customers/{}", id(&customer)),
            Some(json!({"profile": {"phone": "hunter4"}})),
        )
        .await
        .expect(200);
    platform.delete("customers", &customer).await.expect(204);
    let trail = platform.trail().await;
    let lines: Vec<_> = trail
        .iter()
        .map(|line| {
            (
                line["method"].as_str().unwrap_or_default(),
                line["outcome"].as_str().unwrap_or_default(),
                line["status"].as_u64().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("PUT", "accepted", 201),
            ("PATCH", "refused", 422),
            ("PATCH", "accepted", 200),
            ("DELETE", "accepted", 204)
        ]
    );
    assert_eq!(
        trail[0]["fields"],
        json!([
            "name",
            "webAccess.password",
            "webAccess.passwordTag",
            "webAccess.username"
        ])
    );
    assert_eq!(
        (&trail[2]["actor"], &trail[0]["actor"]),
        (&json!("console"), &json!("api"))
    );
    assert_eq!(trail[0]["path"], "/v1/customers/by-ref/hf-1");
    assert!(trail.iter().all(|line| line["externalRef"] == "hf-1"));
    let after = platform.get("/v1/audit?after=2&limit=1").await.expect(200);
    assert_eq!(
        (&after["items"], &after["next"], &after["complete"]),
        (&json!([trail[2]]), &json!(3), &json!(false))
    );
    let files = std::fs::read_dir(platform.directory.path().join("estates/backup")).expect("files");
    for file in files {
        let bytes = std::fs::read(file.expect("a file").path()).expect("readable");
        assert!(
            !String::from_utf8_lossy(&bytes).contains("hunter2"),
            "the password is on disk"
        );
    }
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let platform = Platform::start().await;
    platform.get("/v1/customers").await.expect(200);
    platform.get("/v1/customers?limit=1").await.expect(200);
    let customer = platform
        .create("customers", "hf-1", json!({"name": "A"}))
        .await;
    platform
        .act("customers", &customer, "deactivate")
        .await
        .expect(200);
    let statistics = platform.get("/v1/stats").await.expect(200);
    assert_eq!(
        statistics["requests"],
        json!({
            "GET /v1/customers": 2,
            "GET /v1/stats": 1,
            "POST /v1/customers/{id}:deactivate": 1,
            "PUT /v1/customers/by-ref/{externalRef}": 1,
        })
    );
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    // R-N9
    let platform = Platform::start().await;
    let account = platform.get("/v1/capabilities").await.expect(200)["account"].clone();
    platform
        .create(
            "customers",
            "hf-1",
            json!({"name": "Fabrikam", "country": "AT"}),
        )
        .await;
    let customers = platform.all("customers", 100).await;
    let (trail, token) = (platform.trail().await, platform.access.token.clone());
    let platform = platform.restart().await;
    assert_eq!(platform.all("customers", 100).await, customers);
    assert_eq!(platform.trail().await, trail);
    assert_eq!(
        platform.get("/v1/capabilities").await.expect(200)["account"],
        account
    );
    assert_eq!(
        secrecy::ExposeSecret::expose_secret(&platform.access.token),
        secrecy::ExposeSecret::expose_secret(&token)
    );
    let metadata = std::fs::metadata(platform.directory.path().join("token")).expect("a token");
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
        0o600
    );
}

#[tokio::test]
async fn estates_of_one_host_know_nothing_of_each_other() {
    // F17
    let platform = Platform::start().await;
    platform
        .create("customers", "hf-1", json!({"name": "Fabrikam"}))
        .await;
    let other = platform
        .host
        .estate("backup", "second")
        .await
        .expect("opens");
    let read = |path: &str| {
        platform
            .client
            .get(format!("{}{path}", other.url))
            .bearer_auth(secrecy::ExposeSecret::expose_secret(&other.token))
            .send()
    };
    let customers: Value = serde_json::from_str(
        &read("/v1/customers")
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text"),
    )
    .expect("JSON");
    assert_eq!(customers["items"].as_array().map(Vec::len), Some(2));
    let account: Value = serde_json::from_str(
        &read("/v1/capabilities")
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text"),
    )
    .expect("JSON");
    assert_ne!(
        account["account"]["id"],
        platform.get("/v1/capabilities").await.expect(200)["account"]["id"]
    );
    assert!(platform.host.estate("backup", "../up").await.is_err());
}
