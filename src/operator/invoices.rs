//! Keeping the days of each month in `ConfigMaps`, for invoices: only by the holder of the account's Lease, after a report of
//! consumption, and only what changed. What the cluster refuses is told and tried again with the next report; nothing else waits
//! for it. Serves R-N15.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api, ResourceExt,
    api::{ListParams, PostParams},
};
use thiserror::Error;

use super::{context::Context, metrics::PlatformLabels, platforms::Handle};
use crate::{
    api::names,
    invoice::{self, Day, Month, ShardError},
    survey::{self, PlatformKey},
};

/// What keeps a month from being written.
#[derive(Debug, Error)]
enum Unkept {
    #[error(
        "{0}. The months of the platform aren't counted until that is possible; a day without a figure is listed as missing."
    )]
    Cluster(kube::Error),
    #[error(
        "the operator's ServiceAccount may not get, list, create and update ConfigMaps in this namespace: {0}. The Role holdfast-invoices gives it that (manifests/components/invoices, or invoices.enabled of the chart). The months of the platform aren't counted until then; a day without a figure is listed as missing."
    )]
    Forbidden(String),
    #[error("ConfigMap {0}: {1} The months of the platform aren't counted until then.")]
    Unreadable(String, ShardError),
}

impl From<kube::Error> for Unkept {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 403 => Self::Forbidden(status.message),
            error => Self::Cluster(error),
        }
    }
}

/// A part as the cluster has it.
#[derive(Clone)]
struct Stored {
    version: Option<String>,
    text: String,
    immutable: bool,
}

/// The months of one platform that aren't over, as this process knows them.
#[derive(Default)]
pub struct Book {
    /// By month; nothing until they were read.
    months: Option<BTreeMap<String, Month>>,
    /// By month and number.
    stored: BTreeMap<(String, u8), Stored>,
}

impl Book {
    /// The parts of a month that the cluster has.
    fn there(&self, month: &str) -> BTreeSet<u8> {
        let stored = self.stored.keys().filter(|(of, _)| of == month);
        stored.map(|(_, number)| *number).collect()
    }

    /// The parts of a month as they are to be written.
    fn texts(&self, month: &str) -> BTreeMap<u8, String> {
        let month_of = self.months.as_ref().and_then(|months| months.get(month));
        month_of.map_or_else(BTreeMap::new, |kept| {
            invoice::text(kept, &self.there(month))
        })
    }
}

/// Notes what a report says, and writes what changed. False while nothing may be written, as right after a takeover: then it is
/// to be done again.
pub async fn keep(context: &Context, handle: &Handle, book: &mut Book) -> bool {
    let Some(namespace) = &context.invoices else {
        return true;
    };
    if handle.hold().is_some() {
        // Another process may write meanwhile: what is known here is old then.
        *book = Book::default();
        return false;
    }
    let api = Api::namespaced(context.client.clone(), namespace);
    let labels = PlatformLabels {
        platform: handle.site.key.to_string(),
    };
    let failures = &context.metrics.invoice_write_failures;
    // From the start, so that the first failure is an increase.
    let failures = failures.get_or_create(&labels).clone();
    if let Err(error) = note(context, handle, book, &api).await {
        *book = Book::default();
        let key = &handle.site.key;
        let platform = key.to_string();
        tracing::warn!(platform, namespace, %error, "the month can't be kept for invoices");
        failures.inc();
    }
    handle.hold().is_none()
}

async fn note(
    context: &Context,
    handle: &Handle,
    book: &mut Book,
    api: &Api<ConfigMap>,
) -> Result<(), Unkept> {
    let site = &handle.site;
    let Some(as_of) = site.reports().usage_as_of else {
        return Ok(());
    };
    let today = Day::of(as_of);
    if book.months.is_none() {
        read(book, &site.key, api).await?;
    }
    let months = book.months.get_or_insert_default();
    let figures = survey::figures(&context.survey, site, &today.month);
    let unread = survey::unread(&context.survey, site);
    for (name, month) in months.iter_mut() {
        if *name < today.month {
            month.freeze(&survey::finals(&context.survey, site, name));
        }
    }
    // Of a month before one that is kept nothing is counted any more.
    let latest = months.keys().next_back();
    if latest.is_none_or(|latest| *latest <= today.month) && !figures.is_empty() {
        let platform = site.key.to_string();
        let month = months
            .entry(today.month.clone())
            .or_insert_with(|| Month::new(&platform, &today.month));
        month.note(today.day, &figures, &unread);
    }
    let names: Vec<String> = months.keys().cloned().collect();
    for month in names {
        if !write_month(book, handle, api, &month).await? {
            *book = Book::default();
            return Ok(());
        }
    }
    let over = |month: &Month| month.frozen && month.month < today.month;
    if let Some(months) = &mut book.months {
        let gone: BTreeSet<String> = months
            .values()
            .filter(|month| over(month))
            .map(|month| month.month.clone())
            .collect();
        months.retain(|name, _| !gone.contains(name));
        book.stored.retain(|(month, _), _| !gone.contains(month));
    }
    Ok(())
}

