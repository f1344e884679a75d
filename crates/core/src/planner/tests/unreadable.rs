//! An object that the platform shows and that can't be read: nothing is done to it, and it isn't taken for gone.

use serde_json::json;

use super::fixtures::*;
use crate::{
    api::{Kind, Reason},
    estate::Object,
    planner::Step,
};

fn odd(object: &mut Object) {
    object.unreadable = Some("limits.storage: -5 is not a size such as 500Gi".into());
}

#[test]
fn nothing_is_written_to_what_can_not_be_read() {
    let scene = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "0"}}))
        .where_object(odd);
    let message = scene.stalled(Reason::PlatformAnswerInvalid);
    assert!(message.contains("limits.storage: -5"), "{message}");
    assert!(scene.settlement().again.is_some());
}

#[test]
fn what_stands_where_the_object_would_be_is_not_made_again_beside_it() {
    let mut namesake = remote(
        Kind::Tenant,
        "9",
        &json!({"customerId": "7", "product": "HybridWorkloads"}),
    );
    odd(&mut namesake);
    let scene = tenant("t").finalized().unclaimed().beside(namesake, None);
    let message = scene.stalled(Reason::PlatformAnswerInvalid);
    assert!(message.contains("Tenant 9"), "{message}");
}

#[test]
fn its_resource_is_let_go_with_retain_and_held_with_delete() {
    let scene = customer("fabrikam").applied().where_object(odd).deleting();
    assert_eq!(scene.next(), Step::Release);
    let held = customer("fabrikam")
        .applied()
        .where_object(odd)
        .edited(json!({"deletionPolicy": "Delete"}))
        .deleting()
        .read_afresh();
    let message = held.blocked(Reason::PlatformAnswerInvalid);
    assert!(
        message.contains("limits.storage: -5") && message.contains("Retain"),
        "{message}"
    );
}
