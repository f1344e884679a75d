//! Credits that run out: month after month a customer has one machine more, until its limit is used up. The platform runs on a clock
//! of its own, months behind, which the test moves.

use holdfast_simulator::{Clock, Host, HostOptions};
use holdfast_testkit::{
    bridge::{bridge_platform, secret},
    console::Console,
    operator::{Stage, eventually},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    HOLDFAST,
    monitoring::{Prometheus, program},
};

/// Machines that nobody has listed yet, in the order in which they are; each uses between 3 and 10 credits in 90 days.
const MACHINES: [&str; 5] = ["srv-04", "pc-19", "pc-18", "srv-03", "pc-17"];
/// No month is skipped.
const STEP: SignedDuration = SignedDuration::from_hours(31 * 24);

/// A distributor with an allotment, a reseller below it, and a customer below that one, which lists some machines.
fn estate(machines: usize) -> String {
    let listed = MACHINES[..machines].join(", ");
    format!(
        r#"apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {{name: nordic}}
spec: {{platformRef: {{name: msp}}, displayName: Nordic, level: Distributor, allotment: {{credits: 40, warnAtPercent: 70}}}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {{name: northwind}}
spec: {{platformRef: {{name: msp}}, parentRef: {{name: nordic}}, displayName: Northwind IT, level: Reseller}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {{name: fabrikam}}
spec: {{resellerRef: {{name: northwind}}, displayName: Fabrikam, country: "DE", limits: {{credits: 30, warnAtPercent: 70}}, clients: {{admission: Listed, ids: [{listed}]}}}}
"#
    )
}

/// The platform, its clock, and an operator.
struct Story {
    stage: Stage,
    console: Console,
    clock: Clock,
    _host: Host,
    _data: TempDir,
}

impl Story {
    async fn begin() -> Self {
        let data = TempDir::new().expect("a folder");
        let steps = i32::try_from(MACHINES.len() - 1).expect("few");
        let days = SignedDuration::from_hours(24) + STEP * steps;
        let clock = Clock::fixed(Timestamp::now() - days);
        let options = HostOptions {
            clock: clock.clone(),
            ..HostOptions::new(data.path())
        };
        let host = Host::start(options).await.expect("the platform starts");
        let access = host.estate("credits", "msp").await.expect("an estate");
        let token = access.token.expose_secret().to_owned();
        let stage = Stage::start(HOLDFAST, "credits").await;
        let platform = bridge_platform("msp", &access.url, ", usageInterval: 10s");
        stage.apply(&[secret("msp", &token), platform].join("---\n"));
        let console = Console {
            url: access.url,
            token,
        };
        Self {
            stage,
            console,
            clock,
            _host: host,
            _data: data,
        }
    }

    fn usage(&self, object: &str) -> Value {
        self.stage.get(object)["status"]["usage"].clone()
    }

    /// The platform's day.
    fn today(&self) -> Date {
        self.clock.now().to_zoned(TimeZone::UTC).date()
    }

    /// Credits of 90 days, as the platform tells them of the customer.
    async fn consumed(&self) -> Option<f64> {
        let id = self.console.named("customers", "Fabrikam").await["id"].clone();
        let usage = self
            .console
            .call(Method::GET, "/v1/usage?days=90", None)
            .await;
        let rows = usage["items"].as_array()?.iter();
        let mut own = rows.filter(|row| row["customerId"] == id && row["tenantId"].is_null());
        own.next()?["credits"].as_f64()
    }

    /// The customer has so many machines, and status says what they use, of the customer and of the distributor above it.
    async fn have(&self, machines: usize) {
        self.stage.apply(&estate(machines));
        self.stage.await_ready(&["customer/fabrikam"]).await;
        eventually("the machines have moved", || async {
            let id = self.console.named("customers", "Fabrikam").await["id"].clone();
            let clients = self.console.list("clients").await;
            let own = clients.iter().filter(|client| client["customerId"] == id);
            own.count() == machines
        })
        .await;
        let told = self.consumed().await.expect("credits");
        self.stage.sweep("msp");
        eventually("the credits are in status", || async {
            let known = |object: &str| {
                let credits = self.usage(object)["credits"].clone();
                credits.as_str().and_then(|text| text.parse::<f64>().ok())
            };
            known("customer/fabrikam") == Some(told) && known("reseller/nordic") == Some(told)
        })
        .await;
    }
}

fn day(usage: &Value) -> Date {
    let text = usage["quotaExhaustedOn"].as_str();
    let text = text.unwrap_or_else(|| panic!("no day: {usage:#}"));
    text.parse().expect("a day")
}

// R-N6, R-N16: months of credits are remembered beyond the 90 days of a report; the day is foretold once enough of them are over,
// for a customer and for what is allotted to a distributor above it; and it comes.
#[tokio::test(flavor = "multi_thread")]
async fn credits_that_run_out_are_foretold_from_months_and_the_day_comes() {
    let story = Story::begin().await;
    let stage = &story.stage;
    story.have(1).await;
    let months = story.usage("customer/fabrikam")["months"].clone();
    for object in ["customer/fabrikam", "reseller/nordic"] {
        let usage = story.usage(object);
        assert_eq!(usage["forecast"], "TooLittleKnown", "{object}: {usage:#}");
        assert_eq!(usage["quotaExhaustedOn"], Value::Null, "{object}");
        stage
            .await_condition(object, "LimitNear", "False/WithinLimits")
            .await;
    }
    for machines in 2..MACHINES.len() {
        story.clock.advance(STEP);
        story.have(machines).await;
    }
    let customer = story.usage("customer/fabrikam");
    assert!(
        customer["months"].as_array().map(Vec::len)
            > months.as_array().map(Vec::len).map(|few| few + 1),
        "months before the report's are remembered: {customer:#}"
    );
    let nordic = story.usage("reseller/nordic");
    assert_eq!(nordic["months"], customer["months"]);
    for usage in [&customer, &nordic] {
        assert_eq!(usage["forecast"], "RunsOut", "{usage:#}");
    }
    // 7 are left, and a machine more each month uses 3 to 10 more.
    let (foretold, ahead) = (
        day(&customer),
        story
            .today()
            .saturating_add(SignedDuration::from_hours(120 * 24)),
    );
    assert!(story.today() < foretold && foretold < ahead, "{foretold}");
    assert!(day(&nordic) > foretold, "more is allotted: {nordic:#}");
    it_is_said(stage, "customer/fabrikam", "limits").await;
    stage
        .await_condition("reseller/nordic", "LimitNear", "False/WithinLimits")
        .await;

    story.clock.advance(STEP);
    story.have(MACHINES.len()).await;
    assert_eq!(day(&story.usage("customer/fabrikam")), story.today());
    let nordic = story.usage("reseller/nordic");
    assert!(day(&nordic) > story.today(), "8 of 40 are left: {nordic:#}");
    it_is_said(stage, "reseller/nordic", "allotment").await;
    assert_eq!(stage.condition("reseller/nordic", "Ready"), "True/InSync");
    the_days_are_measured(&story).await;
    the_alert_fires(stage).await;
}

/// The condition with its text, and the event.
async fn it_is_said(stage: &Stage, object: &str, field: &str) {
    stage
        .await_condition(object, "LimitNear", "True/LimitReached")
        .await;
    let message = stage.message(object, "LimitNear");
    let advice = format!("Raise {field}.credits,");
    assert!(
        message.contains(&advice) && !message.contains("storage,"),
        "{message}"
    );
    eventually("the event is there", || async {
        stage
            .show(&["events", "--for", object])
            .contains("LimitReached")
    })
    .await;
}

async fn the_days_are_measured(story: &Story) {
    for (object, metric) in [
        (
            "customer/fabrikam",
            "holdfast_customer_limit_exhausted_timestamp_seconds",
        ),
        (
            "reseller/nordic",
            "holdfast_reseller_allotment_exhausted_timestamp_seconds",
        ),
    ] {
        let (kind, name) = object.split_once('/').expect("KIND/NAME");
        let labels = format!(r#"namespace="{}",{kind}="{name}""#, story.stage.namespace());
        let midnight = day(&story.usage(object)).to_zoned(TimeZone::UTC);
        let seconds = midnight.expect("an instant").timestamp().as_second();
        let seconds = f64::from(i32::try_from(seconds).expect("before 2038"));
        let measured = story.stage.measured(metric, &labels).await;
        assert!((measured - seconds).abs() < 1.0, "{metric}: {measured}");
    }
    for kind in ["Customer", "Reseller"] {
        let labels = format!(r#"kind="{kind}",type="LimitNear",status="True""#);
        let near = story.stage.measured("holdfast_condition", &labels).await;
        assert!((near - 1.0).abs() < 0.1, "{kind}: {near}");
    }
}

/// By the rules that are shipped, where there is a Prometheus.
async fn the_alert_fires(stage: &Stage) {
    let Some(program) = program() else {
        eprintln!("NOT TESTED: the alert, for want of a Prometheus");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = Prometheus::start(&program, folder.path(), &stage.address());
    eventually("the alert fires", || async {
        let firing = prometheus.firing().await;
        let near = format!("HoldfastLimitNear {}/msp", stage.namespace());
        firing.contains(&near)
    })
    .await;
}
