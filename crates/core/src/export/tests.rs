//! Bytes and names of an export.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Names;
use crate::{
    api::{Kind, yaml},
    estate::{Facts, Object, ObjectId, Protection, Settings},
};

/// R-N4
#[test]
fn every_string_is_quoted_and_comes_back_as_it_was() {
    let document = json!({
        "country": "NO",
        "id": "1042",
        "list": ["yes", {"deep": {"er": "1e3", "empty": {}, "none": []}}, [1, "a\nb"]],
        "y": "~",
        "number": 7,
        "flag": false,
        "odd key:": "\u{2028}\"quotes\" # no comment",
    });
    let text = yaml(&document);
    assert!(
        text.contains("country: \"NO\"") && text.contains("\"y\": \"~\""),
        "{text}"
    );
    let read: Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(read, document, "{text}");
}

fn object(kind: Kind, id: &str, name: &str) -> Object {
    Object {
        kind,
        id: ObjectId::new(id),
        name: name.to_owned(),
        claim: None,
        etag: None,
        protection: Protection::None,
        created_at: None,
        unreadable: None,
        settings: Settings::default(),
        facts: Facts::default(),
    }
}

/// R-N4: one file must not overwrite another.
#[test]
fn a_name_with_an_id_is_nobody_elses_either() {
    let customers = |all: &[(&str, &str)]| {
        let object = |(id, name): &(&str, &str)| object(Kind::Customer, id, name);
        all.iter().map(object).collect::<Vec<_>>()
    };
    let long = "i".repeat(100);
    let named = |all: &[Object]| {
        let all: Vec<&Object> = all.iter().collect();
        let held = BTreeMap::from([((Kind::Customer, ObjectId::new("gone")), "held-7".to_owned())]);
        let names = Names::new(&all, held);
        let of = |object: &&Object| names.of(Kind::Customer, &object.id);
        all.iter().map(of).collect::<Vec<_>>()
    };
    let all = customers(&[("2", "Fabrikam"), ("3", "FABRIKAM."), ("9", "Fabrikam 2")]);
    assert_eq!(named(&all), ["fabrikam-2-2", "fabrikam-3", "fabrikam-2-9"]);
    for odd in [
        customers(&[("7", "held"), ("8", "Held")]),
        customers(&[("x", "same"), ("X", "same"), ("x.", "same")]),
        customers(&[("2-9", "a"), ("1", "a"), ("9", "a 2"), ("8", "a 2")]),
        customers(&[(&long, "a"), (&format!("{long}i"), "a"), ("1", "a")]),
    ] {
        let names = named(&odd);
        let mut different = names.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), names.len(), "{names:?}");
        assert!(!names.contains(&"held-7".to_owned()), "{names:?}");
        let fits = |name: &String| name.len() <= 63 && !name.starts_with('-');
        assert!(names.iter().all(fits), "{names:?}");
    }
}

/// R-N4
#[test]
fn names_fit_kubernetes_and_no_two_are_the_same() {
    let objects = [
        object(Kind::Customer, "1", "Müller & Söhne GmbH"),
        object(Kind::Customer, "2", "Fabrikam"),
        object(Kind::Customer, "3", "FABRIKAM."),
        object(Kind::Customer, "4", "東京"),
        object(Kind::Customer, "5", &"long ".repeat(40)),
        object(Kind::Customer, "6", "Held"),
    ];
    let objects: Vec<&Object> = objects.iter().collect();
    let held = BTreeMap::from([(
        (Kind::Customer, ObjectId::new("6")),
        "its-own-name".to_owned(),
    )]);
    let names = Names::new(&objects, held);
    let of = |id: &str| names.of(Kind::Customer, &ObjectId::new(id));
    assert_eq!(of("1"), "muller-sohne-gmbh");
    assert_eq!(
        (of("2"), of("3")),
        ("fabrikam-2".into(), "fabrikam-3".into())
    );
    assert_eq!(of("4"), "unnamed");
    assert!(
        of("5").len() <= 63 && !of("5").ends_with('-'),
        "{}",
        of("5")
    );
    assert_eq!(of("6"), "its-own-name");
}

