//! Manifests that are planned, and what `holdfast plan` says of them.

use serde_json::Value;
use tempfile::TempDir;

use super::operator::Stage;

/// Exit code of `holdfast plan`: nothing would change.
pub const NOTHING: i32 = 0;
/// Something would change.
pub const CHANGES: i32 = 2;
/// Something is refused.
pub const REFUSED: i32 = 3;

/// Two plans.
pub const PLANS: &str = "---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: gold}
spec: {platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}]}
---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: silver}
spec: {platformRef: {name: msp}, planName: Silver, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]}
";

/// A reseller with an allotment.
pub fn reseller(name: &str, storage: &str) -> String {
    format!(
        "---\napiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: msp}}, displayName: {name}, allotment: {{storage: {storage}}}}}\n"
    )
}

/// A customer of a reseller with this in its spec, too.
pub fn customer(name: &str, reseller: &str, more: &str) -> String {
    format!(
        "---\napiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: {name}}}\nspec: {{resellerRef: {{name: {reseller}}}, displayName: \"Customer {name}\", country: \"DE\"{more}}}\n"
    )
}

/// A tenant of a customer.
pub fn tenant(customer: &str, plan: &str) -> String {
    format!(
        "---\napiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {customer}-hybrid}}\nspec: {{customerRef: {{name: {customer}}}, servicePlanRef: {{name: {plan}}}, product: HybridWorkloads, storageRegions: [eu-central-1]}}\n"
    )
}

/// The plan of some manifests: exit code and JSON.
pub fn plan(stage: &Stage, folder: &TempDir, manifests: &str, more: &[&str]) -> (i32, Value) {
    let file = folder.path().join("estate.yaml");
    std::fs::write(&file, manifests).expect("a file");
    let file = file.to_str().expect("a path");
    let fixed = ["plan", "-f", file, "-n", stage.namespace(), "-o", "json"];
    let output = stage.program.run(&[&fixed[..], more].concat());
    let code = output.status.code().expect("an exit code");
    let error = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|problem| panic!("exit {code}, {problem}: {error}"));
    (code, json)
}

/// What a plan refuses: name and rule.
pub fn refusals(plan: &Value) -> Vec<(String, String)> {
    let rows = plan["objects"].as_array().expect("objects");
    rows.iter()
        .filter(|row| row["outcome"] == "refused")
        .map(|row| {
            let text = |member: &str| row[member].as_str().unwrap_or_default().to_owned();
            (text("name"), text("rule"))
        })
        .collect()
}
