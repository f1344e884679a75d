//! The tree of partners below the top: whole, or not at all.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::time::Instant;

use super::{
    Cove, envelope,
    partner::{ALL_FIELDS, Level, NEEDED, Partner},
};
use crate::{
    Lane, PlatformError,
    estate::{Claim, Protection},
    rows::{self, Lost},
    wire::garbled,
};

const LIST: &str = "EnumeratePartners";
const COUNT: &str = "EnumerateChildPartners";
/// The numbers of `Name` and `Level` among the fields.
const NAME_AND_LEVEL: [u8; 2] = [0, 1];
/// Levels of any tree; a chain of parents that is longer goes in a circle.
const DEEPEST: usize = 32;

/// What was removed within so many seconds is looked for first: five weeks.
const LATELY: i64 = 35 * 86_400;
/// Since ever: zero would mean that no time is set.
const BEGINNING: i64 = 1;

/// A partner as it was read, and what of it can't be read.
pub(super) type Listed = (Partner, Option<String>);

/// A row without what every partner has: it can't be placed.
pub(super) struct Unplaced {
    pub(super) lost: Lost,
    carries: Carried,
}

/// Which claim such a row carries.
enum Carried {
    /// It doesn't say what it is.
    Unsaid,
    /// This one, or none.
    Said(Option<Claim>),
}

impl Unplaced {
    /// Whether it may be the partner that carries a claim.
    pub(super) fn may_carry(&self, claim: &Claim) -> bool {
        match &self.carries {
            Carried::Unsaid => true,
            Carried::Said(carried) => carried.as_ref() == Some(claim),
        }
    }
}

/// Every partner below the top, as listed at once.
pub(super) struct Tree {
    pub(super) rows: Vec<Listed>,
    /// Rows without what every partner has.
    pub(super) lost: Vec<Unplaced>,
    places: HashMap<i64, usize>,
    children: HashMap<i64, Children>,
    asked: Instant,
}

/// How many partners stand directly below one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Children {
    pub(super) customers: u32,
    pub(super) resellers: u32,
}

impl Tree {
    /// # Errors
    /// A list that doesn't add up: then parts of it are missing.
    fn new(
        top: i64,
        read: Vec<Result<Listed, Unplaced>>,
        asked: Instant,
    ) -> Result<Self, PlatformError> {
        let (mut rows, mut lost) = (Vec::with_capacity(read.len()), Vec::new());
        for row in read {
            match row {
                // The vendor's sample doesn't list the parent itself.
                Ok((partner, _)) if partner.id == top => {}
                Ok(row) => rows.push(row),
                Err(row) => lost.push(row),
            }
        }
        let mut tree = Self {
            places: rows
                .iter()
                .enumerate()
                .map(|(place, (partner, _))| (partner.id, place))
                .collect(),
            children: HashMap::new(),
            rows,
            lost,
            asked,
        };
        if tree.places.len() != tree.rows.len() {
            return Err(garbled(LIST, "a partner is listed twice"));
        }
        tree.is_whole(top)?;
        for (partner, _) in &tree.rows {
            let children = tree.children.entry(partner.parent_id).or_default();
            if partner.level().is_above_customers() {
                children.resellers += 1;
            } else {
                children.customers += 1;
            }
        }
        Ok(tree)
    }

