//! Where data is kept. Cove lists the locations with their names alone; which country each hosts is told by the name, for the
//! countries that the vendor's guide names.

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{Cove, envelope};
use crate::{
    Lane, PlatformError,
    estate::{StorageLocation, Unread, Unreadable},
    rows::{self, Lost},
};

/// The countries with a data centre as of release 17.12, "subject to change". Source: "Customer management in Management
/// Console".
const COUNTRIES: [(&str, &str); 15] = [
    ("US", "United States"),
    ("US", "USA"),
    ("BR", "Brazil"),
    ("CA", "Canada"),
    ("AU", "Australia"),
    ("GB", "United Kingdom"),
    ("GB", "UK"),
    ("DE", "Germany"),
    ("NL", "Netherlands"),
    ("NL", "The Netherlands"),
    ("CH", "Switzerland"),
    ("FR", "France"),
    ("IT", "Italy"),
    ("NO", "Norway"),
    ("ZA", "South Africa"),
];

/// A location. Only its id and its name are known to exist.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Location {
    id: i64,
    name: String,
}

/// The code of a country that Cove writes as a code or as a name; `None` where it can't be told.
pub(super) fn country_of(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Some(text.to_ascii_uppercase());
    }
    let mut known = COUNTRIES.iter();
    known
        .find(|(_, name)| name.eq_ignore_ascii_case(text))
        .map(|(code, _)| (*code).to_owned())
}

impl Cove {
    /// The locations that customers can be created in, and those that can't be read.
    pub(super) async fn locations(
        &self,
        lane: Lane,
    ) -> Result<(Vec<StorageLocation>, Unread), PlatformError> {
        const LIST: &str = "EnumerateLocations";
        let decode = |result: &RawValue| {
            let rows = envelope::rows(LIST, result)?;
            Ok(rows
                .into_iter()
                .map(|row| rows::whole(row, &["Id", "Name"]))
                .collect::<Vec<Result<Location, Lost>>>())
        };
        let rows = self.ask(LIST, lane, &json!({}), decode).await?;
        let (mut locations, mut unread) = (Vec::new(), Unread::default());
        for row in rows {
            match row {
                Ok(location) => locations.push(StorageLocation {
                    id: location.id.to_string(),
                    countries: country_of(&location.name).into_iter().collect(),
                    name: location.name,
                    products: Vec::new(),
                }),
                Err(lost) => unread.note(Unreadable {
                    kind: crate::estate::ItemKind::StorageLocation,
                    id: lost.id,
                    why: lost.why,
                }),
            }
        }
        Ok((locations, unread))
    }
}
