//! What the gateway's own lists say before and after: invariants I1 to I3.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::gateway::{Gateway, Keys};

const STRANGER: Keys = Keys {
    name: "stranger-of-the-tests",
    secret: "secret-of-stranger-of-the-tests",
};
const BUCKET: &str = "stranger-backup";

/// What was on the gateway before, and has to be there afterwards unchanged.
pub struct Before {
    users: BTreeSet<String>,
    stranger: Value,
    bucket: Value,
}

fn users(gateway: &Gateway) -> BTreeSet<String> {
    let users = gateway.admin(&["user", "list"]);
    let users = users.as_array().unwrap().iter();
    users.map(|uid| uid.as_str().unwrap().to_owned()).collect()
}

/// The stranger's bucket: whose it is, and what is in it.
fn bucket(gateway: &Gateway) -> Value {
    let stats = gateway.admin(&["bucket", "stats", "--bucket", BUCKET]);
    serde_json::json!([stats["owner"], stats["id"], stats["usage"]])
}

impl Before {
    pub fn of(gateway: &Gateway) -> Self {
        let create = ["user", "create", "--uid", "stranger"];
        let keys = [
            "--access-key",
            STRANGER.name,
            "--secret-key",
            STRANGER.secret,
        ];
        let name = ["--display-name", "Stranger"];
        let _ = gateway.try_admin(&[&create[..], &keys, &name].concat());
        let (done, said) = gateway.restic(STRANGER, BUCKET, &["init"]);
        assert!(done || said.contains("already"), "{said}");
        Self {
            users: users(gateway),
            stranger: gateway.user("stranger"),
            bucket: bucket(gateway),
        }
    }

    /// I1: one user each and no other; I2: a stranger, its bucket and what is in it are as they were; I3: nobody is gone.
    pub fn judge(&self, gateway: &Gateway, ours: &BTreeSet<String>) {
        let expected: BTreeSet<String> = self.users.union(ours).cloned().collect();
        assert_eq!(
            users(gateway),
            expected,
            "one user each, and the others still there"
        );
        assert_eq!(gateway.user("stranger"), self.stranger);
        assert_eq!(bucket(gateway), self.bucket);
    }
}
