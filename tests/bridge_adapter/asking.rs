//! Everything that a platform can be asked, and what may be said of what it answers.

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, ObjectId, Scope};
use holdfast_platforms::{Platform, PlatformError};
use holdfast_testkit::mutate::Chance;
use serde_json::json;

/// Asks a platform everything; a panic names the question. Returns the errors.
pub async fn ask_everything(
    platform: impl Platform + 'static,
    objects: Vec<(Kind, ObjectId)>,
    chance: Chance,
) -> Vec<PlatformError> {
    let asking = tokio::spawn(async move { ask(&platform, &objects, chance).await });
    asking.await.expect("no answer makes the driver panic")
}

async fn ask(
    platform: &dyn Platform,
    objects: &[(Kind, ObjectId)],
    mut chance: Chance,
) -> Vec<PlatformError> {
    let mut errors = Vec::new();
    errors.extend(platform.identify().await.err());
    errors.extend(platform.observe(Scope { clients: true }).await.err());
    let (kind, id) = chance.of(objects).clone();
    errors.extend(platform.read(kind, &id).await.err());
    if let Some(reports) = platform.reports() {
        errors.extend(reports.usage(90).await.err());
        errors.extend(reports.health(30).await.err());
    }
    if let Some(by_claim) = platform.by_claim() {
        let found = by_claim.find(kind, &Claim::new("hf-customer")).await;
        errors.extend(found.err());
    }
    if let Some(beside) = platform.list_beside() {
        let document = json!({"name": "Fabrikam", "customerId": id});
        let document = document.as_object().cloned().unwrap();
        errors.extend(beside.beside(kind, &document).await.err());
    }
    if let Some(deletion) = platform.deletion() {
        errors.extend(deletion.rehearse_deletion(kind, &id).await.err());
    }
    if let Some(operations) = platform.operations() {
        errors.extend(operations.operation("4711").await.err());
    }
    let phone = json!({"profile": {"phone": chance.below(1000).to_string()}});
    let phone = phone.as_object().cloned().unwrap();
    errors.extend(platform.update(kind, &id, None, None, phone).await.err());
    errors
}

/// An error is a line or two for a person, whatever the platform has put into it.
pub fn assert_fit_to_be_said(seed: u64, errors: &[PlatformError]) {
    for error in errors {
        let text = error.to_string();
        assert!(text.len() < 4096, "seed {seed}: {} bytes", text.len());
        assert!(!text.chars().any(char::is_control), "seed {seed}: {text:?}");
    }
}
