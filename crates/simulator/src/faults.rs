//! Faults to order: what a test, or a curious user, can make the platform do wrong. Format: `docs/embedded-faults.md`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One fault: when it strikes, and what then happens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// For people, and for [`Faults::hits`].
    #[serde(default)]
    pub name: String,
    /// Which requests it strikes.
    #[serde(default)]
    pub when: When,
    /// What happens to them.
    #[serde(with = "serde_yaml::with::singleton_map")]
    pub then: Action,
}

/// Which requests a fault strikes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// HTTP method; any when absent.
    pub method: Option<String>,
    /// Start of the path below the base URL, for instance `/v1/customers`; any when absent.
    pub route: Option<String>,
    /// How many requests that match are let through first.
    pub skip: u64,
    /// How many are struck after that; all when absent.
    pub times: Option<u64>,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Action {
    /// Answers at once; the request never reaches the platform.
    Status {
        /// HTTP status.
        code: u16,
        /// `application/problem+json` with a matching problem when neither this nor a body is given.
        #[serde(default)]
        content_type: Option<String>,
        /// The body.
        #[serde(default)]
        body: Option<String>,
        /// The header `Retry-After`, as it stands: seconds, a date, nonsense.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// Waits first.
    #[serde(deserialize_with = "duration")]
    Delay(Duration),
    /// Closes the connection without an answer, before or after the request took effect.
    Drop(Moment),
    /// Answers 504 at once; the request takes effect so much later.
    #[serde(deserialize_with = "duration")]
    Late(Duration),
    /// Keeps so many bytes of the answer's body.
    Truncate(usize),
    /// Tells something else about a list.
    List(Lie),
    /// Hides what was created less than so long ago.
    Hide {
        /// How long an object stays hidden.
        #[serde(rename = "for", deserialize_with = "duration")]
        period: Duration,
        /// Where from; both when absent.
        #[serde(default)]
        from: Option<Place>,
    },
    /// Decides what becomes of the task that the request starts; for the wire whose writes are tasks.
    Task(#[serde(with = "serde_yaml::with::singleton_map")] Fate),
    /// Merges a document into every item of the answer (RFC 7396): a platform that changes what it is told.
    Merge(Value),
}

/// What becomes of a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// It takes so long.
    #[serde(deserialize_with = "duration")]
    Takes(Duration),
    /// It never ends; before or after what was asked for took effect.
    Lost(Moment),
    /// It ends with this error number, and nothing takes effect.
    Fails(i64),
}

/// When a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// The request never reaches the platform.
    Before,
    /// The request took effect, but its answer is lost.
    After,
}

/// Where fresh objects are hidden from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// Lists only.
    Lists,
    /// Reads by id or reference only.
    Gets,
}

/// What can be wrong with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lie {
    /// Empty, and complete.
    Empty,
    /// Every second item is missing, and the list claims to be complete.
    Half,
    /// The last page isn't complete, but has no next one.
    Incomplete,
    /// Every page but the first answers 500.
    SecondPageFails,
    /// The next page is always the same one.
    Loop,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let span = SignedDuration::deserialize(deserializer)?;
    Duration::try_from(span).map_err(serde::de::Error::custom)
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
    struck: u64,
}

#[derive(Debug, Default)]
struct Armoury {
    armed: Vec<Armed>,
    file: Option<(PathBuf, Option<SystemTime>)>,
    check: Option<Check>,
}

/// Whether a wire has a fault, and if not, why.
type Check = fn(&Fault) -> Result<(), String>;

/// The faults in force; clones share them. From code, or from a file that is read again whenever it changes.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Armoury>>);

impl Faults {
    /// Faults from a file. A file that is missing or can't be read leaves the faults as they are, with a line in the log.
    pub fn from_file(path: &Path) -> Self {
        let faults = Self::default();
        faults.armoury(|armoury| armoury.file = Some((path.to_owned(), None)));
        faults
    }

    /// From now on a file with a fault that the wire doesn't have is one that can't be read: what it orders would never happen,
    /// and nobody would notice.
    pub(super) fn checked_by(&self, check: Check) {
        self.armoury(|armoury| armoury.check = Some(check));
    }

    /// Adds one fault.
    pub fn add(&self, fault: Fault) {
        self.armoury(|armoury| {
            armoury.armed.push(Armed::new(fault));
        });
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.armoury(|armoury| armoury.armed.clear());
    }