/// Reads the months that aren't over.
async fn read(book: &mut Book, key: &PlatformKey, api: &Api<ConfigMap>) -> Result<(), Unkept> {
    let open = ListParams::default().labels(&format!(
        "{}={},{}={},{}=open",
        names::INVOICE_NAMESPACE_LABEL,
        key.namespace,
        names::PLATFORM_LABEL,
        key.name,
        names::INVOICE_STATE_LABEL,
    ));
    let begun: BTreeSet<String> = api
        .list(&open)
        .await?
        .into_iter()
        .filter_map(|map| map.labels().get(names::INVOICE_MONTH_LABEL).cloned())
        .collect();
    let mut months = BTreeMap::new();
    for month in begun {
        // Those parts as well that a freeze which was cut short has done already.
        let whole = ListParams::default().labels(&format!(
            "{}={},{}={},{}={month}",
            names::INVOICE_NAMESPACE_LABEL,
            key.namespace,
            names::PLATFORM_LABEL,
            key.name,
            names::INVOICE_MONTH_LABEL,
        ));
        let mut texts = BTreeMap::new();
        for map in api.list(&whole).await? {
            let Some((number, text)) = invoice::part(&map) else {
                continue;
            };
            texts.insert(number, text.clone());
            let stored = Stored {
                version: map.resource_version(),
                text,
                immutable: map.immutable == Some(true),
            };
            book.stored.insert((month.clone(), number), stored);
        }
        let joined = invoice::join(&texts)
            .map_err(|(number, error)| Unkept::Unreadable(name(key, &month, number), error))?;
        months.extend(joined.map(|joined| (month, joined)));
    }
    book.months = Some(months);
    Ok(())
}

/// Writes what has changed of a month; false when nothing may be written any more. New parts come first: what is cut off between
/// the two is a month that doesn't name them yet, and none of which a part is lost.
async fn write_month(
    book: &mut Book,
    handle: &Handle,
    api: &Api<ConfigMap>,
    month: &str,
) -> Result<bool, Unkept> {
    let there = book.there(month);
    let mut texts = book.texts(month);
    let mut new = texts.clone();
    new.retain(|number, _| !there.contains(number));
    let mut begun = Ok(true);
    if !new.is_empty() {
        begun = write_parts(book, handle, api, month, new).await;
        texts = book.texts(month);
    }
    match begun {
        Ok(false) => Ok(false),
        begun => begun.and(write_parts(book, handle, api, month, texts).await),
    }
}

/// Writes parts of a month; false when nothing may be written any more. One that the cluster refuses holds no other back.
async fn write_parts(
    book: &mut Book,
    handle: &Handle,
    api: &Api<ConfigMap>,
    month: &str,
    texts: BTreeMap<u8, String>,
) -> Result<bool, Unkept> {
    let mut refused = None;
    for (number, text) in texts {
        if handle.hold().is_some() {
            return Ok(false);
        }
        let part = (month.to_owned(), number);
        match write(book, &handle.site.key, api, part, text).await {
            Err(error @ (Unkept::Cluster(kube::Error::Api(_)) | Unkept::Forbidden(_))) => {
                refused.get_or_insert(error);
            }
            written => written?,
        }
    }
    refused.map_or(Ok(true), Err)
}

/// Writes a part that differs from what is stored. One that is frozen is never written again.
async fn write(
    book: &mut Book,
    key: &PlatformKey,
    api: &Api<ConfigMap>,
    (month, number): (String, u8),
    text: String,
) -> Result<(), Unkept> {
    let place = (month.clone(), number);
    let stored = book.stored.get(&place);
    if stored.is_some_and(|stored| stored.immutable || stored.text == text) {
        return Ok(());
    }
    let frozen = book
        .months
        .as_ref()
        .and_then(|months| months.get(&month))
        .is_some_and(|month| month.frozen);
    let name = name(key, &month, number);
    let map = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            labels: Some(labels(key, &month, frozen)),
            resource_version: stored.and_then(|stored| stored.version.clone()),
            ..ObjectMeta::default()
        },
        immutable: frozen.then_some(true),
        data: Some([(invoice::KEY.to_owned(), text.clone())].into()),
        ..ConfigMap::default()
    };
    let parameters = PostParams::default();
    let written = if stored.is_some() {
        api.replace(&name, &parameters, &map).await?
    } else {
        api.create(&parameters, &map).await?
    };
    let stored = Stored {
        version: written.resource_version(),
        text,
        immutable: frozen,
    };
    book.stored.insert(place, stored);
    Ok(())
}

/// A namespace has no dots in its name, and what follows the platform's has a known form: no two parts have the same name.
fn name(key: &PlatformKey, month: &str, number: u8) -> String {
    format!("{}.{}.{month}.{number:02}", key.namespace, key.name)
}

fn labels(key: &PlatformKey, month: &str, frozen: bool) -> BTreeMap<String, String> {
    let state = if frozen { "frozen" } else { "open" };
    [
        (names::INVOICE_NAMESPACE_LABEL, key.namespace.as_str()),
        (names::PLATFORM_LABEL, key.name.as_str()),
        (names::INVOICE_MONTH_LABEL, month),
        (names::INVOICE_STATE_LABEL, state),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
