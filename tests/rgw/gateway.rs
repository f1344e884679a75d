//! The gateway of the tests: a real one, started by `scripts/ceph.sh` and named by the environment.

use std::{
    path::Path,
    process::{Command, Output},
};

use holdfast_testkit::operator::{eventually, repository};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// One story at a time: some of them kill the gateway.
static ONE: Mutex<()> = Mutex::const_new(());

/// A running gateway.
pub struct Gateway {
    pub endpoint: String,
    access_key: String,
    secret_key: String,
    directory: String,
    _alone: MutexGuard<'static, ()>,
}

/// The S3 keys of a customer.
#[derive(Clone, Copy)]
pub struct Keys {
    pub name: &'static str,
    pub secret: &'static str,
}

impl Gateway {
    /// The gateway that `make test-ceph` has started; `None`, said loudly, where there is none and none is demanded.
    pub async fn find() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok();
        let found = (
            variable("RGW_ENDPOINT"),
            variable("RGW_ACCESS_KEY"),
            variable("RGW_SECRET_KEY"),
            variable("CEPH_DIR"),
        );
        let (Some(endpoint), Some(access_key), Some(secret_key), Some(directory)) = found else {
            let missing = "SKIPPED: no Ceph Object Gateway. `make test-ceph` starts one; it needs the packages that `scripts/ceph.sh fetch` unpacks on Debian 12";
            eprintln!("{missing}");
            return None;
        };
        let gateway = Self {
            endpoint,
            access_key,
            secret_key,
            directory,
            _alone: ONE.lock().await,
        };
        // A story that failed may have left it dead, full, or open to Holdfast.
        gateway.revive();
        if gateway.is_full() {
            gateway.fill_up(false);
        }
        let admin = ["user", "modify", "--uid", "holdfast-admin", "--admin=false"];
        gateway.admin(&admin);
        Some(gateway)
    }

    /// The Secret with the credentials, and a `BackupPlatform` of this name.
    pub fn manifest(&self, name: &str, more: &str) -> String {
        self.manifest_for(name, (&self.access_key, &self.secret_key), more)
    }

    pub fn manifest_for(&self, name: &str, keys: (&str, &str), more: &str) -> String {
        let (endpoint, (access, secret)) = (&self.endpoint, keys);
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{accessKey: \"{access}\", secretKey: \"{secret}\"}}\n---\napiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: {name}}}\nspec: {{ownerId: 6c0bb2de-8f3c-4cf6-9df0-{name}, rgw: {{endpoint: \"{endpoint}/\", credentialsRef: {{name: {name}}}}}, rateLimit: {{requestsPerSecond: 500, burst: 500}}, sweepInterval: 60s, usageInterval: 2s, safety: {{maxDeletionsPerHour: 10000, deletionDelay: 0s}}{more}}}\n"
        )
    }

    /// One of the gateway's own tools, or restic.
    fn tool(&self, environment: &[(&str, &str)], command: &[&str]) -> Output {
        Command::new(repository().join("scripts/ceph.sh"))
            .args(["run", &self.directory])
            .args(command)
            .envs(environment.iter().copied())
            .output()
            .expect("the script runs")
    }

    /// `radosgw-admin`: a person at the gateway.
    pub fn admin(&self, arguments: &[&str]) -> Value {
        let output = self.try_admin(arguments);
        assert!(
            output.status.success(),
            "radosgw-admin {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    pub fn try_admin(&self, arguments: &[&str]) -> Output {
        self.tool(&[], &[&["radosgw-admin"], arguments].concat())
    }

    /// A user that may do this much, in place of one of an earlier run; its keys.
    pub fn administrator(&self, uid: &str, caps: &str) -> (String, String) {
        let _ = self.try_admin(&["user", "rm", "--uid", uid]);
        let create = ["user", "create", "--display-name", "Administrator"];
        let user = self.admin(&[&create[..], &["--uid", uid, "--caps", caps]].concat());
        let key = |name: &str| user["keys"][0][name].as_str().expect("a key").to_owned();
        (key("access_key"), key("secret_key"))
    }

    /// The secret key of the admin user.
    pub fn admin_secret(&self) -> &str {
        &self.secret_key
    }

    /// What the gateway holds of a user.
    pub fn user(&self, uid: &str) -> Value {
        self.admin(&["user", "info", "--uid", uid])
    }

    /// The uids of all users that carry a claim.
    pub fn claimed(&self) -> Vec<String> {
        let list = self.admin(&["user", "list"]);
        let uids = list.as_array().expect("a list").iter();
        let uids = uids.filter_map(|uid| uid.as_str().map(str::to_owned));
        uids.filter(|uid| uid.starts_with("hf-")).collect()
    }

    /// The access keys of a user, and those of its subusers.
    pub fn keys(&self, uid: &str) -> Vec<String> {
        let user = self.user(uid);
        let keys = user["keys"].as_array().expect("a list").iter();
        let mut names: Vec<String> = keys
            .map(|key| key["access_key"].as_str().expect("a name").to_owned())
            .collect();
        names.sort();
        names
    }

    /// restic on a bucket; whether it succeeded, and all that it said.
    pub fn restic(&self, keys: Keys, bucket: &str, arguments: &[&str]) -> (bool, String) {
        let repository = format!("s3:{}/{bucket}", self.endpoint);
        let environment = [
            ("AWS_ACCESS_KEY_ID", keys.name),
            ("AWS_SECRET_ACCESS_KEY", keys.secret),
            ("RESTIC_PASSWORD", "a-password-of-the-tests"),
            ("RESTIC_REPOSITORY", repository.as_str()),
        ];
        let command = [&["timeout", "60", "restic", "--no-cache"], arguments].concat();
        let output = self.tool(&environment, &command);
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    /// A new repository of restic. A gateway that came back after kill -9 writes slowly until the dead one's watch has run out: it
    /// shows a key some seconds before it takes it.
    pub async fn repository(&self, keys: Keys, bucket: &str) {
        eventually("the key is taken", || async {
            self.restic(keys, bucket, &["init"]).0
        })
        .await;
    }

    /// `ceph`: a person at the cluster.
    pub fn ceph(&self, arguments: &[&str]) -> String {
        let output = self.tool(
            &[],
            &[&["ceph", "--connect-timeout", "10"], arguments].concat(),
        );
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "ceph {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    fn is_full(&self) -> bool {
        self.ceph(&["osd", "dump"]).contains("exists,full")
    }

    /// Whether the OSD takes no writes any more: what counts as full is next to nothing then.
    pub fn fill_up(&self, full: bool) {
        let ratios = if full {
            ["0.00001", "0.00002", "0.00003"]
        } else {
            ["0.85", "0.90", "0.95"]
        };
        let mut settings: Vec<_> = ["nearfull", "backfillfull", "full"]
            .into_iter()
            .zip(ratios)
            .collect();
        if !full {
            settings.reverse();
        }
        for (name, ratio) in settings {
            self.ceph(&["osd", &format!("set-{name}-ratio"), ratio]);
        }
        // The OSD tells the monitor by itself.
        for _ in 0..60 {
            if self.is_full() == full {
                return;
            }
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        panic!(
            "the OSD isn't {}",
            if full { "full" } else { "usable again" }
        );
    }

    /// The gateway once more, with or without its log of requests.
    pub fn restart_with_log(&self, log: bool) {
        self.restart("CEPH_USAGE_LOG", &log.to_string());
    }

    /// The gateway once more, which serves TLS on this port besides.
    pub fn serve_tls(&self, port: u16, certificate: &str, key: &str) {
        let folder = Path::new(&self.directory);
        let [crt, pem] = ["tls.crt", "tls.key"].map(|name| folder.join(name));
        std::fs::write(&crt, certificate).expect("a file");
        std::fs::write(&pem, key).expect("a file");
        let (crt, pem) = (crt.display(), pem.display());
        let endpoint = format!("ssl_endpoint=127.0.0.1:{port}");
        let files = format!("ssl_certificate={crt} ssl_private_key={pem}");
        self.restart("CEPH_TLS", &format!("{endpoint} {files}"));
    }

    /// A placement of this name in the gateway's zone, if it isn't there yet.
    pub fn add_placement(&self, name: &str) {
        let zone = self.admin(&["zone", "get"]).to_string();
        if zone.contains(name) {
            return;
        }
        let id = ["--placement-id", name];
        let group = [
            "zonegroup",
            "placement",
            "add",
            "--rgw-zonegroup",
            "default",
        ];
        self.admin(&[&group[..], &id].concat());
        let pools = ["data", "index", "non-ec"].map(|pool| format!("default.rgw.{name}.{pool}"));
        let zone = ["zone", "placement", "add", "--rgw-zone", "default"];
        let pools = [
            "--data-pool",
            &pools[0],
            "--index-pool",
            &pools[1],
            "--data-extra-pool",
            &pools[2],
        ];
        self.admin(&[&zone[..], &id, &pools].concat());
        self.kill();
        self.revive();
    }

    /// Lines of the gateway's own log of requests to its admin interface that contain these words.
    pub fn logged(&self, words: &str) -> Vec<String> {
        let log = Path::new(&self.directory).join("log/client.rgw.a.log");
        let log = std::fs::read_to_string(log).expect("the gateway writes a log");
        let lines = log.lines().filter(|line| line.contains("/admin/"));
        let lines = lines.filter(|line| line.contains(words));
        lines.map(str::to_owned).collect()
    }

    /// What the gateway was asked to change, by its own log.
    pub fn changes(&self) -> Vec<String> {
        let lines = self.logged(" /admin/").into_iter();
        let changes = lines.filter(|line| !line.contains("\"GET /admin/"));
        changes.collect()
    }

    fn restart(&self, variable: &str, value: &str) {
        self.kill();
        let status = Command::new(repository().join("scripts/ceph.sh"))
            .args(["start", &self.directory])
            .env(variable, value)
            .status();
        assert!(status.expect("the script runs").success(), "start");
    }

    pub fn kill(&self) {
        self.script("gateway-kill");
    }

    pub fn revive(&self) {
        self.script("gateway-start");
    }

    fn script(&self, verb: &str) {
        let status = Command::new(repository().join("scripts/ceph.sh"))
            .args([verb, &self.directory])
            .status();
        assert!(status.expect("the script runs").success(), "{verb}");
    }
}
