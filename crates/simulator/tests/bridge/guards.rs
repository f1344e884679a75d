//! What the platform refuses, and what it does instead of flipping other people's switches.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Platform, id};

async fn tenant(platform: &Platform, reference: &str, customer: &Value, product: &str) -> Value {
    let body =
        json!({"customerId": id(customer), "planId": platform.plan().await, "product": product});
    platform.create("tenants", reference, body).await
}

#[tokio::test]
async fn the_country_decides_the_location() {
    // R-S1, R-S2
    let platform = Platform::start().await;
    let elsewhere = json!({"name": "A", "country": "IN"});
    platform.put("customers", "hf-1", elsewhere).await.refused(
        422,
        "location-required",
        Some("storageLocation"),
    );
    let chosen = json!({"name": "A", "country": "IN", "storageLocation": "za-1"});
    let customer = platform.create("customers", "hf-1", chosen).await;
    let moved = platform
        .patch("customers", &customer, json!({"country": "DE"}))
        .await
        .expect(200);
    assert_eq!(moved["storageLocation"], "za-1");
    let refused = platform
        .patch("customers", &moved, json!({"storageLocation": "de-1"}))
        .await;
    refused.refused(422, "invalid", Some("storageLocation"));
    let contrary = json!({"name": "B", "country": "DE", "storageLocation": "us-1"});
    platform.put("customers", "hf-2", contrary).await.refused(
        422,
        "invalid",
        Some("storageLocation"),
    );
    let unknown = json!({"name": "B", "storageLocation": "mars-1"});
    platform.put("customers", "hf-2", unknown).await.refused(
        422,
        "invalid",
        Some("storageLocation"),
    );
    let none = platform
        .create("customers", "hf-2", json!({"name": "B"}))
        .await;
    assert_eq!(none["storageLocation"], Value::Null);
    let later = platform
        .patch("customers", &none, json!({"country": "AT"}))
        .await
        .expect(200);
    assert_eq!(later["storageLocation"], "de-1");
}

#[tokio::test]
async fn what_is_fixed_stays() {
    // R-D2, R-D20, R-S1
    let platform = Platform::start().await;
    let hidden =
        json!({"name": "acct-1", "accountName": "acct-1", "hideName": true, "stage": "Production"});
    let customer = platform.create("customers", "hf-1", hidden).await;
    for (patch, field) in [
        (json!({"accountName": "acct-2"}), "accountName"),
        (json!({"hideName": null}), "hideName"),
        (json!({"stage": "Trial"}), "stage"),
        (json!({"stage": null}), "stage"),
    ] {
        platform
            .patch("customers", &customer, patch)
            .await
            .refused(422, "invalid", Some(field));
    }
    let missing = json!({"name": "A", "hideName": true});
    platform
        .put("customers", "hf-2", missing)
        .await
        .refused(422, "invalid", Some("accountName"));
    let again = json!({"name": "x", "accountName": "acct-1", "hideName": true});
    let taken = platform.put("customers", "hf-2", again).await.refused(
        409,
        "conflict",
        Some("accountName"),
    );
    assert_eq!(taken["conflictingId"], customer["id"]);
    let reseller = platform
        .create("resellers", "hf-3", json!({"name": "North"}))
        .await;
    platform
        .patch("resellers", &reseller, json!({"name": "South"}))
        .await
        .refused(422, "invalid", Some("name"));
    let tenant = tenant(&platform, "hf-4", &customer, "HybridWorkloads").await;
    platform
        .patch("tenants", &tenant, json!({"customerId": "1"}))
        .await
        .refused(422, "invalid", Some("customerId"));
    let regions = platform
        .patch(
            "tenants",
            &tenant,
            json!({"storageRegions": ["de-1", "eu-west-1"]}),
        )
        .await
        .expect(200);
    let fewer = platform
        .patch("tenants", &regions, json!({"storageRegions": ["de-1"]}))
        .await;
    fewer.refused(422, "invalid", Some("storageRegions"));
}

