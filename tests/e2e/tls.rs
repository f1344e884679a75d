//! The reference platform over TLS, with a certificate that only a `ConfigMap` vouches for: what a bridge in the cluster needs.

use std::process::{Child, Stdio};

use holdfast_testkit::{
    bridge::{TOKEN, bridge_platform, secret},
    operator::{Stage, customer, free_port},
};
use tempfile::TempDir;

use crate::HOLDFAST;

/// Ends when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(directory: &TempDir, port: u16) -> Process {
    let at = |name: &str| directory.path().join(name);
    let child = HOLDFAST
        .command()
        .args(["platform", "serve", "--listen"])
        .arg(format!("127.0.0.1:{port}"))
        .args(["--data".as_ref(), at("estate.sqlite").as_os_str()])
        .args(["--tls-cert".as_ref(), at("tls.crt").as_os_str()])
        .args(["--tls-key".as_ref(), at("tls.key").as_os_str()])
        .env("HOLDFAST_PLATFORM_TOKEN", TOKEN)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Process(child.expect("the platform starts"))
}

fn config_map(certificate: &str) -> String {
    let map = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bridge-ca"},
        "data": {"ca.crt": certificate},
    });
    map.to_string()
}

// R-V1, issuer unknown to the system: it is said, and the ConfigMap alone mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_over_tls_is_trusted_by_the_bundle_that_its_platform_names() {
    let directory = TempDir::new().expect("a directory");
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    std::fs::write(directory.path().join("tls.crt"), &certificate).expect("a file");
    std::fs::write(directory.path().join("tls.key"), key).expect("a file");
    let port = free_port();
    let _process = serve(&directory, port);

    let stage = Stage::start(HOLDFAST, "tls").await;
    let endpoint = format!("https://127.0.0.1:{port}");
    stage.apply(&secret("store", TOKEN));
    stage.apply(&bridge_platform("store", &endpoint, ""));
    stage
        .await_condition("backupplatform/store", "PlatformReachable", "False")
        .await;
    let said = stage.message("backupplatform/store", "PlatformReachable");
    assert!(said.contains("issuer of the TLS certificate"), "{said}");

    stage.apply(&config_map(&certificate));
    let bundle = ", caBundleRef: {name: bridge-ca, key: ca.crt}";
    stage.apply(&bridge_platform("store", &endpoint, bundle));
    stage.apply(&customer("fabrikam", "store", ""));
    stage.await_ready(&["customer/fabrikam"]).await;
}

#[test]
fn a_certificate_that_is_none_is_named() {
    let directory = TempDir::new().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("tls.crt"), "none").expect("a file");
    std::fs::write(at("tls.key"), "none").expect("a file");
    let ended = HOLDFAST
        .command()
        .args(["platform", "serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(at("estate.sqlite"))
        .args(["--tls-cert".as_ref(), at("tls.crt").as_os_str()])
        .args(["--tls-key".as_ref(), at("tls.key").as_os_str()])
        .output();
    let ended = ended.expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success());
    assert!(
        said.contains("tls.crt") && said.contains("PEM files that belong together"),
        "{said}"
    );
    // One without the other.
    let alone = HOLDFAST.run(&["platform", "serve", "--data", "x", "--tls-cert", "y"]);
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(said.contains("--tls-key"), "{said}");
}
