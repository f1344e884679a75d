//! Running the preview: a decision is made for every resource, again and again, until nothing changes any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kube::ResourceExt;

use super::{
    Ending, Preview, Row, World, act::Taken, nowhere, outcome::unobserved, quotas, world::Kept,
};
use crate::{
    api::{ConditionType, Customer, Kind, Reseller, ServicePlan, Tenant},
    planner::{
        self, PlatformFacts, PlatformState, Progress, Settlement, Step, Supplements, Verdict, View,
    },
    survey::{self, Managed, ResourceRef},
};

/// Steps that one pass may take, as in the operator.
const STEPS: usize = 24;
/// The number of rounds after which a resource that still changes is left as it is.
const ROUNDS: usize = 32;

/// No decision could be made for a resource.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A spec that can't be turned into a document.
    #[error("{0} can't be read: {1}")]
    Encoding(ResourceRef, serde_json::Error),
    /// The planner's steps don't end.
    #[error(
        "{0}: the plan doesn't end after {STEPS} steps; this is a bug in Holdfast, please report it"
    )]
    NoEnd(ResourceRef),
}

impl World {
    /// What would happen.
    ///
    /// # Errors
    /// A resource for which no decision could be made.
    pub fn play(mut self, now: jiff::Timestamp) -> Result<Preview, PlayError> {
        let mut notes = std::mem::take(&mut self.notes);
        for (key, trouble) in &self.troubles {
            notes.push(unobserved(key, trouble));
        }
        let sites: Vec<_> = self.sites.values().cloned().collect();
        for site in &sites {
            self.survey.open(site, &now.into());
        }
        let before = self.shares(now);
        let ready = self.ready();
        let mut rows = BTreeMap::new();
        for _ in 0..ROUNDS {
            if !self.round(&mut rows, now)? {
                break;
            }
        }
        let quotas = quotas::compare(&before, &self.shares(now));
        let homeless = self.platforms().into_iter().filter_map(|platform| {
            Some(Row {
                ending: nowhere::namespace(&self, &platform.metadata)?,
                ..Row::new("BackupPlatform", &platform.metadata)
            })
        });
        let subjects = &self.subjects;
        let rows = rows.into_iter();
        let rows = rows
            .filter(|(resource, row): &(ResourceRef, Row)| {
                // Of the others, those to which something happens: what was refused before is no news.
                let refused = matches!(row.ending, Ending::Refused { .. });
                subjects.contains(resource)
                    || !row.actions.is_empty()
                    || refused && ready.contains(resource)
            })
            .map(|(_, row)| row);
        let objects: Vec<Row> = homeless.chain(rows).collect();
        Ok(Preview {
            totals: Preview::count(&objects),
            objects,
            quotas,
            notes,
        })
    }

    /// The resources that are Ready now.
    fn ready(&self) -> BTreeSet<ResourceRef> {
        fn of<K: Kept>(world: &World) -> impl Iterator<Item = ResourceRef> {
            let objects = K::store(&world.survey.stores).all().into_iter();
            let ready = |object: &Arc<K>| {
                let mut conditions = object
                    .managed()
                    .into_iter()
                    .flat_map(|told| &told.conditions);
                conditions.any(|told| {
                    told.type_ == ConditionType::Ready.as_str() && told.status == "True"
                })
            };
            let objects: Vec<_> = objects.filter(ready).collect();
            objects
                .into_iter()
                .map(|object| survey::resource_ref(&*object))
        }
        of::<Reseller>(self)
            .chain(of::<ServicePlan>(self))
            .chain(of::<Customer>(self))
            .chain(of::<Tenant>(self))
            .collect()
    }

    /// One pass for every resource that isn't settled. True when anything was done.
    fn round(
        &mut self,
        rows: &mut BTreeMap<ResourceRef, Row>,
        now: jiff::Timestamp,
    ) -> Result<bool, PlayError> {
        // Deletions run from the bottom up; creations run from the top down.
        let mut moved = self.round_of::<Tenant>(true, rows, now)?;
        moved |= self.round_of::<Customer>(true, rows, now)?;
        moved |= self.round_of::<ServicePlan>(true, rows, now)?;
        moved |= self.round_of::<Reseller>(true, rows, now)?;
        moved |= self.round_of::<Reseller>(false, rows, now)?;
        moved |= self.round_of::<ServicePlan>(false, rows, now)?;
        moved |= self.round_of::<Customer>(false, rows, now)?;
        moved |= self.round_of::<Tenant>(false, rows, now)?;
        Ok(moved)
    }

    fn round_of<K: Kept>(
        &mut self,
        deleting: bool,
        rows: &mut BTreeMap<ResourceRef, Row>,
        now: jiff::Timestamp,
    ) -> Result<bool, PlayError> {
        let mut objects = K::store(&self.survey.stores).all();
        objects.sort_by_key(|object| {
            (
                object.creation_timestamp(),
                object.namespace(),
                object.name_any(),
            )
        });
        let mut moved = false;
        for object in objects {
            if object.meta().deletion_timestamp.is_some() != deleting {
                continue;
            }
            let resource = survey::resource_ref(&*object);
            if rows
                .get(&resource)
                .is_some_and(|row| row.ending == Ending::Settled)
            {
                continue;
            }
            let (taken, ending, remarks) = self.pass::<K>(&resource, now)?;
            moved |= !taken.actions.is_empty();
            let row = rows.entry(resource.clone());
            let row = row.or_insert_with(|| Row::new(K::KIND.as_str(), object.meta()));
            row.actions.extend(taken.actions);
            (row.ending, row.remarks) = (ending, remarks);
        }
        Ok(moved)
    }

