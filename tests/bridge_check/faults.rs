//! A bridge that is wrong in one way is told so by the requirement that it breaks.

use futures::{StreamExt as _, stream};
use holdfast_testkit::console::Served;

use crate::{
    Checked, HOLDFAST,
    faulty::{Fault, Faulty},
    fine::everything,
};

/// Checks at the same time.
const AT_ONCE: usize = 4;
/// Each fault, and what is told of it: the requirement that it breaks first, and those that can't hold then either.
const PLANTED: [(Fault, &[&str]); 34] = [
    (Fault::TokenUnchecked, &["token-missing", "token-wrong"]),
    (Fault::WrongTokenForbidden, &["token-wrong"]),
    (Fault::StorageInGigabytes, &["capabilities", "answers"]),
    (Fault::NotRepeatable, &["repeatable-create"]),
    (Fault::TimesWithoutZone, &["answers", "read-back"]),
    (Fault::SettingLost, &["create", "create-equal"]),
    (Fault::ReadsAnotherName, &["read-back"]),
    (Fault::RepeatTakenForNew, &["create-once"]),
    (Fault::RepeatNeverEqual, &["create-equal"]),
    (Fault::RaceMakesSeveral, &["create-race"]),
    (Fault::UnknownDropped, &["create-unknown"]),
    (
        Fault::ConflictUntold,
        &["create-name", "create-equal", "answers"],
    ),
    (Fault::EmptyKept, &["create-empty"]),
    (Fault::PasswordReturned, &["create-secret"]),
    (Fault::PatchReplaces, &["merge"]),
    (Fault::NullIgnored, &["clear"]),
    (Fault::IfMatchIgnored, &["if-match"]),
    (Fault::SwitchIgnored, &["switch"]),
    (Fault::LastPageLost, &["list-complete"]),
    (Fault::PageForEver, &["list-complete"]),
    (Fault::NewestFirst, &["list-order"]),
    (Fault::FilterIgnored, &["list-filter"]),
    (Fault::ClientsNotThere, &["list-others"]),
    (
        Fault::GoneIsOdd,
        &[
            "absent",
            "gone",
            "new-id",
            "create-unknown",
            "create-invalid",
            "create-name",
            "nothing-left",
        ],
    ),
    (Fault::RehearsalRemoves, &["rehearsal"]),
    (Fault::Unconfirmed, &["confirmation"]),
    (Fault::GuardForced, &["guard", "confirmation"]),
    (
        Fault::RemovalIgnored,
        &["gone", "confirmation", "guard", "rehearsal", "nothing-left"],
    ),
    (Fault::UsageAsText, &["usage", "answers"]),
    (Fault::TotalLacksTenants, &["usage"]),
    (Fault::CreditsInHundredths, &["usage"]),
    (Fault::HealthTwice, &["health"]),
    (Fault::SourceHasMoreJobs, &["health"]),
    (Fault::OthersChanged, &["others-untouched"]),
];

/// What was told of a fault, where it isn't what is expected.
async fn unlike(fault: Fault, expected: &[&str]) -> Option<String> {
    let platform = Served::start(HOLDFAST).await;
    let faulty = Faulty::before(&platform.console.url, &platform.console.token).await;
    faulty.be(fault);
    let checked = Checked::run(&faulty.url, &platform.console.token).await;
    let told = checked.with(&["wrong", "missing"]);
    let mut expected = expected.to_vec();
    expected.sort_by_key(|id| told.iter().position(|told| told == id));
    println!("{fault:?}: {told:?}, exit code {}", checked.code);
    let code = if expected.contains(&"nothing-left") {
        3
    } else {
        2
    };
    let alike = told == expected && checked.code == code;
    (!alike).then(|| format!("{fault:?}: {told:?} {}\n{:#}", checked.said, checked.report))
}

// R-N19
#[tokio::test(flavor = "multi_thread")]
async fn each_planted_fault_is_named() {
    let all = stream::iter(PLANTED).map(|(fault, expected)| unlike(fault, expected));
    let unlike: Vec<_> = all.buffer_unordered(AT_ONCE).collect().await;
    let unlike: Vec<_> = unlike.into_iter().flatten().collect();
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}

// R-N19
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_mixes_items_up_loses_none_of_what_others_have() {
    let platform = Served::start(HOLDFAST).await;
    let before = everything(&platform).await;
    let faulty = Faulty::before(&platform.console.url, &platform.console.token).await;
    faulty.be(Fault::MixedUp);
    let checked = Checked::run(&faulty.url, &platform.console.token).await;
    assert_eq!(checked.code, 3, "{:#}", checked.report);
    assert_eq!(everything(&platform).await, before);
    for change in platform.console.mutations().await {
        assert_ne!(change["path"], "/v1/customers/1", "{change}");
    }
}
