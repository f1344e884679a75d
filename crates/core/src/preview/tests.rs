//! Bad input ends with file, document and line, and with what to do.

use super::{ManifestErrors, Manifests};

fn read(text: &str) -> Result<Manifests, ManifestErrors> {
    let mut manifests = Manifests::default();
    manifests.read("estate.yaml", text.as_bytes(), "backup");
    manifests.check()?;
    Ok(manifests)
}

fn refused(text: &str) -> String {
    read(text).expect_err("it is refused").to_string()
}

fn resource(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
    )
}

// R-N2
#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let mut manifests = Manifests::default();
    let bad = resource(
        "Customer",
        "one",
        "{platformRef: {name: msp}, displayNam: One}",
    );
    let worse = resource("Customer", "two", "{platformRef: msp}");
    manifests.read("a.yaml", format!("{bad}---\n{worse}").as_bytes(), "backup");
    manifests.read("b.yaml", b"a: [1, 2", "backup");
    let told = manifests.check().expect_err("it is refused").to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].starts_with("a.yaml, document 1"), "{told}");
    assert!(lines[1].starts_with("a.yaml, document 2"), "{told}");
    assert!(lines[2].starts_with("b.yaml, document 1"), "{told}");
    for number in 0..100 {
        manifests.read(&format!("{number}.yaml"), b"words", "backup");
    }
    let told = manifests.check().expect_err("it is refused").to_string();
    assert_eq!(told.lines().count(), 21, "{told}");
    assert!(told.ends_with("and 83 more"), "{told}");
}

/// R-N2
#[test]
fn each_kind_of_garbage_is_told_by_file_document_and_line() {
    let good = resource(
        "Customer",
        "one",
        "{platformRef: {name: msp}, displayName: One}",
    );
    let second = |text: &str| format!("{good}---\n{text}");
    let long = "x".repeat(1 << 20);
    let cases = [
        (
            "a: [1, 2".to_owned(),
            "estate.yaml, document 1, line 2: this isn't YAML",
        ),
        (
            second("just words"),
            "estate.yaml, document 2, line 6: this isn't a Kubernetes resource",
        ),
        (
            second(&resource("Custommer", "two", "{}")),
            "estate.yaml, document 2, line 6: kind: there is no \"Custommer\" in holdfast.dev",
        ),
        (
            second("apiVersion: holdfast.dev/v9\nkind: Customer\nmetadata: {name: two}\n"),
            "document 2, line 6: apiVersion: \"holdfast.dev/v9\" isn't known",
        ),
        (
            second(&good),
            "document 2, line 6: metadata.name: Customer backup/one is declared a second time",
        ),
        (
            second(&resource(
                "Customer",
                "two",
                "\n  platformRef: {name: msp}\n  displayName: Two\n  phone: \"1\"",
            )),
            "document 2, line 12: spec.phone: there is no such field",
        ),
        (
            second(&resource(
                "Customer",
                "two",
                "\n  platformRef: {name: msp}\n  displayName: Two\n  stage: Test",
            )),
            "document 2, line 12: spec.stage: ",
        ),
        (
            second(&resource(
                "Customer",
                "two",
                "{platformRef: {name: msp}, resellerRef: {name: r}, displayName: Two}",
            )),
            "document 2, line 9: spec: ",
        ),
        (
            second(&resource(
                "BackupPlatform",
                "two",
                "{ownerId: 0123456789abcdef, embedded: {}, bridge: {endpoint: \"https://a.example/\", credentialsRef: {name: a}}}",
            )),
            "document 2, line 9: spec: a platform is reached by exactly one driver",
        ),
        (
            second(&resource(
                "Customer",
                "two",
                &format!("{{platformRef: {{name: msp}}, displayName: {long}}}"),
            )),
            "document 2, line 9: spec.displayName: ",
        ),
        (
            resource(
                "Reseller",
                "a",
                "{platformRef: {name: msp}, displayName: A, parentRef: {name: b}}",
            ) + "---\n"
                + &resource(
                    "Reseller",
                    "b",
                    "{platformRef: {name: msp}, displayName: B, parentRef: {name: a}}",
                ),
            "document 1, line 1: spec.parentRef: resellers form a cycle: a > b > a",
        ),
    ];
    for (text, says) in cases {
        let message = refused(&text);
        assert!(message.contains(says), "{message}\nshould say: {says}");
        assert!(message.len() < 500, "{} bytes", message.len());
    }
}

/// R-N2
#[test]
fn what_is_not_ours_is_passed_over_and_lists_are_opened() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: backup}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: holdfast.dev/v1alpha1\n  kind: Customer\n  metadata: {name: one, namespace: other}\n  spec: {platformRef: {name: msp}, displayName: One, stage: null}\n";
    let manifests = read(text).expect("it can be read");
    assert_eq!(manifests.declarations.len(), 1);
    assert_eq!(
        manifests.declarations[0].manifest.place(),
        ("other".to_owned(), "one".to_owned())
    );
}
