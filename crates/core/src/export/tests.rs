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