#[tokio::test]
async fn nothing_goes_while_something_hangs_on_it() {
    // R-D6, R-D22, R-S3, R-D31
    let platform = Platform::start().await;
    let reseller = platform
        .create(
            "resellers",
            "hf-1",
            json!({"name": "North", "level": "Distributor"}),
        )
        .await;
    let child = platform
        .create(
            "resellers",
            "hf-2",
            json!({"name": "Child", "parentId": id(&reseller)}),
        )
        .await;
    let customer = platform
        .create(
            "customers",
            "hf-3",
            json!({"name": "A", "resellerId": id(&child)}),
        )
        .await;
    let plan = platform.create("plans", "hf-4", json!({"name": "Gold", "products": [{"product": "HybridWorkloads", "workloads": ["NAS"]}]})).await;
    let body =
        json!({"customerId": id(&customer), "planId": id(&plan), "product": "HybridWorkloads"});
    let tenant = platform.create("tenants", "hf-5", body).await;
    for (kind, item) in [
        ("resellers", &reseller),
        ("resellers", &child),
        ("customers", &customer),
        ("plans", &plan),
    ] {
        platform
            .delete(kind, item)
            .await
            .refused(409, "has-dependents", None);
    }
    let narrower = json!({"products": [{"product": "SaaSAppsAndEndpoints"}]});
    platform
        .patch("plans", &plan, narrower)
        .await
        .refused(409, "has-dependents", Some("products"));
    let preview = platform
        .send(platform.request(
            Method::DELETE,
            &format!("/v1/customers/{}?dryRun=true", id(&customer)),
        ))
        .await
        .expect(200);
    assert!(
        preview["clients"]
            .as_u64()
            .is_some_and(|clients| clients >= 2)
            && preview["bytes"].as_u64().is_some_and(|bytes| bytes > 0)
    );
    assert_eq!(
        preview["refused"][0]["type"],
        "urn:holdfast:problem:has-dependents"
    );
    for (kind, item) in [
        ("tenants", &tenant),
        ("customers", &customer),
        ("plans", &plan),
        ("resellers", &child),
        ("resellers", &reseller),
    ] {
        platform.delete(kind, item).await.expect(204);
        platform
            .get(&format!("/v1/{kind}/{}", id(item)))
            .await
            .refused(404, "not-found", None);
    }
    assert_eq!(
        platform
            .all("clients", 500)
            .await
            .iter()
            .filter(|client| client["tenantId"] == tenant["id"])
            .count(),
        0
    );
}

#[tokio::test]
async fn a_deletion_is_confirmed_with_what_was_shown() {
    // R-N7
    let platform = Platform::start().await;
    let customer = platform
        .create("customers", "hf-1", json!({"name": "A"}))
        .await;
    let path = format!("/v1/customers/{}", id(&customer));
    let remove =
        |query: String| platform.send(platform.request(Method::DELETE, &format!("{path}?{query}")));
    remove("mode=purge".into())
        .await
        .refused(409, "confirmation-required", Some("confirm"));
    let preview = remove("mode=retain&dryRun=true".into()).await.expect(200);
    let confirm = preview["confirm"].as_str().expect("a confirmation");
    remove(format!("mode=purge&confirm={confirm}"))
        .await
        .refused(409, "confirmation-required", Some("confirm"));
    platform
        .patch("customers", &customer, json!({"profile": {"phone": "1"}}))
        .await
        .expect(200);
    remove(format!("mode=retain&confirm={confirm}"))
        .await
        .refused(409, "confirmation-required", Some("confirm"));
    remove("force=true".into())
        .await
        .refused(403, "unsupported", Some("force"));
    let preview = remove("mode=retain&dryRun=true".into()).await.expect(200);
    remove(format!(
        "mode=retain&confirm={}",
        preview["confirm"].as_str().expect("a confirmation")
    ))
    .await
    .expect(204);
    remove("mode=purge".into())
        .await
        .refused(404, "not-found", None);
}

#[tokio::test]
async fn the_console_may_force_but_not_break_the_platform() {
    // F19
    let platform = Platform::start().await;
    let customer = platform
        .create("customers", "hf-1", json!({"name": "A"}))
        .await;
    tenant(&platform, "hf-2", &customer, "HybridWorkloads").await;
    let path = format!("/v1/customers/{}", id(&customer));
    platform
        .console(Method::DELETE, &path, None)
        .await
        .refused(409, "has-dependents", None);
    platform
        .console(Method::DELETE, &format!("{path}?force=true"), None)
        .await
        .expect(204);
    platform
        .get("/v1/tenants/by-ref/hf-2")
        .await
        .refused(404, "not-found", None);
    platform
        .console(Method::DELETE, "/v1/customers/1?force=true", None)
        .await
        .refused(403, "protected", None);
}

