//! What the API server takes and refuses, with the message that the user sees. Needs an API server: run through `make test`.

use holdfast_testkit::Cluster;

fn manifest(kind: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: holdfast.dev/v1alpha1, kind: {kind}, metadata: {{name: it}}, spec: {{{spec}}}}}"
    )
}

fn platform(spec: &str) -> String {
    manifest(
        "BackupPlatform",
        &format!("ownerId: 0123456789abcdef, {spec}"),
    )
}

fn reseller(spec: &str) -> String {
    manifest(
        "Reseller",
        &format!("platformRef: {{name: msp}}, displayName: Northwind, {spec}"),
    )
}

fn plan(spec: &str) -> String {
    manifest(
        "ServicePlan",
        &format!("platformRef: {{name: msp}}, planName: Gold, {spec}"),
    )
}

fn customer(spec: &str) -> String {
    manifest(
        "Customer",
        &format!("resellerRef: {{name: northwind}}, displayName: Fabrikam, {spec}"),
    )
}

fn tenant(spec: &str) -> String {
    manifest(
        "Tenant",
        &format!("customerRef: {{name: fabrikam}}, product: HybridWorkloads, {spec}"),
    )
}

async fn takes(manifests: &[String]) {
    let cluster = Cluster::start("takes").await;
    for manifest in manifests {
        cluster.accepts(manifest).await;
    }
}

async fn refuses(manifests: &[(String, &str)]) {
    let cluster = Cluster::start("refuses").await;
    for (manifest, part) in manifests {
        cluster.rejects(manifest, part).await;
    }
}

