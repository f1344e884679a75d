//! Methods about partners.

use serde_json::{Value, json};

use super::{
    fault::{CUSTOM_COLUMNS, FORBIDDEN, Fault, NAME_TAKEN, NOT_EMPTY, UNKNOWN},
    modes::Names,
    partner::{added, check, company_of, rank, settle, shown, whole},
    rpc::{Outcome, Request},
    world::{Document, ROOT, Table},
};
use crate::random;

/// Members that a modification may change. Location and country aren't among them: they are ignored.
const CHANGEABLE: [&str; 8] = [
    "ParentId",
    "Name",
    "Level",
    "ServiceType",
    "ChildServiceTypes",
    "State",
    "Flags",
    "ExternalCode",
];

/// Where it is kept whether devices join by themselves. No field of a partner shows it.
const AUTO_DEPLOYMENT: &str = "AutoDeploymentState";

impl Request<'_> {
    /// The partner of a parameter, if the user may see it: its own and those below.
    fn partner(&self, parameter: &str) -> Result<i64, Fault> {
        let id = self.number(parameter)?;
        self.visible(id)
    }

    pub(super) fn visible(&self, id: i64) -> Result<i64, Fault> {
        if self.world.get(Table::Partner, id).is_none() && !self.modes.unknown_is_forbidden {
            return Err(Fault::new(UNKNOWN, format!("partner {id} doesn't exist")));
        }
        if self.world.is_within(id, ROOT) && self.world.get(Table::Partner, id).is_some() {
            return Ok(id);
        }
        Err(Fault::new(FORBIDDEN, "Refused for security reasons"))
    }

    fn document(&self, id: i64) -> &Document {
        self.world
            .get(Table::Partner, id)
            .expect("a partner that was looked up")
    }

    pub(super) fn get_partner_info_by_id(&mut self) -> Outcome {
        let id = self.partner("partnerId")?;
        Ok(json!({"result": whole(self.document(id), self.modes)}))
    }

    pub(super) fn get_partner_info(&mut self) -> Outcome {
        let name = self.text("name")?;
        let named = |(_, document): &(&i64, &Document)| document["Name"] == name;
        let id = self.world.all(Table::Partner).find(named);
        let id = *id.ok_or_else(|| Fault::new(UNKNOWN, "no such partner"))?.0;
        self.visible(id)?;
        Ok(json!({"result": whole(self.document(id), self.modes)}))
    }

    pub(super) fn get_partner_state(&mut self) -> Outcome {
        let id = self.partner("partnerId")?;
        Ok(json!({"result": self.document(id)["State"]}))
    }

    /// Nobody has chosen: which of the two words for that comes when isn't published.
    pub(super) fn get_auto_deployment_partner_state(&mut self) -> Outcome {
        let id = self.partner("partnerId")?;
        let chosen = self.document(id).get(AUTO_DEPLOYMENT);
        Ok(json!({"result": chosen.map_or("Unspecified".into(), Value::clone)}))
    }

    pub(super) fn modify_auto_deployment_partner_state(&mut self) -> Outcome {
        let id = self.partner("partnerId")?;
        let state = self.text("autoDeploymentState")?.to_owned();
        if state != "Enable" && state != "Disable" {
            return Err(Fault::value(format!("{state} is only ever an answer")));
        }
        let mut document = self.document(id).clone();
        document.insert(AUTO_DEPLOYMENT.into(), state.into());
        self.write(Table::Partner, id, document)?;
        Ok(Value::Null)
    }

    pub(super) fn enumerate_partners(&mut self) -> Outcome {
        // Required ids that are missing are refused for security reasons.
        let Some(top) = self.params.get("parentPartnerId").and_then(Value::as_i64) else {
            return Err(Fault::new(FORBIDDEN, "Refused for security reasons"));
        };
        self.visible(top)?;
        let recursively = self.params["fetchRecursively"] == true;
        let children = self.world.children_of_all();
        let direct = |id: i64| children.get(&id).into_iter().flatten().copied();
        let mut below: Vec<i64> = direct(top).collect();
        let mut next = 0;
        while recursively && next < below.len() {
            below.extend(direct(below[next]));
            next += 1;
        }
        let fields = self.params.get("fields");
        let listed = below.iter().enumerate();
        let kept = listed.filter(|(place, _)| !self.modes.partial_lists || place % 2 == 1);
        let rows = kept.map(|(_, id)| shown(self.document(*id), fields, self.modes));
        Ok(json!({"result": rows.collect::<Vec<_>>()}))
    }

    pub(super) fn enumerate_child_partners(&mut self) -> Outcome {
        let id = self.partner("partnerId")?;
        let children = self.world.children(id);
        // Null fills everything; absent nothing.
        let all: Value = (0..=22).collect();
        let fields = match self.params.get("fields") {
            Some(Value::Null) => Some(&all),
            fields => fields,
        };
        let node = |id: i64| {
            json!({
                "ActualChildCount": self.world.children(id).len(), "Children": null,
                "Info": shown(self.document(id), fields, self.modes),
            })
        };
        let range = self.params.get("range").and_then(Value::as_object);
        let mut top = node(id);
        if let Some(range) = range {
            let number = |member: &str| {
                let number = range.get(member).and_then(Value::as_u64);
                usize::try_from(number.unwrap_or_default()).unwrap_or_default()
            };
            let page = children.iter().skip(number("Offset")).take(number("Size"));
            top["Children"] = page.map(|id| node(*id)).collect();
        }
        Ok(json!({"result": top}))
    }

    pub(super) fn enumerate_removed_partners(&mut self) -> Outcome {
        let parent = self.partner("parentPartnerId")?;
        let (from, to) = (self.number("startTime")?, self.number("endTime")?);
        let within = |(id, document): &(&i64, &Document)| {
            let at = document["RemovalTime"].as_i64().unwrap_or_default();
            (from..=to).contains(&at) && self.world.was_within(**id, parent)
        };
        let removed = self.world.all(Table::Removed);
        let rows: Vec<_> = removed
            .filter(within)
            .map(|(_, document)| whole(document, self.modes))
            .collect();
        Ok(json!({"result": rows}))
    }

    pub(super) fn add_partner(&mut self) -> Outcome {
        let info = self.object("partnerInfo")?.clone();
        check(&info)?;
        let mut document = added(&info);
        // Required ids that are missing are refused for security reasons.
        let Some(parent) = info.get("ParentId").and_then(Value::as_i64) else {
            return Err(Fault::new(FORBIDDEN, "Refused for security reasons"));
        };
        self.visible(parent)?;
        // The fewest members that anybody has seen to work.
        let text = |member: &str| {
            let text = info.get(member).and_then(Value::as_str);
            text.ok_or_else(|| Fault::plain(format!("{member} is required")))
        };
        let (name, level) = (text("Name")?, text("Level")?);
        text("ServiceType")?;
        self.name_is_free(name, parent, None)?;
        self.fits(level, parent)?;
        if !self.modes.external_code_at_creation {
            document.remove("ExternalCode");
        }
        settle(&mut document, self.now, random::uuid())?;
        if let Some(location) = self.modes.forced_location {
            document.insert("LocationId".into(), location.into());
        }
        let id = self.world.fresh_id();
        document.insert("Id".into(), id.into());
        self.write(Table::Partner, id, document)?;
        Ok(json!({"result": id}))
    }

    pub(super) fn modify_partner(&mut self) -> Outcome {
        let info = self.object("partnerInfo")?.clone();
        let Some(id) = info.get("Id").and_then(Value::as_i64) else {
            return Err(Fault::plain("Id is required"));
        };
        self.visible(id)?;
        check(&info)?;
        let mut document = self.document(id).clone();
        let parent = document["ParentId"].as_i64().unwrap_or(ROOT);
        let new_parent = info
            .get("ParentId")
            .and_then(Value::as_i64)
            .unwrap_or(parent);
        if new_parent != parent {
            self.may_move(id, new_parent)?;
        }
        let name = info.get("Name").or(document.get("Name")).cloned();
        self.name_is_free(
            name.as_ref().and_then(Value::as_str).unwrap_or_default(),
            new_parent,
            Some(id),
        )?;
        let level = info.get("Level").or(document.get("Level")).cloned();
        if id != ROOT {
            self.fits(
                level.as_ref().and_then(Value::as_str).unwrap_or_default(),
                new_parent,
            )?;
        }
        if info.get("State").is_some_and(|state| state == "InTrial")
            && document["State"] == "InProduction"
        {
            return Err(Fault::value(
                "a customer in production can't go back to trial",
            ));
        }
        for member in CHANGEABLE {
            if let Some(value) = info.get(member).filter(|value| !value.is_null()) {
                document.insert(member.into(), value.clone());
            }
        }
        if document["State"] == "InProduction" {
            document.insert("TrialExpirationTime".into(), 0.into());
        }
        if let Some(company) = info.get("Company").and_then(Value::as_object) {
            self.put_company(&mut document, company_of(company));
        }
        self.write(Table::Partner, id, document)?;
        Ok(Value::Null)
    }

    fn put_company(&self, document: &mut Document, company: Document) {
        let held = document.entry("Company").or_insert_with(|| json!({}));
        match held.as_object_mut() {
            Some(held) if !self.modes.company_is_replaced => held.extend(company),
            _ => *held = company.into(),
        }
    }

    fn may_move(&self, id: i64, parent: i64) -> Result<(), Fault> {
        self.visible(parent)?;
        if self.world.is_within(parent, id) {
            return Err(Fault::value("a partner can't be below itself"));
        }
        let forced = self.params["forceRemoveCustomColumnValuesInOldScope"] == true;
        if self.modes.custom_columns_in_scope && !forced {
            return Err(Fault::new(
                CUSTOM_COLUMNS,
                "Values of custom columns would be lost in the old scope",
            ));
        }
        Ok(())
    }

    pub(super) fn remove_partner(&mut self) -> Outcome {
        let id = self.partner("partnerId")?;
        let has_devices = self
            .world
            .all(Table::Device)
            .any(|(_, device)| device["PartnerId"] == id);
        if has_devices || !self.world.children(id).is_empty() || id == ROOT {
            return Err(Fault::new(
                NOT_EMPTY,
                "The customer has devices or customers",
            ));
        }
        let removed = self.forget(Table::Partner, id)?;
        if let Some(mut removed) = removed {
            removed.insert("RemovalTime".into(), self.now.as_second().into());
            self.write(Table::Removed, id, removed)?;
        }
        Ok(Value::Null)
    }

    fn name_is_free(&self, name: &str, parent: i64, own: Option<i64>) -> Result<(), Fault> {
        if name.is_empty() {
            return Err(Fault::value("Name is empty"));
        }
        let collides = |(id, document): (&i64, &Document)| {
            Some(*id) != own
                && document["Name"] == name
                && match self.modes.names {
                    Names::Collide => false,
                    Names::UniqueUnderParent => document["ParentId"] == parent,
                    Names::Unique => true,
                }
        };
        if self.world.all(Table::Partner).any(collides) {
            return Err(Fault::new(NAME_TAKEN, "The name is taken"));
        }
        Ok(())
    }

    /// A child's level must be lower than its parent's.
    fn fits(&self, level: &str, parent: i64) -> Result<(), Fault> {
        let above = self.document(parent)["Level"].as_str().and_then(rank);
        if rank(level) > above && above != rank("Site") {
            return Ok(());
        }
        Err(Fault::value(format!(
            "a {level} can't be below partner {parent}"
        )))
    }
}