#[tokio::test]
async fn the_sandbox_and_the_defaults_are_kept() {
    // R-D11, R-D12, R-D13, R-V4
    let platform = Platform::start().await;
    let sandbox = platform.protected("customers", "Sandbox").await;
    let product = platform.protected("tenants", "Sandbox").await;
    platform
        .delete("customers", &sandbox)
        .await
        .refused(403, "protected", None);
    platform
        .delete("tenants", &product)
        .await
        .refused(403, "protected", None);
    platform
        .act("tenants", &product, "deactivate")
        .await
        .refused(403, "protected", Some("active"));
    platform
        .act("tenants", &product, "activate")
        .await
        .expect(200);
    platform
        .patch("tenants", &product, json!({"type": "Commercial"}))
        .await
        .refused(403, "protected", Some("type"));
    platform
        .patch("customers", &sandbox, json!({"name": "Sandpit"}))
        .await
        .refused(403, "protected", Some("name"));
    let allowed = json!({"quota": {"credits": 20, "endsAt": "2027-01-01T00:00:00Z"}, "storageRegions": ["eu-central-1", "us-east-1"]});
    platform
        .patch("tenants", &product, allowed)
        .await
        .expect(200);
    let default = platform.protected("customers", "Default").await;
    platform
        .act("customers", &default, "deactivate")
        .await
        .refused(403, "protected", Some("active"));
    platform
        .patch(
            "customers",
            &default,
            json!({"profile": {"notes": "takes the rest"}}),
        )
        .await
        .expect(200);
    let plan = platform.protected("plans", "Default").await;
    platform
        .delete("plans", &plan)
        .await
        .refused(403, "protected", None);
    let body = |customer: &Value, kind: &str| json!({"customerId": id(customer), "planId": id(&plan), "product": "HybridWorkloads", "type": kind});
    platform
        .put("tenants", "hf-1", body(&default, "Sandbox"))
        .await
        .refused(422, "invalid", Some("type"));
    platform
        .put("tenants", "hf-1", body(&sandbox, "Sandbox"))
        .await
        .refused(409, "conflict", Some("product"));
}

#[tokio::test]
async fn no_more_is_promised_than_there_is() {
    // R-V3, R-V6, R-V7, R-V20, R-N6
    let platform = Platform::start().await;
    let allotment = json!({"storage": 1000, "licences": 10, "clients": 10, "credits": 5.5});
    let top = platform
        .create(
            "resellers",
            "hf-1",
            json!({"name": "Top", "level": "Distributor", "allotment": allotment}),
        )
        .await;
    let middle = platform
        .create(
            "resellers",
            "hf-2",
            json!({"name": "Middle", "parentId": id(&top)}),
        )
        .await;
    let customer =
        |limits: Value| json!({"name": "A", "resellerId": id(&middle), "limits": limits});
    for (limits, field) in [
        (json!({"storage": 1001}), "limits.storage"),
        (
            json!({"licences": {"mode": "Fixed", "count": 11}}),
            "limits.licences.count",
        ),
        (json!({"clients": 11}), "limits.clients"),
        (json!({"credits": 5.501}), "limits.credits"),
    ] {
        platform
            .put("customers", "hf-3", customer(limits))
            .await
            .refused(409, "quota-parent-exceeded", Some(field));
    }
    platform
        .create(
            "customers",
            "hf-3",
            customer(json!({"storage": 600, "licences": {"mode": "Automatic"}})),
        )
        .await;
    let second = platform
        .create(
            "customers",
            "hf-4",
            json!({"name": "B", "resellerId": id(&top), "limits": {"storage": 400}}),
        )
        .await;
    let more = platform
        .patch("customers", &second, json!({"limits": {"storage": 401}}))
        .await;
    more.refused(409, "quota-parent-exceeded", Some("limits.storage"));
    let smaller = platform
        .patch("resellers", &top, json!({"allotment": {"storage": 999}}))
        .await;
    smaller.refused(409, "quota-parent-exceeded", Some("allotment.storage"));
    let outside = platform.create("customers", "hf-5", json!({"name": "C", "limits": {"storage": 1, "licences": {"mode": "Fixed", "count": 500}}})).await;
    let moved = platform
        .patch("customers", &outside, json!({"resellerId": id(&middle)}))
        .await;
    moved.refused(409, "quota-parent-exceeded", Some("limits.storage"));
    let pool = platform.get("/v1/pool").await.expect(200);
    assert_eq!(pool["licences"]["free"], 0);
    let beyond = json!({"name": "D", "limits": {"licences": {"mode": "Fixed", "count": 1}}});
    platform.put("customers", "hf-6", beyond).await.refused(
        409,
        "quota-parent-exceeded",
        Some("limits.licences.count"),
    );
}

