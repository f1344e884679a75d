//! The figures of all devices, read by one query for the whole tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Cove, SHARED,
    devices::{NAME, Query, Row, USED},
    envelope,
    mapping::moment,
    tree::Tree,
};
use crate::{Lane, PlatformError, Problem, rows::Lost};

/// The sources that are active on a device, as a run of codes: `D01D02D10`.
const ACTIVE: &str = "I78";

/// Data sources by their codes. `D09` is left out: it is the newest success over all of them, behind which a dead one hides.
/// Source: column codes; `D18` from an older list.
const SOURCES: [(&str, &str); 19] = [
    ("D01", "FilesAndFolders"),
    ("D02", "SystemState"),
    ("D03", "LegacyMSSQL"),
    ("D04", "Exchange"),
    ("D05", "M365SharePoint"),
    ("D06", "NetworkShares"),
    ("D07", "VssSystemState"),
    ("D08", "VMware"),
    ("D10", "MSSQL"),
    ("D11", "SharePoint"),
    ("D12", "Oracle"),
    ("D14", "HyperV"),
    ("D15", "MySQL"),
    ("D16", "VirtualDisasterRecovery"),
    ("D17", "BareMetalRestore"),
    ("D18", "LinuxSystemState"),
    ("D19", "M365Exchange"),
    ("D20", "M365OneDrive"),
    ("D23", "M365Teams"),
];
/// Status of the last session, the last success, the last session, status of the last session that ended. Source: column codes.
const FIELDS: [&str; 4] = [STATUS, SUCCESS, "F15", "F17"];
const STATUS: &str = "F00";
const SUCCESS: &str = "F09";
/// What is asked about each device.
const GENERAL: [&str; 3] = [NAME, USED, ACTIVE];
/// How long it is remembered which sources may not be asked about.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// One device.
pub(super) struct Device {
    pub(super) id: i64,
    pub(super) partner: i64,
    pub(super) name: Option<String>,
    /// Bytes in the cloud, where the platform says.
    pub(super) used: Option<u64>,
    pub(super) sources: Vec<Source>,
    /// Whether the platform says something of it that can't be read.
    pub(super) is_odd: bool,
}

/// One active data source of a device.
pub(super) struct Source {
    pub(super) workload: &'static str,
    pub(super) status: Option<&'static str>,
    pub(super) last_run: Option<Timestamp>,
    pub(super) last_success: Option<Timestamp>,
}

/// All devices.
pub(super) struct Fleet {
    pub(super) devices: Vec<Device>,
    pub(super) lost: Vec<Lost>,
    /// Columns that were asked for and that no row has: the code is wrong, or the platform doesn't give it.
    pub(super) silent: Vec<String>,
    /// Active sources whose columns weren't asked for: nothing is known of them.
    pub(super) unasked: BTreeSet<String>,
    /// Sources that may not be asked about, and when that was found out.
    refused: Option<(Instant, Refused)>,
}

/// Data sources of which some column is refused.
type Refused = BTreeSet<&'static str>;

fn columns(refused: &Refused) -> Vec<String> {
    let sources = SOURCES.iter().filter(|(code, _)| !refused.contains(code));
    let of_sources = sources.flat_map(|(code, _)| of_source(code));
    GENERAL
        .map(str::to_owned)
        .into_iter()
        .chain(of_sources)
        .collect()
}

fn of_source(code: &str) -> [String; 4] {
    FIELDS.map(|field| format!("{code}{field}"))
}

impl Cove {
    /// The figures of all devices; those of the report just read are used again.
    pub(super) async fn fleet(&self, tree: &Tree) -> Result<Arc<Fleet>, PlatformError> {
        let mut known = self.fleet.lock().await;
        if let Some((until, fleet)) = known.as_ref()
            && Instant::now() < *until
        {
            return Ok(Arc::clone(fleet));
        }
        let began = Instant::now();
        let last = known.as_ref().and_then(|(_, fleet)| fleet.refused.clone());
        let mut refused = last.filter(|(since, _)| since.elapsed() < REMEMBERED);
        let of = |refused: &Option<(Instant, Refused)>| {
            let none = Refused::new();
            columns(refused.as_ref().map_or(&none, |(_, refused)| refused))
        };
        let mut read = self.read_fleet(tree, &of(&refused)).await;
        if let Err(error) = &read
            && envelope::is_forbidden(error)
        {
            refused = Some((Instant::now(), self.refused(error).await?));
            read = self.read_fleet(tree, &of(&refused)).await;
        }
        let fleet = Arc::new(Fleet { refused, ..read? });
        let until = Instant::now() + SHARED.max(began.elapsed());
        *known = Some((until, Arc::clone(&fleet)));
        Ok(fleet)
    }

