//! A proxy in the environment, as corporate clusters put it into every pod. kubectl is the judge of what holds.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use holdfast_testkit::{
    bridge::{bridge_platform, secret},
    operator::{Stage, free_port},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::HOLDFAST;

/// A forward proxy that knows CONNECT, and resolves every name to this host.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self {
            address: listener.local_addr().expect("an address"),
            asked: Arc::default(),
        };
        let asked = proxy.asked.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, asked.clone()));
            }
        });
        proxy
    }

    fn asked_for(&self, host: &str) -> usize {
        let asked = self.asked.lock().expect("unpoisoned");
        asked.iter().filter(|asked| asked.starts_with(host)).count()
    }
}

async fn tunnel(mut client: TcpStream, asked: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let authority = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let port: u16 = authority.rsplit_once(':')?.1.parse().ok()?;
    asked.lock().expect("unpoisoned").push(authority);
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let accepted = b"HTTP/1.1 200 Connection established\r\n\r\n";
    client.write_all(accepted).await.ok()?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}

/// A kubeconfig in which the API server has a name that only the proxy resolves; and the API server's port.
fn behind_the_proxy(stage: &Stage) -> (PathBuf, u16) {
    let view = stage.show(&[
        "config",
        "view",
        "--raw",
        "--minify",
        "--flatten",
        "-o",
        "json",
    ]);
    let mut kubeconfig: Value = serde_json::from_str(&view).expect("JSON");
    let cluster = &mut kubeconfig["clusters"][0]["cluster"];
    let server = cluster["server"].as_str().expect("a server");
    let port = server
        .rsplit_once(':')
        .expect("a port")
        .1
        .parse()
        .expect("a port");
    cluster["server"] = json!(format!("https://cluster.test:{port}"));
    cluster["tls-server-name"] = json!("localhost");
    let path = stage.data.path().join("kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).expect("written");
    (path, port)
}

struct Run<'a> {
    proxy: &'a Proxy,
    namespace: &'a str,
    kubeconfig: Option<&'a Path>,
    no_proxy: &'a str,
}

impl Run<'_> {
    fn succeeds(&self, mut command: Command, arguments: &[&str]) -> bool {
        command.args(arguments).args(["-n", self.namespace]);
        self.equip(&mut command);
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || !said.is_empty(), "it says why");
        output.status.success()
    }

    fn equip(&self, command: &mut Command) {
        command
            .env("HTTPS_PROXY", format!("http://{}", self.proxy.address))
            .env("NO_PROXY", self.no_proxy);
        if let Some(kubeconfig) = self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
    }

    /// Whether kubectl and holdfast reach the API server, and whether each asked the proxy.
    fn reached(&self) -> [(bool, bool); 2] {
        let tries: [(Command, &[&str]); 2] = [
            (Command::new("kubectl"), &["get", "secrets"]),
            (HOLDFAST.command(), &["todo"]),
        ];
        tries.map(|(command, arguments)| {
            let before = self.proxy.asked_for("");
            let reached = self.succeeds(command, arguments);
            (reached, self.proxy.asked_for("") > before)
        })
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// F32: HTTPS_PROXY and NO_PROXY hold for the cluster as for kubectl, and for platforms.
#[tokio::test(flavor = "multi_thread")]
async fn f32_a_proxy_in_the_environment_holds_for_cluster_and_platforms() {
    let mut stage = Stage::start(HOLDFAST, "proxy").await;
    stage.kill();
    let proxy = Proxy::start().await;
    let (kubeconfig, port) = behind_the_proxy(&stage);
    let run = |kubeconfig, no_proxy| Run {
        proxy: &proxy,
        namespace: stage.namespace(),
        kubeconfig,
        no_proxy,
    };
    let behind = Some(&*kubeconfig);
    assert_eq!(run(behind, "").reached(), [(true, true); 2], "through it");
    assert_eq!(
        run(behind, "cluster.test").reached(),
        [(false, false); 2],
        "past it"
    );
    assert_eq!(
        run(None, "").reached(),
        [(true, false); 2],
        "this host itself"
    );

    // The operator, and a platform: the API server's certificate stands for one that isn't trusted.
    let mut command = HOLDFAST.command();
    run(behind, "").equip(&mut command);
    let address = || format!("127.0.0.1:{}", free_port());
    let namespace = stage.namespace();
    command
        .args([
            "run",
            "--namespace",
            namespace,
            "--lease-namespace",
            namespace,
        ])
        .args(["--listen", &address(), "--platform-listen", &address()])
        .stdin(Stdio::null())
        .stderr(std::fs::File::create(stage.log_path()).expect("a log"));
    let _running = Running(command.spawn().expect("the operator starts"));
    let endpoint = format!("https://platform.test:{port}/");
    stage.apply(&secret("far", "a-token-of-sixteen-characters"));
    stage.apply(&bridge_platform("far", &endpoint, ""));
    // Without a data directory there is no embedded platform, and that is said.
    let embedded = holdfast_testkit::operator::embedded_platform("near");
    stage.apply(&embedded);
    let far = "backupplatform/far";
    stage
        .await_condition(far, "PlatformReachable", "False")
        .await;
    let said = stage.message(far, "Ready");
    assert!(
        said.contains("the issuer of the TLS certificate isn't trusted"),
        "{said}"
    );
    assert!(proxy.asked_for("platform.test:") > 0, "{said}");
    let near = "backupplatform/near";
    stage
        .await_condition(near, "Stalled", "True/NotBuilt")
        .await;
    let said = stage.message(near, "Ready");
    assert!(said.contains("without --data-dir"), "{said}");
}