#[tokio::test]
async fn concurrent_claims_never_exceed_the_allotment() {
    // R-V20, R-N6
    let platform = Platform::start().await;
    let reseller = platform
        .create(
            "resellers",
            "hf-r",
            json!({"name": "R", "allotment": {"storage": 1000}}),
        )
        .await;
    let claims = (0..20).map(|number| {
        let body = json!({"name": format!("C{number}"), "resellerId": id(&reseller), "limits": {"storage": 300}});
        let platform = &platform;
        async move { platform.put("customers", &format!("hf-{number}"), body).await.status.as_u16() }
    });
    let statuses = futures::future::join_all(claims).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3);
}

#[tokio::test]
async fn tenants_fit_plan_customer_and_quota() {
    // R-D30, R-D32, R-D33
    let platform = Platform::start().await;
    let customer = platform
        .create(
            "customers",
            "hf-1",
            json!({"name": "A", "limits": {"credits": 10}}),
        )
        .await;
    let plan = platform.plan().await;
    let body = |extra: Value| {
        let mut body =
            json!({"customerId": id(&customer), "planId": plan, "product": "HybridWorkloads"});
        body.as_object_mut()
            .expect("an object")
            .extend(extra.as_object().expect("an object").clone());
        body
    };
    for (extra, slug, field) in [
        (
            json!({"workloads": [{"name": "Quantum"}]}),
            "invalid",
            "workloads",
        ),
        (json!({"planId": "999"}), "invalid", "planId"),
        (json!({"customerId": "999"}), "invalid", "customerId"),
        (
            json!({"storageRegions": ["mars"]}),
            "invalid",
            "storageRegions",
        ),
        (
            json!({"quota": {"effectiveAt": "2027-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}}),
            "invalid",
            "quota.endsAt",
        ),
    ] {
        platform
            .put("tenants", "hf-2", body(extra))
            .await
            .refused(422, slug, Some(field));
    }
    let over = platform
        .put("tenants", "hf-2", body(json!({"quota": {"credits": 11}})))
        .await;
    over.refused(409, "quota-parent-exceeded", Some("quota.credits"));
    let tenant = platform
        .create("tenants", "hf-2", body(json!({"quota": {"credits": 6}})))
        .await;
    assert_eq!(
        (&tenant["name"], &tenant["type"]),
        (&json!("A / HybridWorkloads"), &json!("Evaluation"))
    );
    assert_eq!(
        tenant["facts"],
        json!({"edition": "Enterprise", "phase": "Active", "effectiveActive": true})
    );
    let twice = platform
        .put("tenants", "hf-3", body(json!({})))
        .await
        .refused(409, "conflict", Some("product"));
    assert_eq!(twice["conflictingId"], tenant["id"]);
    let both = body(json!({"product": "SaaSAppsAndEndpoints", "quota": {"credits": 5}}));
    platform.put("tenants", "hf-3", both).await.refused(
        409,
        "quota-parent-exceeded",
        Some("quota.credits"),
    );
    let lower = platform
        .patch("customers", &customer, json!({"limits": {"credits": 5}}))
        .await;
    lower.refused(422, "invalid", Some("limits.credits"));
    let renamed = platform
        .patch("customers", &customer, json!({"name": "B"}))
        .await
        .expect(200);
    assert_eq!(renamed["facts"]["tenants"], 1);
    assert_eq!(
        platform.get("/v1/tenants/by-ref/hf-2").await.expect(200)["name"],
        "B / HybridWorkloads"
    );
}

#[tokio::test]
async fn a_limit_below_what_is_used_is_refused() {
    // R-V3, R-V6, F27
    let platform = Platform::start().await;
    let customer = platform
        .create(
            "customers",
            "hf-1",
            json!({"name": "A", "limits": {"storage": 1_u64 << 40, "clients": 50}}),
        )
        .await;
    tenant(&platform, "hf-2", &customer, "HybridWorkloads").await;
    for (limits, field) in [
        (json!({"storage": 1}), "limits.storage"),
        (json!({"clients": 1}), "limits.clients"),
        (
            json!({"licences": {"mode": "Fixed", "count": 1}}),
            "limits.licences.count",
        ),
    ] {
        platform
            .patch("customers", &customer, json!({"limits": limits}))
            .await
            .refused(422, "invalid", Some(field));
    }
}

#[tokio::test]
async fn levels_and_service_types_fall_on_the_way_down() {
    // R-S4, R-S20, R-V8
    let platform = Platform::start().await;
    let body =
        json!({"name": "Top", "level": "Distributor", "childServiceTypes": ["SoftwareOnly"]});
    let top = platform.create("resellers", "hf-1", body).await;
    let under = |name: &str, level: &str, parent: &Value| json!({"name": name, "level": level, "parentId": id(parent)});
    let middle = platform
        .create("resellers", "hf-2", under("Middle", "SubDistributor", &top))
        .await;
    let low = platform
        .create("resellers", "hf-3", under("Low", "Reseller", &middle))
        .await;
    platform
        .put("resellers", "hf-4", under("Odd", "Reseller", &low))
        .await
        .refused(422, "invalid", Some("parentId"));
    platform
        .patch("resellers", &top, json!({"parentId": id(&low)}))
        .await
        .refused(422, "invalid", Some("parentId"));
    platform
        .patch("resellers", &middle, json!({"level": "Reseller"}))
        .await
        .refused(422, "invalid", Some("level"));
    platform
        .patch("resellers", &low, json!({"parentId": "999"}))
        .await
        .refused(422, "invalid", Some("parentId"));
    let all = json!({"name": "A", "resellerId": id(&top), "serviceType": "AllInclusive"});
    platform
        .put("customers", "hf-5", all)
        .await
        .refused(422, "invalid", Some("serviceType"));
    let customer = platform
        .create(
            "customers",
            "hf-5",
            json!({"name": "A", "resellerId": id(&low)}),
        )
        .await;
    let product = tenant(&platform, "hf-6", &customer, "HybridWorkloads").await;
    platform
        .act("resellers", &top, "deactivate")
        .await
        .expect(200);
    let stopped = platform
        .get(&format!("/v1/customers/{}", id(&customer)))
        .await
        .expect(200);
    assert_eq!(
        (&stopped["active"], &stopped["facts"]["effectiveActive"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(stopped["etag"], customer["etag"]);
    let product = platform
        .get(&format!("/v1/tenants/{}", id(&product)))
        .await
        .expect(200);
    assert_eq!(
        (&product["active"], &product["facts"]["phase"]),
        (&json!(true), &json!("Stopped"))
    );
    platform
        .act("resellers", &top, "activate")
        .await
        .expect(200);
    let back = platform
        .act("tenants", &product, "deactivate")
        .await
        .expect(200);
    assert_eq!(back["facts"]["phase"], "Suspended");
}

#[tokio::test]
async fn a_client_moves_once_and_within_the_limits() {
    // R-V4, R-V5, R-V6
    let platform = Platform::start().await;
    let customer = platform
        .create(
            "customers",
            "hf-1",
            json!({"name": "A", "limits": {"clients": 1}}),
        )
        .await;
    let client = platform.get("/v1/clients/pc-17").await.expect(200);
    let moved = platform
        .patch("clients", &client, json!({"customerId": id(&customer)}))
        .await
        .expect(200);
    assert_eq!(moved["customerId"], customer["id"]);
    let again = platform
        .patch("clients", &moved, json!({"customerId": id(&customer)}))
        .await
        .expect(200);
    assert_eq!(again["etag"], moved["etag"]);
    let other = platform.get("/v1/clients/pc-18").await.expect(200);
    let full = platform
        .patch("clients", &other, json!({"customerId": id(&customer)}))
        .await;
    full.refused(409, "quota-parent-exceeded", Some("limits.clients"));
    platform
        .patch("clients", &other, json!({"name": "x"}))
        .await
        .refused(422, "invalid", Some("name"));
    platform
        .patch("clients", &other, json!({"customerId": "999"}))
        .await
        .refused(422, "invalid", Some("customerId"));
    let sandbox = platform.protected("customers", "Sandbox").await;
    platform
        .patch("clients", &other, json!({"customerId": id(&sandbox)}))
        .await
        .refused(403, "protected", Some("customerId"));
    let facts = platform
        .get(&format!("/v1/customers/{}", id(&customer)))
        .await
        .expect(200)["facts"]
        .clone();
    assert_eq!(
        (&facts["clients"], &facts["clientIds"]),
        (&json!(1), &json!(["pc-17"]))
    );
}

#[tokio::test]
async fn the_welcome_mail_goes_out_once() {
    // R-V12
    let platform = Platform::start().await;
    let customer = platform
        .create("customers", "hf-1", json!({"name": "A"}))
        .await;
    let sent = platform
        .act("customers", &customer, "send-welcome-mail")
        .await
        .expect(200);
    platform.clock.advance(jiff::SignedDuration::from_hours(1));
    let again = platform
        .act("customers", &customer, "send-welcome-mail")
        .await
        .expect(200);
    assert_eq!(sent["facts"]["welcomeMailSentAt"], "2026-11-22T12:00:00Z");
    assert_eq!(sent, again);
}
