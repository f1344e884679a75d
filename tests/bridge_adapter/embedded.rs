//! The adapter and the embedded platform, which were written from the same contract by different hands.

use holdfast_api::Kind;
use holdfast_core::estate::{Capability, Claim, ObjectId, Protection, Scope};
use holdfast_platforms::{
    ByClaim as _, Clients as _, Deletion as _, Mail as _, Operations as _, Reports as _,
    Suspension as _,
};
use holdfast_platforms::{Platform, ProblemKind};
use serde_json::json;

use crate::stage::{Stage, customer, done, patch, problem};

#[tokio::test]
async fn a_fresh_estate_is_observed_whole() {
    let stage = Stage::set().await;
    let capabilities = stage.bridge.identify().await.unwrap();
    assert_eq!(capabilities.verbs.len(), 23);
    assert!(capabilities.takes(Kind::Customer, "limits.storage"));
    assert!(capabilities.can(Capability::ReadLicences));
    let observed = stage.bridge.observe(Scope { clients: true }).await.unwrap();
    assert_eq!(observed.capabilities, capabilities);
    let protected = |kind, protection| {
        observed
            .objects
            .iter()
            .any(|object| object.kind == kind && object.protection == protection)
    };
    assert!(protected(Kind::Reseller, Protection::Default));
    assert!(protected(Kind::ServicePlan, Protection::Default));
    assert!(protected(Kind::Customer, Protection::Default));
    assert!(protected(Kind::Customer, Protection::Sandbox));
    assert!(protected(Kind::Tenant, Protection::Sandbox));
    assert!(
        observed
            .locations
            .iter()
            .any(|location| location.countries == ["DE", "AT"])
    );
    assert_eq!(
        observed
            .administrators
            .iter()
            .filter(|administrator| administrator.active)
            .count(),
        2
    );
    assert!(observed.licences.is_some_and(|licences| licences.free > 0));
    assert!(
        observed
            .clients
            .iter()
            .any(|client| client.id.as_str() == "pc-17" && client.etag.is_some())
    );
}

#[tokio::test]
async fn every_kind_is_made_once_and_found_again() {
    // I1
    let stage = Stage::set().await;
    for made in stage.furnish().await {
        let claim = made.claim.clone().unwrap();
        assert_eq!(
            stage
                .bridge
                .find(made.kind, &claim)
                .await
                .unwrap()
                .iter()
                .map(|found| &found.id)
                .collect::<Vec<_>>(),
            [&made.id]
        );
        assert_eq!(
            stage
                .bridge
                .read(made.kind, &made.id)
                .await
                .unwrap()
                .map(|read| read.claim),
            Some(Some(claim))
        );
    }
    let observed = stage.bridge.observe(Scope::default()).await.unwrap();
    assert_eq!(
        observed
            .objects
            .iter()
            .filter(|object| object.claim.is_some())
            .count(),
        4
    );
    let held = observed
        .objects
        .iter()
        .find(|object| object.claim == Some(Claim::new("hf-customer")))
        .unwrap();
    assert_eq!(held.settings.whole("limits.storage"), Some(500 << 30));
    assert_eq!(held.settings.thousandths("limits.credits"), Some(62_500));
    assert_eq!(held.settings.text("webAccess.passwordTag"), Some("t1"));
    assert!(
        !format!("{observed:?}").contains("Corr3ct-horse"),
        "I5: a password goes one way"
    );

    let mut same = patch(customer(&held.parent().unwrap()));
    let twice = stage.create("hf-customer", same.clone()).await;
    assert_eq!(problem(twice).kind, ProblemKind::AlreadyExists);
    let namesake = problem(stage.create("hf-other", same.clone()).await);
    assert_eq!(namesake.kind, ProblemKind::Conflict);
    assert_eq!(namesake.conflicting_id.as_deref(), Some(held.id.as_str()));
    same.insert("name".to_owned(), json!("Contoso"));
    same.insert("country".to_owned(), json!("JP"));
    let homeless = problem(stage.create("hf-jp", same).await);
    assert_eq!(homeless.kind, ProblemKind::LocationRequired);
    assert_eq!(
        stage
            .bridge
            .find(Kind::Customer, &Claim::new("hf-jp"))
            .await,
        Ok(Vec::new())
    );
}

