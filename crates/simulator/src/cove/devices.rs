//! Methods about devices.

use serde_json::{Value, json};

use super::{
    columns::{is_known, value},
    fault::{CUSTOM_COLUMNS, FORBIDDEN, Fault, UNKNOWN},
    rpc::{Outcome, Request},
    world::{Document, ROOT, Table},
};
use crate::random;

impl Request<'_> {
    fn device(&self, id: i64) -> Result<&Document, Fault> {
        let device = self.world.get(Table::Device, id);
        let device =
            device.ok_or_else(|| Fault::new(UNKNOWN, format!("device {id} doesn't exist")))?;
        let partner = device["PartnerId"].as_i64().unwrap_or_default();
        self.visible(partner).map(|_| device)
    }

    pub(super) fn enumerate_account_statistics(&mut self) -> Outcome {
        let query = self.object("query")?;
        let partner = query.get("PartnerId").and_then(Value::as_i64);
        let partner = partner.ok_or_else(|| Fault::plain("PartnerId is required"))?;
        self.visible(partner)?;
        if query
            .get("Filter")
            .and_then(Value::as_str)
            .is_some_and(|filter| !filter.is_empty())
        {
            return Err(Fault::plain("this simulator has no filters"));
        }
        let asked = query.get("Columns").and_then(Value::as_array);
        let asked: Vec<&str> = asked
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if asked
            .iter()
            .any(|code| self.modes.restricted_columns.iter().any(|one| one == code))
        {
            return Err(Fault::new(FORBIDDEN, "Refused for security reasons"));
        }
        let dropped = |code: &&&str| !self.modes.dropped_columns.iter().any(|one| one == **code);
        // Unknown codes are dropped without a word.
        let columns: Vec<&str> = asked
            .iter()
            .filter(dropped)
            .filter(|code| is_known(code))
            .copied()
            .collect();
        let number = |member: &str| {
            let number = query.get(member).and_then(Value::as_u64);
            usize::try_from(number.unwrap_or_default()).unwrap_or_default()
        };
        let from = number("StartRecordNumber");
        let less = usize::from(self.modes.uneven_pages && from > 0);
        let most = number("RecordsCount").min(self.modes.largest_page - less);
        let devices = self.ordered(partner, query);
        let page = devices.into_iter().skip(from).take(most);
        let rows: Vec<Value> = page.map(|device| self.row(device, &columns)).collect();
        Ok(json!({"result": rows, "totalStatistics": null}))
    }

    /// The devices below a partner without the excluded ones, by name.
    fn ordered(&self, top: i64, query: &Document) -> Vec<&Document> {
        let excluded = query.get("ExcludedPartners").and_then(Value::as_array);
        let excluded: Vec<i64> = excluded
            .into_iter()
            .flatten()
            .filter_map(Value::as_i64)
            .collect();
        let is_in = |device: &&Document| {
            let partner = device["PartnerId"].as_i64().unwrap_or_default();
            let out = excluded
                .iter()
                .any(|out| self.world.is_within(partner, *out));
            !out && (top == ROOT || self.world.is_within(partner, top))
        };
        let devices = self.world.all(Table::Device).map(|(_, device)| device);
        let mut devices: Vec<&Document> = devices.filter(is_in).collect();
        devices.sort_by_key(|device| device["Name"].as_str());
        devices
    }

    fn row(&self, device: &Document, columns: &[&str]) -> Value {
        let partner = device["PartnerId"].as_i64().unwrap_or_default();
        let nothing = Document::new();
        let of = self.world.get(Table::Partner, partner).unwrap_or(&nothing);
        let settings: Vec<Value> = columns
            .iter()
            .filter_map(|code| Some(json!({*code: value(device, of, code)?})))
            .collect();
        let none = settings.is_empty() && self.modes.settings_may_be_null;
        json!({
            "AccountId": device["Id"], "PartnerId": partner, "Flags": null,
            "Settings": if none { Value::Null } else { settings.into() },
        })
    }

    /// With secrets: so that it can be tested that nobody keeps them.
    pub(super) fn get_account_info_by_id(&mut self) -> Outcome {
        let device = self.device(self.number("accountId")?)?.clone();
        Ok(json!({"result": without_columns(device), "homeNodeInfo": null}))
    }

    pub(super) fn enumerate_accounts(&mut self) -> Outcome {
        let partner = self.number("partnerId")?;
        self.visible(partner)?;
        let of_partner = |(_, device): &(&i64, &Document)| device["PartnerId"] == partner;
        let devices = self.world.all(Table::Device).filter(of_partner);
        let rows: Vec<Value> = devices
            .map(|(_, device)| without_columns(device.clone()))
            .collect();
        Ok(json!({"result": rows}))
    }

    pub(super) fn add_account(&mut self) -> Outcome {
        let info = self.object("accountInfo")?.clone();
        let name = info.get("Name").and_then(Value::as_str).unwrap_or_default();
        let taken = self
            .world
            .all(Table::Device)
            .any(|(_, device)| device["Name"] == name);
        if name.is_empty() || taken {
            return Err(Fault::value("the name is missing or taken"));
        }
        let partner = info
            .get("PartnerId")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        self.visible(partner)?;
        let id = self.world.fresh_id();
        let (password, token) = (random::token(), random::uuid());
        let answer = json!({"Id": id, "Name": name, "Password": password, "Token": token});
        let mut device = info.clone();
        for (member, value) in [
            ("Id", json!(id)),
            ("Password", json!(password)),
            ("Token", json!(token)),
        ] {
            device.insert(member.into(), value);
        }
        self.write(Table::Device, id, device)?;
        Ok(json!({"result": answer}))
    }

    pub(super) fn modify_account(&mut self) -> Outcome {
        let info = self.object("accountInfo")?.clone();
        let id = info.get("Id").and_then(Value::as_i64);
        let id = id.ok_or_else(|| Fault::plain("Id is required"))?;
        let mut device = self.device(id)?.clone();
        if let Some(partner) = info.get("PartnerId").and_then(Value::as_i64) {
            self.visible(partner)?;
            let forced = self.params["forceRemoveCustomColumnValuesInOldScope"] == true;
            if self.modes.custom_columns_in_scope && !forced {
                return Err(Fault::new(
                    CUSTOM_COLUMNS,
                    "Values of custom columns would be lost",
                ));
            }
            device.insert("PartnerId".into(), partner.into());
        }
        for member in ["NameAlias", "ProductId", "ProfileId", "ExpirationTime"] {
            if let Some(value) = info.get(member) {
                device.insert(member.into(), value.clone());
            }
        }
        self.write(Table::Device, id, device)?;
        Ok(Value::Null)
    }

    /// Destroys the device's backups.
    pub(super) fn remove_account(&mut self) -> Outcome {
        let id = self.number("accountId")?;
        self.device(id)?;
        self.forget(Table::Device, id)?;
        Ok(Value::Null)
    }
}

fn without_columns(mut device: Document) -> Value {
    device.remove("columns");
    device.into()
}