    /// Every partner hangs below the top, by partners that are listed too.
    fn is_whole(&self, top: i64) -> Result<(), PlatformError> {
        let unread: HashSet<i64> = self
            .lost
            .iter()
            .filter_map(|lost| lost.lost.id.as_ref()?.parse().ok())
            .collect();
        for (partner, _) in &self.rows {
            let parent = partner.parent_id;
            let known = parent == top || self.places.contains_key(&parent);
            if !known && !unread.contains(&parent) {
                let what = format!(
                    "the list isn't complete: partner {} is below {parent}, which isn't in it",
                    partner.id
                );
                return Err(garbled(LIST, &what));
            }
            if self.above(partner.id).count() >= DEEPEST {
                return Err(garbled(LIST, "the partners' parents form a cycle"));
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, id: i64) -> Option<&Listed> {
        self.rows.get(*self.places.get(&id)?)
    }

    pub(super) fn children(&self, id: i64) -> Children {
        self.children.get(&id).copied().unwrap_or_default()
    }

    /// A partner and what is above it, nearest first.
    fn above(&self, id: i64) -> impl Iterator<Item = &Partner> {
        let start = self.get(id);
        let next = |row: &&Listed| self.get(row.0.parent_id);
        std::iter::successors(start, next)
            .map(|row| &row.0)
            .take(DEEPEST)
    }

    /// The customer that a partner is or belongs to: what is at a site is its customer's.
    pub(super) fn customer_of(&self, id: i64) -> i64 {
        let customer = self
            .above(id)
            .find(|partner| partner.level() == Level::Customer);
        customer.map_or(id, |partner| partner.id)
    }

    /// Whether a partner is a customer: only those have figures.
    pub(super) fn is_customer(&self, id: i64) -> bool {
        let listed = self.get(id);
        listed.is_some_and(|(partner, _)| partner.level() == Level::Customer)
    }

    /// Whether a partner is the pseudo-customer of removed devices, or below it.
    pub(super) fn is_discarded(&self, id: i64) -> bool {
        self.above(id).any(Partner::is_recycle_bin)
    }

    /// Whether a partner belongs to Cove or to another tool: its figures aren't ours to tell.
    pub(super) fn is_anothers(&self, id: i64) -> bool {
        let protection = |listed: &Listed| listed.0.protection(self.is_discarded(id));
        let protection = self.get(id).map(protection);
        protection.is_some_and(|protection| protection != Protection::None)
    }

    /// The pseudo-customers of removed devices.
    pub(super) fn recycle_bins(&self) -> Vec<i64> {
        let bins = self.rows.iter().filter(|row| row.0.is_recycle_bin());
        bins.map(|row| row.0.id).collect()
    }
}

impl Cove {
    /// The whole tree, asked for no earlier than now. Tasks of a lane that ask at the same time share one list.
    pub(super) async fn tree(&self, lane: Lane) -> Result<Arc<Tree>, PlatformError> {
        let now = Instant::now();
        let top = self.root(lane).await?.id;
        let _turn = self.tree.turn(lane).await;
        if let Some(tree) = self.tree.last().filter(|tree| tree.asked >= now) {
            return Ok(tree);
        }
        let asked = Instant::now();
        let rows = self.below(top, true, lane).await?;
        let later = |new: &Tree, held: &Tree| new.asked > held.asked;
        Ok(self.tree.put(Tree::new(top, rows, asked)?, later))
    }

    /// The tree as it was listed last, or now if it wasn't.
    pub(super) async fn known_tree(&self, lane: Lane) -> Result<Arc<Tree>, PlatformError> {
        match self.tree.last() {
            Some(tree) => Ok(tree),
            None => self.tree(lane).await,
        }
    }

    /// The partners below one: all of them, or the direct ones.
    pub(super) async fn below(
        &self,
        id: i64,
        recursively: bool,
        lane: Lane,
    ) -> Result<Vec<Result<Listed, Unplaced>>, PlatformError> {
        let fields: Vec<u8> = ALL_FIELDS.collect();
        let params = json!({
            "parentPartnerId": id,
            "fetchRecursively": recursively,
            "fields": fields,
        });
        let decode = |result: &RawValue| {
            let rows = envelope::rows(LIST, result)?;
            Ok(rows.into_iter().map(partner).collect())
        };
        self.ask(LIST, lane, &params, decode).await
    }

    /// The direct children of a partner, all of them: a list that leaves some out looks whole, so Cove is also asked how many
    /// there are. Without a range that answer lists none. Source: the sample of "Enumerating child customers".
    ///
    /// # Errors
    /// More are there than are listed.
    pub(super) async fn all_below(
        &self,
        id: i64,
        lane: Lane,
    ) -> Result<Vec<Result<Listed, Unplaced>>, PlatformError> {
        let listed = self.below(id, false, lane).await?;
        let params = json!({"partnerId": id, "fields": NAME_AND_LEVEL, "partnerFilter": {}});
        let decode = |result: &RawValue| envelope::inner::<Node>(COUNT, result);
        let there = self.ask(COUNT, lane, &params, decode).await?;
        if there.actual_child_count > listed.len() {
            let what = format!(
                "the list isn't complete: {} partners below {id} are listed, and Cove counts {} of them",
                listed.len(),
                there.actual_child_count
            );
            return Err(garbled(LIST, &what));
        }
        Ok(listed)
    }

    /// One partner, read afresh.
    pub(super) async fn partner(&self, id: i64, lane: Lane) -> Result<Listed, PlatformError> {
        const READ: &str = "GetPartnerInfoById";
        let decode = |result: &RawValue| {
            let row: Box<RawValue> = envelope::inner(READ, result)?;
            let read = partner(&row).map_err(|lost| garbled(READ, &lost.lost.why))?;
            if read.0.id == id {
                Ok(read)
            } else {
                Err(garbled(READ, "the answer is another partner"))
            }
        };
        self.ask(READ, lane, &json!({"partnerId": id}), decode)
            .await
    }

    /// One partner, or that there is none: it is refused, and the whole tree doesn't have it. Where the refusal is about rights,
    /// the partner may only be out of reach: then Cove has to list it among those removed.
    pub(super) async fn partner_if_any(&self, id: i64) -> Result<Option<Listed>, PlatformError> {
        let error = match self.partner(id, Lane::Edit).await {
            Ok(read) => return Ok(Some(read)),
            Err(error @ PlatformError::Refused(_)) => error,
            Err(error) => return Err(error),
        };
        if let Some(row) = self.tree(Lane::Edit).await?.get(id) {
            return Ok(Some(row.clone()));
        }
        let gone = !envelope::is_forbidden(&error)
            || self.was_removed(id)
            || is_listed_as_removed(self, id).await;
        if gone { Ok(None) } else { Err(error) }
    }
}

/// A partner with what is directly below it, as far as it is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    actual_child_count: usize,
}

/// Whether Cove lists a partner among those that were removed: first among those of the last weeks, which are few.
async fn is_listed_as_removed(cove: &Cove, id: i64) -> bool {
    const LIST: &str = "EnumerateRemovedPartners";
    let Ok(root) = cove.root(Lane::Edit).await else {
        return false;
    };
    let now = jiff::Timestamp::now().as_second();
    let weeks_ago = now.saturating_sub(LATELY);
    for (from, to) in [(weeks_ago, now), (BEGINNING, weeks_ago)] {
        let params = json!({"parentPartnerId": root.id, "startTime": from, "endTime": to});
        let decode = |result: &RawValue| {
            let rows = envelope::rows(LIST, result)?;
            let id_of =
                |row: &RawValue| serde_json::from_str::<Value>(row.get()).ok()?["Id"].as_i64();
            Ok(rows.into_iter().any(|row| id_of(row) == Some(id)))
        };
        let listed = cove.ask(LIST, Lane::Edit, &params, decode).await;
        if listed.unwrap_or(false) {
            return true;
        }
    }
    false
}

fn partner(row: &RawValue) -> Result<Listed, Unplaced> {
    rows::salvage(row, &NEEDED).map_err(|lost| Unplaced {
        lost,
        carries: carried(row),
    })
}

/// The claim in a row without a place, as in any other: in its customer reference or in its name.
fn carried(row: &RawValue) -> Carried {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Marks {
        name: Option<String>,
        external_code: Option<String>,
    }
    match serde_json::from_str::<Marks>(row.get()) {
        Ok(Marks {
            name: Some(name),
            external_code,
        }) if !name.is_empty() => {
            let partner = Partner {
                name: Some(name),
                external_code,
                ..Partner::default()
            };
            Carried::Said(partner.claim())
        }
        _ => Carried::Unsaid,
    }
}
