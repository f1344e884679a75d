//! Reports that were read a while ago. Figures at the vendor move once a day and lie days back, while reading them takes
//! minutes where there are thousands of tenants.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A report is valid for this many times the time that it took to read.
const REST: u32 = 10;

/// The report that was read last.
pub(super) struct ReportCache<Report>(Mutex<Option<Kept<Report>>>);

struct Kept<Report> {
    days: u16,
    until: Instant,
    report: Report,
}

impl<Report> Default for ReportCache<Report> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Report: Clone> ReportCache<Report> {
    /// The last report over so many days, while it is valid.
    pub(super) fn get(&self, days: u16) -> Option<Report> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref()?;
        let good = kept.days == days && Instant::now() < kept.until;
        good.then(|| kept.report.clone())
    }

    /// Keeps a report that took so long to read.
    pub(super) fn keep(&self, days: u16, took: Duration, report: &Report) {
        let kept = Kept {
            days,
            until: Instant::now() + took * REST,
            report: report.clone(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }
}
