//! A running Prometheus that scrapes the operator and reads the alert rules that are shipped.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use holdfast_testkit::{
    bridge::Bridge,
    local,
    operator::{Stage, customer, embedded_platform, eventually, free_port, repository},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::HOLDFAST;

/// A tenant of a customer, on a plan that promises this.
fn promise(platform: &str, customer: &str, plan: &str, service_level: &str) -> String {
    format!(
        r#"apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {{name: {plan}}}
spec:
  platformRef: {{name: {platform}}}
  planName: {plan}
  products: [{{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers]}}]
  serviceLevel: {{{service_level}}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {{name: {customer}-hybrid}}
spec:
  customerRef: {{name: {customer}}}
  servicePlanRef: {{name: {plan}}}
  product: HybridWorkloads
  type: Commercial
  storageRegions: [eu-central-1]
  quota: {{credits: 50}}
  licenceExpiresAt: "2031-01-01T00:00:00Z"
"#
    )
}

/// What its platform tells from now on: when the one data source was last backed up, and how many of 100 licences are free.
fn tell(late: &Bridge, success: Timestamp, free: u32) {
    let source = format!("{{name: sql01, lastStatus: Successful, lastSuccessAt: \"{success}\"}}");
    late.faults(&format!(
        "[{{when: {{route: /v1/health}}, then: {{merge: {{dataSources: [{source}]}}}}}}, {{when: {{route: /v1/pool}}, then: {{merge: {{licences: {{total: 100, free: {free}}}}}}}}}]"
    ));
}

/// A platform of which nobody answers.
fn silent_platform(port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: silent}}\nstringData: {{token: not-a-real-token}}\n---\napiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: silent}}\nspec: {{ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4e, bridge: {{endpoint: \"http://127.0.0.1:{port}/\", credentialsRef: {{name: silent}}}}}}\n"
    )
}

/// Prometheus' program, if there is one.
pub fn program() -> Option<PathBuf> {
    let unpacked = repository().join(".build/debian/prometheus/usr/bin/prometheus");
    let program = if unpacked.exists() {
        unpacked
    } else {
        "prometheus".into()
    };
    let answers = Command::new(&program).arg("--version").output().is_ok();
    answers.then_some(program)
}

/// A Prometheus that looks every second and waits for no alert.
pub struct Prometheus {
    process: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    pub fn start(program: &Path, folder: &Path, scraped: &str) -> Self {
        let rules = std::fs::read_to_string(repository().join("manifests/monitoring/rules.yaml"))
            .expect("the rules");
        let at_once = |line: &str| {
            let (before, wait) = line.split_once("for: ")?;
            (before.trim().is_empty() && !wait.is_empty()).then(|| format!("{before}for: 0s"))
        };
        let rules: Vec<String> = rules
            .lines()
            .map(|line| at_once(line).unwrap_or_else(|| line.to_owned()))
            .collect();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).expect("a file of Prometheus");
        };
        write("rules.yaml", &rules.join("\n"));
        write(
            "prometheus.yml",
            &format!(
                "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yaml]\nscrape_configs: [{{job_name: holdfast, static_configs: [{{targets: [\"{scraped}\"]}}]}}]\n"
            ),
        );
        let port = free_port();
        let process = Command::new(program)
            .current_dir(folder)
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--log.level=error",
            ])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .spawn()
            .expect("Prometheus starts");
        Self { process, port }
    }

    /// The names of the alerts that fire, with the customer or platform that one is about.
    pub async fn firing(&self) -> BTreeSet<String> {
        let url = format!("http://127.0.0.1:{}/api/v1/alerts", self.port);
        let Ok(answer) = local::get(&url).await else {
            return BTreeSet::new();
        };
        let answer: Value = answer.json().await.unwrap_or_default();
        let alerts = answer["data"]["alerts"].as_array().cloned();
        let firing = alerts.unwrap_or_default().into_iter();
        firing
            .filter(|alert| alert["state"] == "firing")
            .filter_map(|alert| {
                let label = |name: &str| alert["labels"][name].as_str();
                let about = label("customer").or(label("platform"));
                let about = about.map(|about| format!(" {about}")).unwrap_or_default();
                Some(label("alertname")?.to_owned() + &about)
            })
            .collect()
    }

    /// How many series of a metric Prometheus has.
    async fn series(&self, metric: &str) -> usize {
        let url = format!("http://127.0.0.1:{}/api/v1/query?query={metric}", self.port);
        let answer = local::get(&url).await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        answer["data"]["result"].as_array().map_or(0, Vec::len)
    }
}

// R-N8, R-N10
#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_runs_raises_the_alerts_and_takes_them_back() {
    let Some(program) = program() else {
        eprintln!(
            "NOT TESTED: a running Prometheus. It isn't on the PATH; `make test-tools` unpacks it on Debian"
        );
        return;
    };
    let stage = Stage::start(HOLDFAST, "prometheus").await;
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&program, folder.path(), &stage.address());
    let late = Bridge::start(HOLDFAST, "late").await;
    let (long_ago, now) = (SignedDuration::from_hours(240), Timestamp::now());
    tell(&late, now - long_ago, 9);
    let manifests = [
        embedded_platform("msp"),
        customer("fabrikam", "msp", ""),
        promise(
            "msp",
            "fabrikam",
            "strict",
            // No job fails, and something is restored each hour: nobody keeps that.
            "recoveryPointObjective: 48h, minimumSuccessPercent: 100, restoreTestInterval: 1h",
        ),
        silent_platform(free_port()),
        late.manifest().replace(
            "sweepInterval: 60s",
            "sweepInterval: 5s, usageInterval: 10s",
        ),
        customer("contoso", "late", ""),
        promise(
            "late",
            "contoso",
            "every-other-day",
            "recoveryPointObjective: 48h",
        ),
    ];
    stage.apply(&manifests.join("---\n"));
    let expected = [
        format!("HoldfastPlatformUnreachable {}/silent", stage.namespace()),
        format!("HoldfastServiceLevelMissed {}/msp", stage.namespace()),
        "HoldfastNoRecentBackup contoso".to_owned(),
        format!("HoldfastLicencesLow {}/late", stage.namespace()),
    ];
    eventually("what is wrong raises its alerts", || async {
        let firing = prometheus.firing().await;
        expected.iter().all(|name| firing.contains(name))
    })
    .await;
    let firing = prometheus.firing().await;
    let full = format!("HoldfastLicencesLow {}/msp", stage.namespace());
    for quiet in [
        &*full,
        "HoldfastDown",
        "HoldfastCredentialsRefused",
        "HoldfastSeveralWriters",
        "HoldfastDeletionsHeld",
        "HoldfastDriftReturns",
    ] {
        let fires = firing.iter().any(|name| name.starts_with(quiet));
        assert!(!fires, "{quiet}: {firing:?}");
    }
    assert_eq!(prometheus.series("holdfast_build_info").await, 1);
    eventually("what is recorded is there", || async {
        prometheus.series("holdfast:conditions:count").await > 0
    })
    .await;
    let eased = r#"{"spec": {"serviceLevel": {"recoveryPointObjective": "8760h", "minimumSuccessPercent": 1, "restoreTestInterval": null}}}"#;
    stage.show(&["patch", "serviceplan/strict", "--type=merge", "-p", eased]);
    stage.show(&["delete", "backupplatform/silent"]);
    stage.sweep("msp");
    tell(&late, now, 10);
    late.sweep(&stage, 1).await;
    eventually("what is mended takes them back", || async {
        let firing = prometheus.firing().await;
        expected.iter().all(|name| !firing.contains(name))
    })
    .await;
    drop(prometheus);
}