// R-N4: what Holdfast tells a platform by itself is no field of a spec.
#[test]
fn whether_backups_are_allowed_now_is_not_exported() {
    let mut storage = object(Kind::Tenant, "9", "Fabrikam");
    storage
        .settings
        .set(Kind::Tenant, "product", "ObjectStorage".into());
    storage
        .settings
        .set(Kind::Tenant, crate::estate::BACKUPS, false.into());
    let platform: crate::api::BackupPlatform = serde_json::from_value(json!({
        "metadata": {"name": "ceph", "namespace": "backup"},
        "spec": {"ownerId": "0123456789abcdef", "embedded": {}},
    }))
    .expect("a BackupPlatform");
    let names = Names::new(&[&storage], BTreeMap::new());
    let spec = super::resource(&storage, &platform, &names, None).body["spec"].clone();
    assert_eq!(spec["product"], "ObjectStorage");
    assert_eq!(spec["quota"], Value::Null, "{spec}");
}

fn declared(spec: &Value) -> crate::api::BackupPlatform {
    let platform = json!({"metadata": {"name": "msp", "namespace": "backup"}, "spec": spec});
    serde_json::from_value(platform).expect("a BackupPlatform")
}

// R-N4
#[test]
fn a_customer_and_its_tenants_share_a_file() {
    let platform = declared(&json!({"ownerId": "0123456789abcdef", "embedded": {}}));
    let customer = object(Kind::Customer, "1", "Fabrikam");
    let tenant = |id: &str, of: &str| {
        let mut tenant = object(Kind::Tenant, id, "Servers");
        tenant.settings.set(Kind::Tenant, "customerId", of.into());
        tenant
    };
    let objects = [
        customer,
        tenant("2", "1"),
        tenant("3", "1"),
        tenant("4", "9"),
    ];
    let objects: Vec<&Object> = objects.iter().collect();
    let names = Names::new(&objects, BTreeMap::new());
    let documents: Vec<_> = objects
        .iter()
        .map(|object| super::resource(object, &platform, &names, None))
        .collect();
    let files = super::files(&documents);
    let kinds = |text: &String| text.matches("\nkind: ").count();
    let counted: Vec<(&str, usize)> = files
        .iter()
        .map(|(name, text)| (&**name, kinds(text)))
        .collect();
    let stray = format!(
        "tenant-{}.yaml",
        names.of(Kind::Tenant, &ObjectId::new("4"))
    );
    assert_eq!(counted, [("customer-fabrikam.yaml", 3), (&*stray, 1)]);
    let text = &files["customer-fabrikam.yaml"];
    assert_eq!(text.matches("\n---\n").count(), 2, "{text}");
}

