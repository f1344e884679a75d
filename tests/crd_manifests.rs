//! What is in `manifests/` installs, and lets everybody do what they should and nothing else.

mod support;

use std::{path::Path, time::Duration};

use support::{Cluster, kubectl};

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

// R-D41
#[tokio::test]
async fn the_roles_for_people_allow_what_they_say_and_no_more() {
    let cluster = Cluster::start("roles").await;
    succeed(&["apply", "-f", &manifests("rbac/users.yaml")], "");
    for role in [
        "holdfast-msp-admin",
        "holdfast-tenant-admin",
        "holdfast-viewer",
    ] {
        let user = format!("--user={role}-{}", cluster.namespace);
        succeed(
            &[
                "-n",
                &cluster.namespace,
                "create",
                "rolebinding",
                role,
                &format!("--clusterrole={role}"),
                &user,
            ],
            "",
        );
    }
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
