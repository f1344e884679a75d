//! After the last fault: everything comes to rest, and then there is silence.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    cast::{CAST, Role},
    platform::Weather,
    world::{Summary, World},
};

/// How long everything may take to come to rest after the last fault. Backoffs grow to hours where a value comes back.
const REST: Duration = Duration::from_secs(8 * 3600);
/// How long it takes at most until the end of the faults is known everywhere: two sweeps.
const HEARD: Duration = Duration::from_secs(150);
/// How long it is watched for silence.
const SILENCE: Duration = Duration::from_secs(600);
/// What is counted beyond the requests that nothing changes: mutating requests for each thing that happened.
const PER_ACT: usize = 14;

impl World {
    /// No more faults, and an operator that runs.
    pub fn calm(&mut self) {
        for operator in self.operators.values() {
            self.processes.rejoin(&operator.actor);
            self.processes.live_on(&operator.actor);
        }
        self.bury();
        self.estate.set_weather(Weather::default());
        for item in self.estate.items() {
            self.estate.spoil(&item.id, false);
        }
        self.cluster.set_faults(0, 0, Duration::ZERO);
        self.put_secret(true);
        self.limit_deletions(1000);
        for index in 0..self.story.operators {
            self.start(index);
        }
    }

    /// Everything comes to rest: Ready, or says why not.
    pub async fn rest(&self) -> Result<(), String> {
        let begun = Instant::now();
        sleep(HEARD).await;
        loop {
            let open: Vec<String> = CAST.iter().filter_map(|role| self.open(*role)).collect();
            self.broken()
                .map_err(|broken| format!("{broken}, still open: {}", open.join("; ")))?;
            if open.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > REST {
                return Err(format!("no rest after {REST:?}: {}", open.join("; ")));
            }
            sleep(Duration::from_secs(20)).await;
        }
    }

    /// What of a resource is still open.
    fn open(&self, (kind, name): Role) -> Option<String> {
        let resource = self.cluster.get(kind.as_str(), name)?;
        let condition = |kind: &str| {
            let conditions = resource.pointer("/status/conditions")?.as_array()?;
            let found = conditions
                .iter()
                .find(|condition| condition["type"] == kind)?;
            found["status"].as_str().map(ToOwned::to_owned)
        };
        let is = |kind: &str, status: &str| condition(kind).as_deref() == Some(status);
        let reason = |kind: &str| {
            let conditions = resource.pointer("/status/conditions")?.as_array()?;
            let found = conditions
                .iter()
                .find(|condition| condition["type"] == kind)?;
            found["reason"].as_str().map(ToOwned::to_owned)
        };
        let observed = resource.pointer("/status/observedGeneration")
            == resource.pointer("/metadata/generation");
        // What it says for itself, and what it waits for: something that is settled too.
        let reasons = ["Observing", "WaitingForReference", "ReferenceNotReady"];
        // What is paused isn't looked at: it stays as it was.
        if is("Ready", "True") && !is("Paused", "True") && self.is_homeless(&resource) {
            return Some(format!("{kind} {name} is Ready below what doesn't exist"));
        }
        let delayed = reason("DeletionBlocked").as_deref() == Some("DeletionDelayed");
        let settled = is("Ready", "True") && !is("Reconciling", "True")
            || ["Stalled", "DeletionBlocked", "Paused", "QuotaExceeded"]
                .iter()
                .any(|kind| is(kind, "True"))
            || reason("Ready").is_some_and(|reason| reasons.contains(&reason.as_str()));
        let status = resource.get("status").cloned().unwrap_or_default();
        (delayed || !(observed && settled)).then(|| format!("{kind} {name}: {status}"))
    }

    /// Whether something above a resource doesn't exist, up to what names its platform itself.
    fn is_homeless(&self, resource: &Value) -> bool {
        let above = [
            ("customerRef", "Customer"),
            ("resellerRef", "Reseller"),
            ("parentRef", "Reseller"),
        ];
        let mut named = above.iter().filter_map(|(reference, kind)| {
            Some((kind, resource["spec"][reference]["name"].as_str()?))
        });
        named.any(|(kind, name)| {
            let above = self.cluster.get(kind, name);
            above.is_none_or(|above| {
                above["spec"]["platformRef"].is_null() && self.is_homeless(&above)
            })
        })
    }

    /// I4: then nothing is sent and nothing is written. What was decided just before may still be on its way.
    pub async fn silent(&self) -> Result<Summary, String> {
        let mut said = String::new();
        for _ in 0..4 {
            let (stood, before) = (self.resources(), self.counts());
            sleep(SILENCE).await;
            self.broken()?;
            let after = self.counts();
            if before == after {
                return self.summary();
            }
            let mut changed = self.resources();
            changed.retain(|resource| !stood.contains(resource));
            said =
                format!("not silent: {before:?} changes and writes became {after:?}: {changed:?}");
        }
        Err(said)
    }

    /// Changes of the platform, and writes to the cluster, so far.
    fn counts(&self) -> (usize, usize) {
        (self.estate.changes(), self.cluster.writes())
    }

    fn summary(&self) -> Result<Summary, String> {
        let (mutations, writes) = self.counts();
        let most = 40 + PER_ACT * self.acts;
        if mutations > most {
            return Err(format!("{mutations} changes for {} acts", self.acts));
        }
        Ok(Summary {
            mutations,
            requests: self.estate.requests(),
            writes,
            states: self.states.clone(),
            died: self.processes.died(),
        })
    }

    /// Every resource as it is now.
    fn resources(&self) -> Vec<String> {
        let of = |(kind, name): &Role| Some(self.cluster.get(kind.as_str(), name)?.to_string());
        CAST.iter().filter_map(of).collect()
    }
}
