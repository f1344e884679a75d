//! Status lists a part of many entries, and says how many are left out.

use serde_json::json;

use super::fixtures::{Scene, customer, hidden_customer, noon};
use crate::{
    api::{ConditionType, conditions::Reason, shared::ManagedStatus, status_document},
    estate::ObjectId,
    planner::{Step, Verdict, refused_status},
};

/// A settled customer that lists so many clients, none of them known.
fn listing(clients: usize) -> Scene {
    let ids: Vec<String> = (1..=clients).map(|id| format!("laptop-{id}")).collect();
    let mut scene = customer("fabrikam").applied();
    scene.remote.clients = Some(ids.iter().map(|id| (id.clone(), None)).collect());
    scene.with(json!({"clients": {"ids": ids}}))
}

fn message(status: &ManagedStatus, kind: ConditionType) -> String {
    let mut conditions = status.conditions.iter();
    let found = conditions.find(|condition| condition.type_ == kind.as_str());
    found.expect("the condition").message.clone()
}

#[test]
fn the_last_manual_step_says_what_the_others_are() {
    assert_eq!(listing(20).status().manual_steps.len(), 20);
    for clients in [21, 500] {
        let status = listing(clients).status();
        assert_eq!(status.manual_steps.len(), 20);
        let last = &status.manual_steps[19];
        assert_eq!(last.field, "clients.ids");
        let rest = format!("and {} more: client laptop-", clients - 19);
        assert!(last.step.starts_with(&rest), "{}", last.step);
        let told = message(&status, ConditionType::ManualStepPending);
        assert!(
            told.contains(&format!(": clients.ids ({clients}). See")),
            "{told}"
        );
        let document = status_document("Customer", &status).expect("JSON");
        let step = document["manualSteps"][19]["step"]
            .as_str()
            .expect("a step");
        assert!(step.chars().count() <= 1024);
        assert_eq!(step.ends_with('…'), clients == 500);
    }
}

// R-D2: a text is cut after the name is taken out of it, so that no part of it is left at its end.
#[test]
fn no_part_of_a_hidden_name_is_left_where_a_text_is_cut() {
    for length in 236..=256 {
        let notes = "x".repeat(length - 1) + " Fabrikam GmbH";
        let scene = hidden_customer("fabrikam")
            .with(json!({"profile": {"notes": "ours"}, "management": "Observe"}))
            .applied()
            .drifted(json!({"profile": {"notes": notes}}));
        let document = status_document("Customer", &scene.status()).expect("JSON");
        let text = document["drift"].to_string();
        assert!(
            text.contains("xxx") && !text.contains(" F"),
            "{length}: {text}"
        );
    }
}

// Part of an id would be another id: an object with an id that can't be noted isn't written to, and its resource can be
// released.
#[test]
fn an_object_with_an_endless_id_is_left_alone_and_said_to_be_unusable() {
    let long = "9".repeat(129);
    let endless =
        |scene: Scene| scene.where_object(|object| object.id = ObjectId::new(&"9".repeat(129)));
    let scene = endless(customer("fabrikam").applied()).edited(json!({"profile": {"phone": "5"}}));
    let said = scene.stalled(Reason::PlatformAnswerInvalid);
    assert!(said.contains("129 characters"), "{said}");
    let document = status_document("Customer", &scene.status()).expect("JSON");
    assert!(!document.to_string().contains(&long[..128]));
    let scene = endless(customer("fabrikam").applied()).deleting();
    assert_eq!(scene.first(), Step::Release);
    let usable = customer("fabrikam").applied();
    assert_eq!(usable.settlement().verdict, Verdict::InSync);
}

// What safety depends on is kept as it was made, and what people read as it was before.
#[test]
fn a_refused_status_gives_way_to_one_that_says_so() {
    let made = json!({
        "observedGeneration": 4, "externalId": "7", "claim": "hf-1", "platform": "msp", "protection": "None",
        "changes": [{"at": "2026-11-25T00:00:00Z", "step": "Update", "outcome": "Done"}],
        "summary": {"limit": "200Gi"}, "tenants": {"total": 2}, "drift": [{"field": "profile.phone"}],
    });
    let before = json!({
        "observedGeneration": 3, "externalId": "7", "intent": {"id": "3-1", "step": "Update", "at": "2026-11-25T00:00:00Z"},
        "summary": {"limit": "100Gi"}, "tenants": {"total": 1},
        "conditions": [{"type": "Ready", "status": "True", "reason": "InSync", "message": "fine.", "lastTransitionTime": "2026-11-20T00:00:00Z"}],
    });
    let answer = "status.summary.limit: Too long. ".repeat(200);
    let written =
        |before, now| refused_status("Customer", before, &made, 4, &answer, now).expect("JSON");
    let first = written(&before, noon());
    for kept in ["externalId", "claim", "platform", "protection", "changes"] {
        assert_eq!(first[kept], made[kept], "{kept}");
    }
    for stays in ["summary", "tenants"] {
        assert_eq!(first[stays], before[stays], "{stays}");
    }
    assert_eq!((first.get("intent"), first.get("drift")), (None, None));
    assert_eq!(first["observedGeneration"], 4);
    let said = first["conditions"].as_array().expect("conditions");
    let said: Vec<&str> = said
        .iter()
        .filter_map(|condition| condition["type"].as_str())
        .collect();
    assert_eq!(said, ["Ready", "Stalled"]);
    let later = noon() + std::time::Duration::from_secs(60);
    assert_eq!(written(&first, later), first, "said once");
}

#[test]
fn of_endless_labels_a_part_is_written_and_the_rest_counted() {
    let mut scene = customer("fabrikam").applied();
    let regions = (0..100).map(|number| (format!("region.holdfast.dev/r-{number}"), String::new()));
    scene.labels.extend(regions);
    scene
        .labels
        .insert("holdfast.dev/platform".into(), "msp".into());
    let Step::Mark(marks) = scene.first() else {
        panic!("no marks");
    };
    assert_eq!(marks.labels.len(), 65);
    scene.declared.marks = marks;
    let told = message(&scene.status(), ConditionType::Ready);
    assert!(
        told.ends_with("Labels omitted because there are too many: 36."),
        "{told}"
    );
}

// R-D6: of what holds a deletion a few are named, and the message says that it continues by itself.
#[test]
fn a_held_deletion_names_what_is_below() {
    let doomed = |below: usize| {
        let mut scene = customer("fabrikam")
            .with(json!({"deletionPolicy": "Delete"}))
            .applied()
            .where_object(|object| object.facts.tenants = 7)
            .deleting()
            .read_afresh();
        scene.neighbours.dependents = (1..=below).map(|id| format!("Tenant t-{id}")).collect();
        scene.blocked(Reason::HasDependents)
    };
    assert!(
        doomed(0).starts_with("Customer 1042 still has 7 tenants. "),
        "{}",
        doomed(0)
    );
    let few = doomed(2);
    assert!(few.contains("7 tenants (Tenant t-1, Tenant t-2)"), "{few}");
    assert!(few.contains("this deletion continues by itself"), "{few}");
    let many = doomed(7);
    assert!(
        many.contains(
            "(Tenant t-1, Tenant t-2, Tenant t-3, Tenant t-4, Tenant t-5 and 2 more resources)"
        ),
        "{many}"
    );
}