    /// How many requests the faults of a name have struck.
    pub fn hits(&self, name: &str) -> u64 {
        self.armoury(|armoury| {
            armoury
                .armed
                .iter()
                .filter(|armed| armed.fault.name == name)
                .map(|armed| armed.struck)
                .sum()
        })
    }

    /// What happens to a request; counts it.
    pub(super) fn strike(&self, method: &str, path: &str) -> Vec<Action> {
        self.armoury(|armoury| {
            armoury.reload();
            armoury
                .armed
                .iter_mut()
                .filter_map(|armed| armed.strike(method, path))
                .collect()
        })
    }

    fn armoury<T>(&self, work: impl FnOnce(&mut Armoury) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Armed {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            seen: 0,
            struck: 0,
        }
    }

    fn strike(&mut self, method: &str, path: &str) -> Option<Action> {
        let When {
            method: wanted,
            route,
            skip,
            times,
        } = &self.fault.when;
        let fits = wanted
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && route.as_deref().is_none_or(|route| path.starts_with(route));
        if !fits {
            return None;
        }
        self.seen += 1;
        if self.seen <= *skip || times.is_some_and(|times| self.struck >= times) {
            return None;
        }
        self.struck += 1;
        Some(self.fault.then.clone())
    }
}

impl Armoury {
    fn reload(&mut self) {
        let Some((path, read_at)) = &mut self.file else {
            return;
        };
        let changed = std::fs::metadata(&*path)
            .and_then(|metadata| metadata.modified())
            .ok();
        if changed.is_none() || changed == *read_at {
            return;
        }
        *read_at = changed;
        match std::fs::read_to_string(&*path)
            .map_err(|error| error.to_string())
            .and_then(|text| parse(&text))
            .and_then(|faults| checked(faults, self.check))
        {
            Ok(faults) => {
                self.armed = faults.into_iter().map(Armed::new).collect();
            }
            Err(error) => {
                tracing::error!(path = %path.display(), error, "the faults can't be read; those in force stay");
            }
        }
    }
}

fn parse(text: &str) -> Result<Vec<Fault>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}

fn checked(faults: Vec<Fault>, check: Option<Check>) -> Result<Vec<Fault>, String> {
    let wrong = |fault: &Fault| {
        let why = check?(fault).err()?;
        Some(format!("{}: {why}", fault.name))
    };
    match faults.iter().find_map(wrong) {
        Some(why) => Err(why),
        None => Ok(faults),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_documentation_is_understood() {
        let text = include_str!("../../../docs/embedded-faults.md");
        let example = text
            .split("```yaml")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .expect("an example");
        let faults = parse(example).expect("understood");
        assert!(faults.len() >= 8, "{faults:?}");
    }

    #[test]
    fn a_fault_strikes_the_requests_that_it_names() {
        let faults = Faults::default();
        let when = When {
            method: Some("put".into()),
            route: Some("/v1/customers".into()),
            skip: 1,
            times: Some(2),
        };
        faults.add(Fault {
            name: "f".into(),
            when,
            then: Action::Drop(Moment::After),
        });
        let hit = |method, path| !faults.strike(method, path).is_empty();
        assert!(!hit("GET", "/v1/customers"));
        assert!(!hit("PUT", "/v1/tenants/by-ref/x"));
        let hits: Vec<bool> = (0..4)
            .map(|_| hit("PUT", "/v1/customers/by-ref/x"))
            .collect();
        assert_eq!(hits, [false, true, true, false]);
        assert_eq!(faults.hits("f"), 2);
    }

    #[test]
    fn a_file_is_read_again_when_it_changes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("faults.yaml");
        let faults = Faults::from_file(&path);
        assert!(faults.strike("GET", "/").is_empty());
        std::fs::write(&path, "- then: {truncate: 10}\n").expect("written");
        assert_eq!(faults.strike("GET", "/"), [Action::Truncate(10)]);
        std::fs::write(&path, "nonsense").expect("written");
        let later = SystemTime::now() + Duration::from_secs(5);
        std::fs::File::open(&path)
            .expect("opened")
            .set_modified(later)
            .expect("set");
        assert_eq!(faults.strike("GET", "/"), [Action::Truncate(10)]);
    }
}