#[tokio::test]
async fn a_change_needs_the_version_that_was_read() {
    let stage = Stage::set().await;
    let [_, _, customer, _] = stage.furnish().await;
    let bridge = &stage.bridge;
    let old = customer.etag.as_deref();
    let changed = bridge
        .update(
            Kind::Customer,
            &customer.id,
            old,
            None,
            patch(json!({"profile": {"phone": "+49 69 1"}})),
        )
        .await;
    let changed = done(changed);
    assert_eq!(changed.settings.text("profile.phone"), Some("+49 69 1"));
    assert_eq!(
        changed.settings.whole("limits.storage"),
        Some(500 << 30),
        "what isn't named stays"
    );
    let stale = bridge
        .update(
            Kind::Customer,
            &customer.id,
            old,
            None,
            patch(json!({"profile": {"phone": "2"}})),
        )
        .await;
    assert_eq!(problem(stale).kind, ProblemKind::PreconditionFailed);
    let gone = bridge
        .update(
            Kind::Customer,
            &ObjectId::new("none"),
            old,
            None,
            patch(json!({"active": true})),
        )
        .await;
    assert_eq!(problem(gone).kind, ProblemKind::NotFound);
    let cleared = done(
        bridge
            .update(
                Kind::Customer,
                &customer.id,
                changed.etag.as_deref(),
                None,
                patch(json!({"profile": null})),
            )
            .await,
    );
    assert_eq!(cleared.settings.text("profile.phone"), None);
}

#[tokio::test]
async fn switches_mails_and_moves_may_be_repeated() {
    let stage = Stage::set().await;
    let [reseller, _, customer, tenant] = stage.furnish().await;
    let bridge = &stage.bridge;
    for object in [&reseller, &customer, &tenant] {
        for active in [false, false, true, true] {
            assert_eq!(
                done(bridge.set_active(object.kind, &object.id, active).await).active(),
                active
            );
        }
    }
    let mailed = done(bridge.send_welcome_mail(&customer.id).await)
        .facts
        .welcome_mail_sent_at;
    assert!(mailed.is_some());
    assert_eq!(
        done(bridge.send_welcome_mail(&customer.id).await)
            .facts
            .welcome_mail_sent_at,
        mailed
    );
    let client = || async {
        let observed = bridge.observe(Scope { clients: true }).await.unwrap();
        observed
            .clients
            .into_iter()
            .find(|client| client.id.as_str() == "pc-17")
            .unwrap()
    };
    let before = client().await;
    let moved = bridge
        .move_client(&before.id, before.etag.as_deref(), &customer.id)
        .await
        .unwrap();
    assert_eq!(moved.customer_id, customer.id);
    assert_eq!(client().await, moved, "with the version for the next move");
}

#[tokio::test]
async fn a_deletion_needs_its_rehearsal_and_respects_every_guard() {
    let stage = Stage::set().await;
    let [reseller, plan, customer, tenant] = stage.furnish().await;
    let bridge = &stage.bridge;
    for object in [&reseller, &plan, &customer] {
        let refused = problem(bridge.rehearse_deletion(object.kind, &object.id).await);
        assert_eq!(
            refused.kind,
            ProblemKind::HasDependents,
            "{:?}",
            object.kind
        );
        assert_eq!(
            problem(bridge.delete(object.kind, &object.id, "guess").await).kind,
            ProblemKind::HasDependents
        );
    }
    let observed = bridge.observe(Scope::default()).await.unwrap();
    for object in observed
        .objects
        .iter()
        .filter(|object| object.protection != Protection::None)
    {
        let refused = problem(bridge.rehearse_deletion(object.kind, &object.id).await);
        assert!(
            matches!(
                refused.kind,
                ProblemKind::Protected | ProblemKind::HasDependents
            ),
            "{refused:?}"
        );
    }
    assert_eq!(
        problem(bridge.delete(Kind::Tenant, &tenant.id, "guess").await).kind,
        ProblemKind::ConfirmationRequired
    );
    let rehearsal = bridge
        .rehearse_deletion(Kind::Tenant, &tenant.id)
        .await
        .unwrap();
    assert!(rehearsal.clients > 0);
    assert_eq!(
        bridge
            .delete(Kind::Tenant, &tenant.id, &rehearsal.confirmation)
            .await,
        Ok(())
    );
    assert_eq!(bridge.read(Kind::Tenant, &tenant.id).await, Ok(None));
    assert_eq!(
        problem(
            bridge
                .delete(Kind::Tenant, &tenant.id, &rehearsal.confirmation)
                .await
        )
        .kind,
        ProblemKind::NotFound
    );
}

#[tokio::test]
async fn figures_come_for_every_customer() {
    let stage = Stage::set().await;
    let [.., customer, tenant] = stage.furnish().await;
    let usage = stage.bridge.usage(90).await.unwrap();
    let row = |tenant: Option<&ObjectId>| {
        usage
            .rows
            .iter()
            .any(|row| row.customer_id == customer.id && row.tenant_id.as_ref() == tenant)
    };
    assert!(row(None) && row(Some(&tenant.id)));
    let health = stage.bridge.health(30).await.unwrap();
    assert!(
        health
            .rows
            .iter()
            .any(|row| row.tenant_id.as_ref() == Some(&tenant.id) && !row.data_sources.is_empty())
    );
    assert_eq!(
        problem(stage.bridge.operation("none").await).kind,
        ProblemKind::NotFound
    );
}
