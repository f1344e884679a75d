//! Lists: whole, in order, and filtered.

use serde_json::Value;

use crate::{
    finding::{Checked, Finding, ensure},
    kind::Kind,
    requirement::{LIST_COMPLETE, LIST_FILTER, LIST_ORDER, LIST_OTHERS},
    session::{Session, each_once, id},
};

/// Into how many pages a list is cut.
const PAGES: usize = 4;

impl Session {
    /// Reads what is there before anything is made.
    pub(crate) async fn look_around(&mut self) {
        for kind in Kind::ALL {
            let limit = self.offers.page_size;
            let listed = self.walk(kind.plural(), limit, &[]).await;
            let listed = listed.and_then(|listed| each_once(&listed, id).map(|()| listed));
            match listed {
                Ok(listed) => {
                    let etag = |item: &Value| item["etag"].as_str().unwrap_or_default().to_owned();
                    let known = listed.iter().map(|item| (id(item), etag(item)));
                    self.before.insert(kind, known.collect());
                }
                Err(finding) => self.note(LIST_COMPLETE, Some(kind.plural()), Err(finding)),
            }
        }
        for path in ["clients", "locations", "administrators"] {
            let limit = self.offers.page_size;
            let listed = self.walk(path, limit, &[]).await;
            if let ("locations", Ok(locations)) = (path, &listed) {
                self.region = locations.iter().find(|at| stores(at)).map(id);
            }
            let result = listed.and_then(|listed| each_once(&listed, id));
            self.note(LIST_OTHERS, Some(path), result);
        }
    }

    pub(crate) async fn check_lists(&mut self, kind: Kind) {
        let about = Some(kind.plural());
        let first = self.cut_up(kind).await;
        let whole = first.as_ref().map(|_| ()).map_err(Clone::clone);
        self.note(LIST_COMPLETE, about, whole);
        let order = match first {
            Ok(first) => self.in_order(kind, &first).await,
            Err(_) => Err(Finding::not_checked("the list isn't whole")),
        };
        self.note(LIST_ORDER, about, order);
        let filtered = self.filter(kind).await;
        self.note(LIST_FILTER, about, filtered);
    }

    /// The ids of a kind, over several pages.
    async fn cut_up(&mut self, kind: Kind) -> Checked<Vec<String>> {
        let ours: Vec<String> = self.letters(kind).into_iter().map(|ours| ours.1).collect();
        if ours.len() < 2 {
            return Err(Finding::not_checked("too few items could be made"));
        }
        let total = self.before[&kind].len() + ours.len();
        let limit = total.div_ceil(PAGES).clamp(1, self.offers.page_size);
        let listed = self.walk(kind.plural(), limit, &[]).await?;
        each_once(&listed, id)?;
        let listed: Vec<String> = listed.iter().map(id).collect();
        let lost = ours.iter().find(|id| !listed.contains(id));
        ensure(
            lost.is_none(),
            format!("every item is on one of the pages of {limit}"),
            format!("{} isn't", lost.map_or("", String::as_str)),
        )?;
        Ok(listed)
    }

    /// Letters and ids of what was made of a kind, in order of creation.
    pub(crate) fn letters(&self, kind: Kind) -> Vec<(char, String)> {
        let ours = self.scene.iter().filter(|((of, _), _)| *of == kind);
        ours.map(|((_, letter), ours)| (*letter, ours.id.clone()))
            .collect()
    }

    async fn in_order(&mut self, kind: Kind, first: &[String]) -> Checked {
        let ours: Vec<String> = self.letters(kind).into_iter().map(|ours| ours.1).collect();
        let of_ours = |listed: &[String]| -> Vec<String> {
            let ours = listed.iter().filter(|id| ours.contains(id));
            ours.cloned().collect()
        };
        ensure(of_ours(first) == ours, "the oldest first", "another order")?;
        let limit = self.offers.page_size;
        let again = self.walk(kind.plural(), limit, &[]).await?;
        let again: Vec<String> = again.iter().map(id).collect();
        ensure(
            of_ours(&again) == ours,
            "the same items in the same order at the next reading",
            "others, or another order",
        )
    }

    async fn filter(&mut self, kind: Kind) -> Checked {
        let ours = self.piece(kind, 'a')?;
        let limit = self.offers.page_size;
        let nobody = format!("{}-nobody", self.prefix);
        for (reference, expected) in [
            (ours.reference.clone(), vec![ours.id.clone()]),
            (nobody, Vec::new()),
        ] {
            let query = [("externalRef", reference)];
            let listed = self.walk(kind.plural(), limit, &query).await?;
            let listed: Vec<String> = listed.iter().map(id).collect();
            ensure(
                listed == expected,
                format!(
                    "{} of the items with externalRef {}",
                    expected.len(),
                    query[0].1
                ),
                format!("{} items", listed.len()),
            )?;
        }
        if kind == Kind::Tenant {
            let customer = self.piece(Kind::Customer, 'a')?;
            let query = [("customerId", customer.id)];
            let listed = self.walk(kind.plural(), limit, &query).await?;
            let listed: Vec<String> = listed.iter().map(id).collect();
            ensure(
                listed == [ours.id],
                "the one tenant of the customer that customerId names",
                format!("{} tenants", listed.len()),
            )?;
        }
        Ok(())
    }
}

/// Whether a location takes what the check's tenants are.
fn stores(location: &Value) -> bool {
    let products = location["products"].as_array();
    products.is_none_or(|products| {
        products.is_empty() || products.iter().any(|product| product == "HybridWorkloads")
    })
}