    /// Which sources may not be asked about. One refused column refuses the whole query, and the answer doesn't say which: each
    /// source is asked about by itself. Without a column that every device has there are no figures.
    async fn refused(&self, because: &PlatformError) -> Result<Refused, PlatformError> {
        let partner = self.root(Lane::Sweep).await?.id;
        for column in GENERAL {
            let asked = [column.to_owned()];
            if self.may_ask(partner, &asked).await? {
                continue;
            }
            return Err(match because {
                // Not even the name: it isn't about columns.
                PlatformError::Refused(problem) if column != NAME => Problem {
                    detail: format!("column {column}: {}", problem.detail),
                    ..problem.clone()
                }
                .into(),
                because => because.clone(),
            });
        }
        let mut refused = Refused::new();
        for (code, _) in SOURCES {
            if !self.may_ask(partner, &of_source(code)).await? {
                refused.insert(code);
            }
        }
        Ok(refused)
    }

    async fn read_fleet(&self, tree: &Tree, asked: &[String]) -> Result<Fleet, PlatformError> {
        let without = tree.recycle_bins();
        let query = Query {
            partner: self.root(Lane::Sweep).await?.id,
            columns: asked,
            without: &without,
        };
        let (mut seen, mut unasked) = (BTreeSet::new(), BTreeSet::new());
        let is_asked = |code: &str| asked.iter().any(|column| column.starts_with(code));
        let device = |row: &Row| {
            let values = row.columns(asked);
            for column in values.keys() {
                if !seen.contains(*column) {
                    seen.insert((*column).to_owned());
                }
            }
            let active = values.get(ACTIVE).map_or("", String::as_str);
            let (told, untold): (Vec<&str>, Vec<&str>) =
                codes(active).partition(|code| is_asked(code));
            unasked.extend(untold.into_iter().map(str::to_owned));
            device(row, &values, &told)
        };
        let (devices, lost) = self.devices(&query, Lane::Sweep, device).await?;
        let is_awaited = |column: &&String| {
            let general = GENERAL.contains(&column.as_str());
            let of_active = [STATUS, SUCCESS]
                .iter()
                .any(|field| column.ends_with(field))
                && devices.iter().any(|device| {
                    let mut sources = device.sources.iter();
                    sources.any(|source| Some(source.workload) == workload(&column[..3]))
                });
            general || of_active
        };
        let silent = asked
            .iter()
            .filter(|column| !devices.is_empty() && !seen.contains(*column))
            .filter(is_awaited)
            .cloned()
            .collect();
        Ok(Fleet {
            devices,
            lost,
            silent,
            unasked,
            refused: None,
        })
    }
}

fn device(row: &Row, values: &BTreeMap<&str, String>, active: &[&str]) -> Device {
    let number = |column: &str| values.get(column)?.trim().parse::<i64>().ok();
    let source = |code: &&str| {
        let last = number(&format!("{code}{STATUS}"));
        let ended = || number(&format!("{code}F17"));
        let last = if last.is_some_and(is_under_way) {
            ended()
        } else {
            last
        };
        Some(Source {
            workload: workload(code)?,
            status: last.and_then(status),
            last_success: number(&format!("{code}{SUCCESS}")).and_then(moment),
            last_run: number(&format!("{code}F15")).and_then(moment),
        })
    };
    let used = values.get(USED).and_then(|used| used.trim().parse().ok());
    Device {
        id: row.account_id,
        partner: row.partner_id,
        name: values.get(NAME).cloned(),
        used,
        sources: active.iter().filter_map(source).collect(),
        is_odd: row.is_odd,
    }
}

/// The codes of a run of them, or of a list: `D01D02D10` or `D01, D02, D10`; without the total.
fn codes(run: &str) -> impl Iterator<Item = &str> {
    let starts = run.match_indices('D').map(|(place, _)| place);
    let codes = starts.filter_map(|place| run.get(place..place + 3));
    codes.filter(|code| *code != "D09")
}

/// A source's name. Only those that are known are asked for.
fn workload(code: &str) -> Option<&'static str> {
    let known = SOURCES.iter().find(|(known, _)| *known == code);
    known.map(|(_, name)| *name)
}

/// In process, in progress with faults, restarted: a session that says nothing yet of how it ends. One that runs whenever it is
/// asked about would never be judged by its own status. Source: column codes.
fn is_under_way(number: i64) -> bool {
    matches!(number, 1 | 9 | 12)
}

/// The word for the status of a session; `None` before the first. Source: column codes.
fn status(number: i64) -> Option<&'static str> {
    match number {
        5 => Some("Successful"),
        2 | 3 | 6 | 10 | 11 => Some("Failed"),
        7 => Some("Missed"),
        8 => Some("CompletedWithErrors"),
        _ => None,
    }
}