    /// Performs steps until there is nothing more to do now, as in the operator.
    fn pass<K: Kept>(
        &mut self,
        resource: &ResourceRef,
        now: jiff::Timestamp,
    ) -> Result<(Taken, Ending, Vec<String>), PlayError> {
        let mut taken = Taken::default();
        let (namespace, name) = (&resource.namespace, &resource.name);
        for step in 0..STEPS {
            let Some(object) = K::store(&self.survey.stores).get(namespace, name) else {
                return Ok((taken, Ending::Settled, Vec::new()));
            };
            if let Some(ending) = nowhere::reference(self, &*object) {
                return Ok((taken, ending, Vec::new()));
            }
            if step == 0 {
                taken.progress = object.managed().map(Progress::resumed).unwrap_or_default();
            }
            let (state, site) = self.platform_state(&*object);
            let supplements = self.supplements(&*object, &state);
            let mut observation = survey::gather(
                &self.survey,
                &*object,
                state,
                site.as_deref(),
                supplements,
                &now.into(),
            )
            .map_err(|error| PlayError::Encoding(resource.clone(), error))?;
            if matches!(
                observation.platform,
                PlatformState::Missing { .. } | PlatformState::Unresolved { .. }
            ) {
                // Everything that was applied together has arrived: a missing reference isn't just delayed.
                observation.declared.created_at = jiff::Timestamp::UNIX_EPOCH;
            }
            let progress = taken.progress.clone();
            let view = View {
                hold: site
                    .as_ref()
                    .and_then(|site| site.account_mismatch())
                    .map(|message| (crate::api::Reason::AccountMismatch, message)),
                ..observation.view(&progress, now.into())
            };
            match planner::next(&view) {
                Step::Settle(settlement) => {
                    let status = planner::managed_status(&view, &settlement, Vec::new());
                    let remarks = remarks(&settlement);
                    let ending = ending(&settlement);
                    let mut object = (*object).clone();
                    *object.managed_mut() = status;
                    if settlement.verdict == Verdict::Released {
                        self.remove(&object);
                    } else {
                        self.put(object);
                    }
                    return Ok((taken, ending, remarks));
                }
                step => self.act(
                    &object,
                    &observation,
                    site.as_deref(),
                    step,
                    &mut taken,
                    now,
                ),
            }
        }
        Err(PlayError::NoEnd(resource.clone()))
    }

    /// Passwords as their tags and pictures as their digests, as far as the Secrets and `ConfigMap`s are known.
    fn supplements<K: Managed>(&self, object: &K, state: &PlatformState) -> Supplements {
        let mut supplements = Supplements::default();
        let PlatformState::Observed(facts) = state else {
            return supplements;
        };
        self.add_pictures(object, facts, &mut supplements);
        let Some(password) = object
            .web_access()
            .and_then(|access| access.password_ref.as_ref())
        else {
            return supplements;
        };
        let resource = survey::resource_ref(object);
        let secret = self
            .secrets
            .get(&(resource.namespace.clone(), password.name.clone()));
        match secret.and_then(|secret| secret.get(&password.key)) {
            Some(value) => {
                let tag = tag(facts, K::KIND, &resource, value);
                supplements.settings.insert("webAccess.passwordTag", tag);
            }
            None if self.secrets_unknown && secret.is_none() => {}
            None => {
                let problem = format!(
                    "Secret {:?} doesn't exist or has no key {:?}. Create it.",
                    password.name, password.key
                );
                let problem = (crate::api::Reason::SecretMissing, problem);
                supplements.missing.insert("webAccess.passwordRef", problem);
            }
        }
        supplements
    }
}

fn tag(
    facts: &PlatformFacts,
    kind: Kind,
    resource: &ResourceRef,
    value: &secrecy::SecretString,
) -> String {
    use secrecy::ExposeSecret;
    let claim = facts.claim(kind, &resource.namespace, &resource.name);
    let text = value.expose_secret().trim_end_matches(['\r', '\n']);
    planner::secret_tag(&facts.owner_id, &claim, text)
}

/// The settlement as a plan shows it.
fn ending(settlement: &Settlement) -> Ending {
    let refused = |reason: &str, message: &str| Ending::Refused {
        rule: settlement.rule.unwrap_or(reason).to_owned(),
        message: message.to_owned(),
    };
    let waiting = |reason: &str, message: &str| Ending::Waiting {
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    match &settlement.verdict {
        Verdict::InSync
        | Verdict::ClusterOnly(_)
        | Verdict::Observing
        | Verdict::Paused
        | Verdict::Released => Ending::Settled,
        Verdict::NotLookedYet => waiting("NotLookedYet", "the platform has not been observed yet"),
        Verdict::Waiting(reason, message) => waiting(reason.as_str(), message),
        Verdict::Unreachable(message) => waiting("PlatformUnreachable", message),
        Verdict::Stalled(reason, message) => refused(reason.as_str(), message),
        Verdict::OverQuota(message) => refused("QuotaExceeded", message),
        Verdict::DeletionBlocked(reason, message) => match settlement.rule {
            Some("deletion-delayed" | "deletion-breaker") | None => {
                waiting(reason.as_str(), message)
            }
            Some(rule) => refused(rule, message),
        },
    }
}

/// Differences that aren't written, and what a person has to do.
fn remarks(settlement: &Settlement) -> Vec<String> {
    let drift = settlement.drift.iter().map(|drift| {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        format!(
            "{} stays {}, but the spec says {}",
            drift.field,
            text(&drift.observed),
            text(&drift.desired)
        )
    });
    let steps = settlement.manual_steps.iter().map(|step| step.step.clone());
    let idle = settlement
        .not_acted_on
        .iter()
        .map(|field| format!("{field} isn't supported by this platform"));
    drift.chain(steps).chain(idle).collect()
}