#[tokio::test]
async fn what_is_sensible_is_taken() {
    takes(&[
        platform("embedded: {}"),
        platform("embedded: {}, sweepInterval: 1h30m, usageInterval: 24h, safety: {maxDeletionsPerHour: 0, deletionDelay: 0s}"),
        platform("bridge: {endpoint: 'https://bridge.example/', credentialsRef: {name: bridge}}, adopt: Matching"),
        platform("bridge: {endpoint: 'http://127.0.0.1:7700/', credentialsRef: {name: bridge}}"),
        platform("druva: {credentialsRef: {name: druva}}, rateLimit: {requestsPerSecond: 5, burst: 10}"),
        platform("cove: {credentialsRef: {name: cove}, rootPartner: 'Acme MSP (ops@acme.example)'}, caBundleRef: {name: ca, key: ca.crt}"),
        reseller("parentRef: {name: nordic}, level: Reseller, allotment: {storage: 20Ti, licences: 200, clients: 500, credits: 1000}"),
        reseller("allotment: {storage: '', credits: '12.5'}, profile: {phone: '', email: ''}, contacts: []"),
        plan("products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers]}], usageReport: HalfYearly"),
        plan("serviceLevel: {recoveryPointObjective: 24h, minimumSuccessPercent: 98, restoreTestInterval: 2160h}"),
        plan("serviceLevel: {minimumSuccessPercent: '99.5'}"),
        customer("deletionPolicy: Delete, management: Observe, adopt: ById, externalId: '1042', ignore: [profile.phone]"),
        customer("active: null, limits: {storage: 500Gi, licences: {mode: Fixed, count: 20}, clients: 25, credits: 50}"),
        customer("limits: {storage: 1.5Ti, licences: {mode: Automatic}, clients: '', credits: '0.125'}"),
        customer("hideName: true, accountName: acct-4711, profile: {billing: {vatNumber: DE1}}"),
        customer("hideName: false, profile: {billing: {legalName: Fabrikam GmbH}}, branding: {companyName: Fabrikam}"),
        customer("bandwidth: {mode: Window, window: {from: '22:00', to: '06:00'}, maxRate: 20M}"),
        customer("bandwidth: {mode: Inherit}, country: 'NO', profile: {address: {text: Oslo}}"),
        customer("clients: {admission: Listed, ids: [pc-17]}, webAccess: {username: fabrikam, passwordRef: {name: s, key: password}}"),
        customer("communications: [{id: a, at: '2026-12-01T09:00:00Z', kind: Call}, {id: b, at: '2026-12-01T09:00:00.5+01:00', kind: Note}]"),
        tenant("servicePlanRef: {name: gold}, type: Commercial, state: Suspended, storageRegions: [eu-central-1]"),
        tenant("type: Sandbox, adopt: Matching, workloads: [{name: Microsoft365, users: 120, preservedUsers: 10}]"),
        tenant(
            "quota: {credits: 50, effectiveAt: '2026-01-01T00:00:00Z', endsAt: '2027-01-01T00:00:00Z'}, licenceExpiresAt: '2027-01-01T00:00:00Z'",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_fits_no_field_is_refused() {
    refuses(&[
        (customer("colour: red"), "unknown field \"spec.colour\""),
        (
            customer("profile: {adress: {text: x}}"),
            "unknown field \"spec.profile.adress\"",
        ),
        (
            manifest("Customer", "resellerRef: {name: northwind}"),
            "spec.displayName: Required value",
        ),
        (
            manifest("Tenant", "product: HybridWorkloads"),
            "spec.customerRef: Required value",
        ),
        (
            customer("stage: Testing"),
            "supported values: \"Trial\", \"Production\"",
        ),
        (
            customer("deletionPolicy: Orphan"),
            "supported values: \"Retain\", \"Delete\"",
        ),
        (
            customer("management: Off"),
            "supported values: \"Manage\", \"Observe\", \"Paused\"",
        ),
        (
            tenant("state: Stopped"),
            "supported values: \"Active\", \"Suspended\"",
        ),
        // A bare NO is false to YAML 1.1, which is what kubectl reads.
        (
            customer("country: false"),
            "spec.country in body must be of type string: \"boolean\"",
        ),
        (
            customer("country: de"),
            "spec.country in body should match '^[A-Z]{2}$'",
        ),
        (
            customer("contacts: [{email: nobody}]"),
            "spec.contacts[0].email in body should match",
        ),
        (
            customer("contacts: [{email: a@b.example}, {email: a@b.example}]"),
            "spec.contacts[1]: Duplicate value",
        ),
        (
            customer("clients: {ids: [pc-17, pc-17]}"),
            "spec.clients.ids[1]: Duplicate value",
        ),
        (
            customer("communications: [{id: a, at: tomorrow, kind: Call}]"),
            "spec.communications[0].at in body must be of type date-time",
        ),
        (
            customer("branding: {primaryColour: red}"),
            "spec.branding.primaryColour in body should match",
        ),
        (
            customer("resellerRef: {name: 'Upper Case'}"),
            "spec.resellerRef.name in body should match",
        ),
        (
            plan("products: [{product: HybridWorkloads}, {product: HybridWorkloads}]"),
            "spec.products[1]: Duplicate value",
        ),
        (
            platform("embedded: {}, sweepInterval: 30d"),
            "spec.sweepInterval in body should match",
        ),
        (
            manifest("BackupPlatform", "ownerId: short, embedded: {}"),
            "spec.ownerId in body should be at least 16 chars long",
        ),
        (
            platform("embedded: {}, rateLimit: {requestsPerSecond: 0}"),
            "spec.rateLimit.requestsPerSecond in body should be greater than or equal to 1",
        ),
        (
            platform("embedded: {}, safety: {maxDeletionsPerHour: -1}"),
            "should be greater than or equal to 0",
        ),
    ])
    .await;
}

#[tokio::test]
async fn amounts_out_of_bounds_are_refused() {
    refuses(&[
        (
            customer("limits: {storage: -1}"),
            "spec.limits.storage in body should be greater than or equal to 0",
        ),
        (
            customer("limits: {storage: -1Gi}"),
            "spec.limits.storage in body should match",
        ),
        (
            customer("limits: {storage: 500GB}"),
            "spec.limits.storage in body should match",
        ),
        (
            customer("limits: {storage: 9Pi}"),
            "not from 0 to 8P, which is what is accepted",
        ),
        (customer("limits: {credits: 12.5}"), "spec.limits.credits"),
        (
            customer("limits: {credits: '0.0001'}"),
            "spec.limits.credits in body should match",
        ),
        (
            customer("limits: {clients: '1.5'}"),
            "spec.limits.clients in body should match",
        ),
        (
            customer("limits: {licences: {mode: Fixed, count: -1}}"),
            "should be greater than or equal to 0",
        ),
        (
            plan("serviceLevel: {minimumSuccessPercent: 101}"),
            "not from 0 to 100, which is what is accepted",
        ),
        (
            plan("serviceLevel: {minimumSuccessPercent: ''}"),
            "spec.serviceLevel.minimumSuccessPercent in body should match",
        ),
        (
            plan("serviceLevel: {recoveryPointObjective: 0s}"),
            "recoveryPointObjective is out of range",
        ),
        (
            plan("serviceLevel: {restoreTestInterval: 1m}"),
            "restoreTestInterval is out of range",
        ),
        (
            platform("embedded: {}, sweepInterval: 100h"),
            "sweepInterval is out of range",
        ),
        (
            platform("embedded: {}, usageInterval: 0s"),
            "usageInterval is out of range",
        ),
        (
            platform("embedded: {}, safety: {deletionDelay: 1000h}"),
            "deletionDelay is out of range",
        ),
        (
            tenant("workloads: [{name: Microsoft365, users: -5}]"),
            "should be greater than or equal to 0",
        ),
    ])
    .await;
}

// R-D2, R-D11, R-D33, R-S5, R-V7, R-V9, R-V11
#[tokio::test]
async fn contradictions_within_a_managed_object_are_refused() {
    let both = "displayName: Fabrikam, resellerRef: {name: northwind}, platformRef: {name: msp}";
    refuses(&[
        (manifest("Customer", both), "set exactly one of resellerRef and platformRef"),
        (manifest("Customer", "displayName: Fabrikam"), "set exactly one of resellerRef and platformRef"),
        (customer("externalId: '1042'"), "externalId is set but adopt is not ById"),
        (customer("adopt: ById"), "adopt: ById needs to know which remote object to take over"),
        (customer("hideName: true"), "hideName needs an accountName"),
        (customer("hideName: true, accountName: a, profile: {billing: {legalName: Fabrikam}}"), "would tell the platform the name that hideName hides: remove legalName"),
        (customer("hideName: true, accountName: a, branding: {companyName: Fabrikam}"), "would tell the platform the name that hideName hides: remove companyName"),
        (customer("profile: {address: {text: x, city: y}}"), "an address is either one text or its parts"),
        (customer("limits: {licences: {mode: Fixed}}"), "licences.count belongs to mode: Fixed"),
        (customer("limits: {licences: {mode: Automatic, count: 3}}"), "licences.count belongs to mode: Fixed"),
        (customer("bandwidth: {mode: Window}"), "bandwidth.window belongs to mode: Window"),
        (customer("bandwidth: {mode: Always, window: {from: '08:00', to: '18:00'}}"), "bandwidth.window belongs to mode: Window"),
        (customer("bandwidth: {mode: Window, window: {from: '08:00', to: '08:00'}}"), "begins and ends at the same time"),
        (customer("bandwidth: {mode: Unlimited, maxRate: 20M}"), "maxRate has no effect with mode Inherit or Unlimited"),
        (customer("bandwidth: {mode: Always, maxRate: 0}"), "maxRate is 0, which would stop every backup"),
        (customer("webAccess: {passwordRef: {name: s, key: password}}"), "passwordRef is set without a username"),
        (plan("products: []"), "products is empty"),
        (tenant("type: Sandbox"), "a sandbox tenant is made by the platform only"),
        (tenant("storageRegions: []"), "a region can be added but never removed"),
        (tenant("quota: {effectiveAt: '2027-01-01T00:00:00Z', endsAt: '2026-01-01T00:00:00Z'}"), "quota.effectiveAt is not before quota.endsAt"),
        (tenant("quota: {endsAt: '2027-01-02T00:00:00Z'}, licenceExpiresAt: '2027-01-01T00:00:00Z'"), "quota.endsAt is after licenceExpiresAt"),
        (tenant("quota: {effectiveAt: '2027-01-01T00:00:00Z'}, licenceExpiresAt: '2027-01-01T00:00:00Z'"), "quota.effectiveAt is not before licenceExpiresAt"),
        (customer("").replace("name: it}", &format!("name: {}}}", "x".repeat(64))), "metadata.name is longer than 63 characters"),
    ])
    .await;
}

#[tokio::test]
async fn contradictions_within_a_platform_are_refused() {
    let bridge = |endpoint: &str| {
        platform(&format!(
            "bridge: {{endpoint: '{endpoint}', credentialsRef: {{name: bridge}}}}"
        ))
    };
    refuses(&[
        (
            manifest("BackupPlatform", "ownerId: 0123456789abcdef"),
            "a platform is reached by exactly one driver",
        ),
        (
            platform("embedded: {}, druva: {credentialsRef: {name: druva}}"),
            "a platform is reached by exactly one driver",
        ),
        (
            platform("embedded: {}, adopt: ById"),
            "adopt: ById names one object by its id",
        ),
        (
            bridge("http://bridge.example/"),
            "the endpoint must be an https URL",
        ),
        (
            bridge("https://user@bridge.example/"),
            "the endpoint must be an https URL",
        ),
        (
            bridge("http://localhost.example/"),
            "the endpoint must be an https URL",
        ),
    ])
    .await;
}

#[tokio::test]
async fn null_is_the_same_as_absent_and_status_begins_unseen() {
    let cluster = Cluster::start("null").await;
    let made = cluster
        .accepts(&customer(
            "active: null, limits: {storage: null, clients: 3}, platformRef: null",
        ))
        .await;
    assert_eq!(
        made["spec"],
        serde_json::json!({"resellerRef": {"name": "northwind"}, "displayName": "Fabrikam", "limits": {"clients": 3}})
    );
    assert_eq!(
        made["status"],
        serde_json::json!({"observedGeneration": -1})
    );
}
