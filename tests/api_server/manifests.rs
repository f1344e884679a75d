//! What is in `manifests/` installs, and lets everybody do what they should and nothing else.

use crate::HOLDFAST;
use std::{collections::BTreeMap, path::Path, time::Duration};

use holdfast_testkit::{Cluster, kubectl};

const ROLES: [&str; 3] = [
    "holdfast-msp-admin",
    "holdfast-tenant-admin",
    "holdfast-viewer",
];

fn manifests(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("manifests")
        .join(path)
        .to_string_lossy()
        .into_owned()
}

fn succeed(arguments: &[&str], input: &str) -> String {
    let output = kubectl(arguments, input);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn everything_installs_with_one_kustomization() {
    let cluster = Cluster::start("install").await;
    let built = succeed(&["kustomize", &manifests("default")], "");
    // A dry run makes no namespace, so what lies in it is tried in the test's own.
    let built = built.replace(
        "namespace: holdfast-system",
        &format!("namespace: {}", cluster.namespace),
    );
    succeed(
        &[
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "-f",
            "-",
        ],
        &built,
    );
}

/// What the API server holds of our definitions, without what it adds to each by itself.
fn definitions_held() -> Vec<serde_json::Value> {
    let names = [
        "backupplatforms",
        "customers",
        "resellers",
        "serviceplans",
        "tenants",
    ];
    let held = names.map(|name| {
        succeed(
            &["get", "crd", &format!("{name}.holdfast.dev"), "-o", "json"],
            "",
        )
    });
    let spec = |text: &String| {
        serde_json::from_str::<serde_json::Value>(text).expect("JSON")["spec"].take()
    };
    held.iter().map(spec).collect()
}

// kubectl reads YAML 1.1, kustomize YAML 1.2: a bare `Off` made another definition of each.
#[tokio::test]
async fn each_way_to_install_makes_the_same_definitions() {
    let _cluster = Cluster::start("ways").await;
    let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let crds = crds.to_string_lossy();
    let printed = HOLDFAST
        .command()
        .arg("crds")
        .output()
        .expect("the command runs");
    let printed = String::from_utf8(printed.stdout).expect("text");
    let kustomization = manifests("crds");
    let built = succeed(&["kustomize", &manifests("default")], "");
    let only_crds: Vec<&str> = built
        .split("\n---\n")
        .filter(|document| document.contains("kind: CustomResourceDefinition"))
        .collect();
    assert_eq!(only_crds.len(), 5);
    let only_crds = only_crds.join("\n---\n");
    let ways: [(&[&str], &str); 4] = [
        (&["-f", &crds], ""),
        (&["-k", &kustomization], ""),
        (&["-f", "-"], &printed),
        (&["-f", "-"], &only_crds),
    ];
    let mut first = None;
    for (way, input) in ways {
        let apply = ["apply", "--server-side", "--force-conflicts"];
        succeed(&[&apply, way].concat(), input);
        let held = definitions_held();
        let mode = &held[1]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
            ["bandwidth"]["properties"]["mode"]["enum"];
        assert_eq!(
            *mode,
            serde_json::json!(["Inherit", "Unlimited", "Always", "Window"]),
            "{way:?}"
        );
        let first = first.get_or_insert_with(|| held.clone());
        assert!(*first == held, "{way:?} makes other definitions");
        for (way, input) in ways {
            let differing = kubectl(
                &[&["diff", "--server-side", "--force-conflicts"], way].concat(),
                input,
            );
            let told = String::from_utf8_lossy(&differing.stdout).into_owned();
            assert!(
                differing.status.success() && told.is_empty(),
                "{way:?}: {told}"
            );
        }
    }
}

/// Whether somebody with this role, bound in the test's namespace, may do this; waits for a "yes" until the binding acts.
async fn may(cluster: &Cluster, role: &str, verb: &str, resource: &str, patience: u32) -> bool {
    for _ in 0..=patience {
        let user = format!("--as={role}-{}", cluster.namespace);
        let mut arguments = vec!["-n", &cluster.namespace, "auth", "can-i", verb, &user];
        arguments.extend(resource.split(' '));
        let answer = kubectl(&arguments, "");
        if answer.status.success() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    false
}

/// Events, by both of their names.
const EVENTS: [&str; 2] = ["events", "events.events.k8s.io"];

/// What somebody with this role may do with our kinds in a namespace, as the API server tells the person itself: verbs by
/// resource. Panics when it is anything with somebody else's kinds, beyond what everybody may.
fn rights(cluster: &Cluster, role: &str, namespace: &str) -> BTreeMap<String, String> {
    let user = format!("--as={role}-{}", cluster.namespace);
    let list = succeed(
        &[
            "-n",
            namespace,
            "auth",
            "can-i",
            "--list",
            "--no-headers",
            &user,
        ],
        "",
    );
    let mut rights = BTreeMap::new();
    for line in list.lines().filter(|line| !line.starts_with(' ')) {
        let (resource, _) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(ours) = resource.strip_suffix(".holdfast.dev") {
            let verbs = line.rsplit('[').next().unwrap_or_default();
            rights.insert(
                ours.to_owned(),
                verbs.trim().trim_end_matches(']').to_owned(),
            );
        } else if EVENTS.contains(&resource) {
            // What `kubectl describe` and `kubectl events` show.
            assert!(line.ends_with("[get list watch]"), "{role}: {line}");
        } else {
            assert!(resource.starts_with("selfsubject"), "{role}: {line}");
        }
    }
    rights
}

/// Binds the three roles in the test's namespace, each to a user of its own.
fn bind_roles(cluster: &Cluster) {
    succeed(&["apply", "-f", &manifests("rbac/users.yaml")], "");
    for role in ROLES {
        let user = format!("--user={role}-{}", cluster.namespace);
        let clusterrole = format!("--clusterrole={role}");
        let namespace = &cluster.namespace;
        let create = [
            "-n",
            namespace,
            "create",
            "rolebinding",
            role,
            &clusterrole,
            &user,
        ];
        succeed(&create, "");
    }
}

// R-D41
#[tokio::test]
async fn each_role_has_exactly_its_rights_where_it_is_bound_and_none_elsewhere() {
    const READ: &str = "get list watch";
    const ALL: &str = "get list watch create patch update delete deletecollection";
    let cluster = Cluster::start("rights").await;
    bind_roles(&cluster);
    assert!(may(&cluster, ROLES[2], "list", "resellers.holdfast.dev", 50).await);
    let kinds = [
        "backupplatforms",
        "customers",
        "resellers",
        "serviceplans",
        "tenants",
    ];
    let of = |verbs: [&str; 5]| -> BTreeMap<String, String> {
        let pairs = kinds
            .iter()
            .zip(verbs)
            .filter(|(_, verbs)| !verbs.is_empty());
        pairs
            .map(|(kind, verbs)| ((*kind).to_owned(), verbs.to_owned()))
            .collect()
    };
    let edit = "get list watch patch update";
    let add = "get list watch create patch update";
    for (role, wanted) in [
        (ROLES[0], of([ALL; 5])),
        (ROLES[1], of(["", edit, READ, READ, add])),
        (ROLES[2], of([READ; 5])),
    ] {
        assert_eq!(rights(&cluster, role, &cluster.namespace), wanted, "{role}");
        assert_eq!(rights(&cluster, role, "default"), BTreeMap::new(), "{role}");
    }
}

// R-D41
#[tokio::test]
async fn the_roles_for_people_add_nothing_to_those_of_kubernetes() {
    let cluster = Cluster::start("aggregation").await;
    bind_roles(&cluster);
    for role in ROLES {
        let found = succeed(&["get", "clusterrole", role, "-o", "json"], "");
        assert!(!found.contains("aggregat"), "{found}");
    }
    for role in ["admin", "edit", "view"] {
        let found = succeed(&["get", "clusterrole", role, "-o", "json"], "");
        assert!(!found.contains("holdfast.dev"), "{found}");
    }
}

// R-D41
#[tokio::test]
async fn the_roles_for_people_allow_what_they_say_and_no_more() {
    let cluster = Cluster::start("roles").await;
    bind_roles(&cluster);
    let allowed = [
        ("holdfast-msp-admin", "delete", "customers"),
        ("holdfast-msp-admin", "create", "backupplatforms"),
        ("holdfast-tenant-admin", "update", "customers"),
        ("holdfast-tenant-admin", "create", "tenants"),
        ("holdfast-tenant-admin", "get", "serviceplans"),
        ("holdfast-viewer", "list", "resellers"),
    ];
    for (role, verb, resource) in allowed {
        assert!(
            may(
                &cluster,
                role,
                verb,
                &format!("{resource}.holdfast.dev"),
                50
            )
            .await,
            "{role} can't {verb} {resource}"
        );
    }
    let forbidden = [
        ("holdfast-msp-admin", "get", "secrets"),
        (
            "holdfast-msp-admin",
            "patch",
            "customers.holdfast.dev --subresource=status",
        ),
        ("holdfast-tenant-admin", "create", "customers.holdfast.dev"),
        ("holdfast-tenant-admin", "delete", "tenants.holdfast.dev"),
        ("holdfast-tenant-admin", "update", "resellers.holdfast.dev"),
        ("holdfast-viewer", "update", "customers.holdfast.dev"),
        ("holdfast-viewer", "get", "secrets"),
    ];
    for (role, verb, resource) in forbidden {
        assert!(
            !may(&cluster, role, verb, resource, 0).await,
            "{role} can {verb} {resource}"
        );
    }
}
