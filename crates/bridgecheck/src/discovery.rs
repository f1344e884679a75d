//! What the bridge says of itself.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    finding::{Checked, Finding, ensure, short},
    kind::Kind,
    line::Ask,
    requirement::{CAPABILITIES, REPEATABLE},
    session::{Offers, Session},
};

fn texts(value: &Value) -> BTreeSet<String> {
    let texts = value.as_array().into_iter().flatten();
    texts
        .filter_map(|text| text.as_str().map(ToOwned::to_owned))
        .collect()
}

impl Session {
    /// Whether the bridge can be judged any further.
    pub(crate) async fn check_discovery(&mut self) -> bool {
        let said = self.ask_capabilities().await;
        let known = said.is_ok();
        self.note(CAPABILITIES, None, said);
        if known {
            let repeatable = self.repeatable().await;
            self.note(REPEATABLE, None, repeatable);
        }
        known
    }

    async fn ask_capabilities(&mut self) -> Checked {
        let answer = self.line.send(Ask::get(&["capabilities"])).await?;
        let said = answer.expect(&[200])?;
        let version = &said["contractVersion"];
        ensure(version == "1", "contractVersion \"1\"", short(version))?;
        ensure(
            said["account"]["id"]
                .as_str()
                .is_some_and(|id| !id.is_empty()),
            "an account with an id",
            "none",
        )?;
        let units = &said["units"];
        ensure(
            units["storage"] == "bytes" && units["rate"] == "bits/s",
            "units bytes and bits/s: figures would be wrong by orders of magnitude",
            short(units),
        )?;
        let by_kind = |what: &str| {
            let kinds = Kind::ALL.iter();
            kinds
                .map(|kind| (*kind, texts(&said[what][kind.plural()])))
                .collect()
        };
        let mode = said["mode"].as_str().unwrap_or_default();
        let read_only = match mode {
            "apply" => None,
            "manual" => Some("a person carries every step out (mode manual)".to_owned()),
            _ => Some("nothing can be written (mode observe)".to_owned()),
        };
        let page_size = said["limits"]["pageSize"].as_u64().unwrap_or(100);
        self.offers = Offers {
            verbs: texts(&said["verbs"]),
            fields: by_kind("fields"),
            fixed: by_kind("fixed"),
            default_plan: said["defaultPlanId"].as_str().map(ToOwned::to_owned),
            page_size: usize::try_from(page_size).unwrap_or(100).clamp(1, 500),
            read_only,
        };
        // The account never changes.
        let again = self.line.send(Ask::get(&["capabilities"])).await?;
        ensure(
            again.body["account"]["id"] == said["account"]["id"],
            "the same account at every request",
            "another one at the second",
        )
    }

    async fn repeatable(&mut self) -> Checked {
        let creates = Kind::ALL.iter().any(|kind| self.can("Create", *kind));
        if !creates {
            return Err(Finding::not_offered("the bridge creates nothing"));
        }
        let said = self.line.send(Ask::get(&["capabilities"])).await?;
        ensure(
            said.body["repeatableCreate"] == true,
            "repeatableCreate true: without it Holdfast creates nothing",
            "it isn't, although the verbs have creations",
        )
    }
}
