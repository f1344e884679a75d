//! Cove end to end: what a person has to know or do is said, and whether devices join by themselves is switched. R-N12

use crate::{HOLDFAST, cove::living};

use holdfast_testkit::{
    operator::{Stage, eventually},
    resources::merge,
};
use serde_json::json;

fn steps(stage: &Stage, object: &str) -> String {
    stage.get(object)["status"]["manualSteps"].to_string()
}

// R-V4, R-N11: switched where a manifest says so; after a restart it is asked about once, and nothing is sent.
#[tokio::test(flavor = "multi_thread")]
async fn automatic_deployment_is_switched_and_asked_about_once_after_a_restart() {
    let (mut stage, cove) = living("coveauto").await;
    let kept = || async { cove.partner("Fabrikam GmbH").await["AutoDeploymentState"].clone() };
    assert_eq!(kept().await, "Enable");
    let wingtip = cove.partner("Wingtip Toys").await;
    assert!(
        wingtip["AutoDeploymentState"].is_null(),
        "nobody has said anything of it"
    );
    let listed = json!({"spec": {"clients": {"admission": "Listed"}}});
    merge(&stage, "customer/fabrikam", &listed);
    eventually("it is switched off", || async { kept().await == "Disable" }).await;
    stage.await_ready(&["customer/fabrikam"]).await;

    let (writes, asked) = (
        cove.writes().len(),
        cove.count("GetAutoDeploymentPartnerState"),
    );
    stage.kill();
    stage.run().await;
    eventually("it is asked about", || async {
        cove.count("GetAutoDeploymentPartnerState") > asked
    })
    .await;
    for _ in 0..3 {
        cove.sweep(&stage, "cove").await;
    }
    stage.await_ready(&["customer/fabrikam"]).await;
    assert_eq!(cove.writes().len(), writes, "{:#?}", cove.writes());
    assert_eq!(cove.count("GetAutoDeploymentPartnerState"), asked + 1);
}

// R-N12, R-S4: what of a tenant nothing acts on, and what follows from another name.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_place_on_cove_and_what_a_new_name_means_are_said() {
    let (stage, cove) = living("covesaid").await;
    let pending = ("ManualStepPending", "True/ConsoleStepRequired");
    let tenant = "tenant/fabrikam-servers";
    stage.await_condition(tenant, pending.0, pending.1).await;
    assert!(steps(&stage, tenant).contains("Retention policies"));
    merge(&stage, tenant, &json!({"spec": {"state": "Suspended"}}));
    eventually("that it isn't switched off is said", || async {
        let said = stage.message(tenant, pending.0);
        said.contains("Not supported by this platform: state.")
    })
    .await;
    let todo = HOLDFAST.run(&["todo", "-n", stage.namespace()]);
    let todo = String::from_utf8_lossy(&todo.stdout);
    assert!(todo.contains("Tenant/fabrikam-servers"), "{todo}");

    let name = "Wingtip Toys and Games";
    let renamed = json!({"spec": {"displayName": name}});
    merge(&stage, "customer/wingtip", &renamed);
    eventually("its users' new login is told", || async {
        steps(&stage, "customer/wingtip").contains("log in under the customer's new name")
    })
    .await;
    assert_eq!(cove.partner(name).await["Name"], name);
    stage.await_ready(&["customer/wingtip"]).await;
}