// R-N4: passwords, pictures, hidden names and what can't be read; no text of a platform gets out of its comment.
#[test]
fn what_is_left_out_is_said_where_it_is_missing() {
    let gateway = json!({"endpoint": "https://s3.example", "credentialsRef": {"name": "rgw"}});
    let platform = declared(&json!({"ownerId": "0123456789abcdef", "rgw": gateway}));
    let mut customer = object(Kind::Customer, "1", "Fabrikam");
    customer.unreadable = Some("limits.storage: \"\n---\nkind: Secret\u{2028}\"".into());
    for (setting, value) in [
        ("webAccess.username", json!("fabrikam")),
        ("branding.icon", json!("ab12")),
        ("hideName", json!(true)),
    ] {
        customer.settings.set(Kind::Customer, setting, value);
    }
    let names = Names::new(&[&customer], BTreeMap::new());
    let gaps = |display_name| {
        let document = super::resource(&customer, &platform, &names, Some(display_name));
        let text = super::text(&document);
        let said = text
            .lines()
            .filter_map(|line| line.strip_prefix("# Not exported: "));
        let fields = said.filter_map(|line| line.split(": ").next());
        assert_eq!(text.matches("kind: ").count(), 2, "{text}");
        assert!(
            !text.contains('\u{2028}') && !text.contains("\n---"),
            "{text}"
        );
        fields.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let rest = [
        "webAccess.passwordRef",
        "branding.iconRef",
        "What can't be read",
    ];
    assert_eq!(gaps("Known Here GmbH"), rest);
    assert_eq!(gaps("Fabrikam"), [&["displayName"][..], &rest].concat());

    let mut capabilities = crate::estate::Capabilities::by_reference(crate::estate::Account {
        id: "9f".into(),
        name: "Acme".into(),
    });
    capabilities
        .fields
        .insert(Kind::Tenant, ["customerId".to_owned()].into());
    let mut unread = crate::estate::Unread::default();
    for number in 0..21 {
        unread.note(crate::estate::Unreadable {
            kind: Kind::Customer.into(),
            id: Some(number.to_string()),
            why: "its id isn't text".into(),
        });
    }
    let told = super::platform(&platform, &capabilities, &unread).gaps;
    let all = told.join("\n");
    assert!(
        all.contains("Secret rgw: secrets aren't exported."),
        "{all}"
    );
    assert!(all.contains("Tenant: ") && all.contains("quota"), "{all}");
    assert!(
        all.contains("Customer 7: it can't be read: its id isn't text."),
        "{all}"
    );
    assert!(all.contains("aren't named here: 1."), "{all}");
}

/// A platform whose interface has neither resellers, plans of tenants, nor the provider's own number.
fn plain() -> crate::estate::Snapshot {
    let mut capabilities = crate::estate::Capabilities::by_reference(crate::estate::Account {
        id: "9f".into(),
        name: "Acme".into(),
    });
    let missing = [
        (Kind::Reseller, &[][..]),
        (Kind::Customer, &["resellerId", "reference"][..]),
        (Kind::Tenant, &["planId"][..]),
    ];
    for (kind, without) in missing {
        let all = crate::estate::fields(kind).iter().map(|field| field.path);
        let taken = all.filter(|path| kind != Kind::Reseller && !without.contains(path));
        let taken = taken.map(ToOwned::to_owned).collect();
        capabilities.fields.insert(kind, taken);
    }
    let mut customer = object(Kind::Customer, "1", "Fabrikam");
    for (path, value) in [("name", json!("Fabrikam")), ("limits.storage", json!(1024))] {
        customer.settings.set(Kind::Customer, path, value);
    }
    let mut tenant = object(Kind::Tenant, "2", "Servers");
    for (path, value) in [
        ("customerId", json!("1")),
        ("product", json!("HybridWorkloads")),
    ] {
        tenant.settings.set(Kind::Tenant, path, value);
    }
    let mut plan = object(Kind::ServicePlan, "3", "Gold");
    plan.settings.set(Kind::ServicePlan, "name", json!("Gold"));
    let mut reseller = object(Kind::Reseller, "4", "Northwind");
    reseller
        .settings
        .set(Kind::Reseller, "name", json!("Northwind"));
    crate::estate::Snapshot {
        capabilities,
        objects: vec![customer, tenant, plan, reseller],
        locations: Vec::new(),
        administrators: Vec::new(),
        licences: None,
        clients: Vec::new(),
        unreadable: crate::estate::Unread::default(),
    }
}

fn existing<K: serde::de::DeserializeOwned>(name: &str, id: &str, spec: &Value) -> Vec<K> {
    let resource = json!({
        "metadata": {"name": name, "namespace": "backup", "uid": name},
        "spec": spec,
        "status": {"externalId": id, "accountId": "9f", "platform": "msp"},
    });
    vec![serde_json::from_value(resource).expect("a resource")]
}

// R-N4: what others refer to and the platform has no place for is exported as it is in the cluster.
#[test]
fn resources_of_kinds_that_the_platform_does_not_know_are_exported_too() {
    let platform = declared(&json!({"ownerId": "0123456789abcdef", "embedded": {}}));
    let here = json!({"platformRef": {"name": "msp"}, "displayName": "Northwind", "allotment": {"storage": "5Ti"}});
    let elsewhere = json!({"platformRef": {"name": "other"}, "displayName": "Tailspin"});
    let mut observation = plain();
    let is_reseller = |object: &Object| object.kind == Kind::Reseller;
    observation.objects.retain(|object| !is_reseller(object));
    let mut resellers: Vec<crate::api::Reseller> = existing("northwind", "", &here);
    resellers.extend(existing("tailspin", "", &elsewhere));
    let all = crate::preview::Existing {
        resellers,
        ..crate::preview::Existing::default()
    };
    assert!(!observation.capabilities.knows(Kind::Reseller));
    let documents = super::documents(&platform, &observation, &all);
    let kept = documents
        .iter()
        .filter(|document| document.kind == "Reseller");
    let kept: Vec<(&str, &Value)> = kept
        .map(|document| (&*document.name, &document.body["spec"]))
        .collect();
    assert_eq!(kept, [("northwind", &here)]);
}

// R-N4: what only the cluster has is in the manifest of what it manages, so that applying it takes nothing away.
#[test]
fn what_only_the_cluster_has_is_carried_over() {
    let platform = declared(&json!({"ownerId": "0123456789abcdef", "embedded": {}}));
    let below = json!({"recoveryPointObjective": "86400s"});
    let billing = json!({"sku": "HF-GOLD", "unit": "GiBMonth", "included": 5});
    let all = crate::preview::Existing {
        resellers: existing(
            "northwind",
            "4",
            &json!({"platformRef": {"name": "msp"}, "displayName": "Northwind", "deletionPolicy": "Delete", "requireLimits": ["storage"], "allotment": {"warnAtPercent": 70}}),
        ),
        plans: existing(
            "gold",
            "3",
            &json!({"platformRef": {"name": "msp"}, "planName": "Gold", "serviceLevel": below, "billing": billing}),
        ),
        customers: existing(
            "fabrikam",
            "1",
            &json!({"resellerRef": {"name": "northwind"}, "displayName": "Another", "deletionPolicy": "Delete", "management": "Observe", "ignore": ["profile.phone"], "reference": "CWM:1", "country": "DE", "limits": {"storage": "2Ki", "warnAtPercent": 80}}),
        ),
        tenants: existing(
            "fabrikam-hybridworkloads",
            "2",
            &json!({"customerRef": {"name": "fabrikam"}, "servicePlanRef": {"name": "gold"}, "product": "HybridWorkloads", "deletionPolicy": "Retain"}),
        ),
        ..crate::preview::Existing::default()
    };
    let documents = super::documents(&platform, &plain(), &all);
    let spec = |kind: &str| {
        let document = documents.iter().find(|document| document.kind == kind);
        document.expect(kind).body["spec"].clone()
    };
    let (customer, tenant, plan) = (spec("Customer"), spec("Tenant"), spec("ServicePlan"));
    assert_eq!(customer["resellerRef"], json!({"name": "northwind"}));
    assert_eq!(customer["platformRef"], Value::Null, "{customer}");
    for (field, value) in [
        ("deletionPolicy", json!("Delete")),
        ("management", json!("Observe")),
        ("ignore", json!(["profile.phone"])),
        ("reference", json!("CWM:1")),
        ("limits", json!({"storage": "1Ki", "warnAtPercent": 80})),
        ("displayName", json!("Fabrikam")),
        ("country", Value::Null),
        ("externalId", json!("1")),
    ] {
        assert_eq!(customer[field], value, "{field}: {customer}");
    }
    assert_eq!(tenant["servicePlanRef"], json!({"name": "gold"}));
    assert_eq!(tenant["deletionPolicy"], "Retain");
    assert_eq!(
        (&plan["serviceLevel"], &plan["billing"]),
        (&below, &billing)
    );
    let reseller = spec("Reseller");
    assert_eq!(reseller["requireLimits"], json!(["storage"]));
    assert_eq!(reseller["allotment"], json!({"warnAtPercent": 70}));
    let bare = super::documents(&platform, &plain(), &crate::preview::Existing::default());
    let customer = bare.iter().find(|document| document.kind == "Customer");
    let customer = &customer.expect("a customer").body["spec"];
    assert_eq!(customer["platformRef"], json!({"name": "msp"}));
}
