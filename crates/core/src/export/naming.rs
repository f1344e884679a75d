//! Names of resources for objects: the names of existing resources, otherwise names derived from the platform's.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::Kind,
    estate::{Object, ObjectId},
};

/// The longest name that fits a label.
const LONGEST: usize = 63;
/// What of an id goes into a name, which begins with something else.
const LONGEST_ID: usize = 40;
/// How often ids are added to names that are the same, before numbers are.
const ROUNDS: usize = 3;

/// The name of each object's resource.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<(Kind, ObjectId), String>);

impl Names {
    /// Names for all objects. `held` are the names of existing resources; the others are derived from the platform's name, and
    /// tenants' from their customer's and product's. Where two would be the same, the id is added to both, so that which
    /// of them is older makes no difference.
    pub fn new(objects: &[&Object], held: BTreeMap<(Kind, ObjectId), String>) -> Self {
        let mut names = held;
        for kind in Kind::ALL {
            let unnamed: Vec<&&Object> = objects
                .iter()
                .filter(|object| object.kind == *kind)
                .filter(|object| !names.contains_key(&(*kind, object.id.clone())))
                .collect();
            let taken: BTreeSet<String> = names
                .iter()
                .filter(|((other, _), _)| other == kind)
                .map(|(_, name)| name.clone())
                .collect();
            let wished: Vec<(ObjectId, String)> = unnamed
                .iter()
                .map(|object| (object.id.clone(), wish(object, &names)))
                .collect();
            let given = different(wished, taken).into_iter();
            let given = given.map(|(id, name)| ((*kind, id), name));
            names.extend(given);
        }
        Self(names)
    }

    /// The name of an object's resource; one that isn't known is called by its id.
    pub fn of(&self, kind: Kind, id: &ObjectId) -> String {
        let known = self.0.get(&(kind, id.clone()));
        known.cloned().unwrap_or_else(|| slug(id.as_str()))
    }
}

fn wish(object: &Object, names: &BTreeMap<(Kind, ObjectId), String>) -> String {
    if object.kind != Kind::Tenant {
        return slug(&object.name);
    }
    let customer = object
        .parent()
        .and_then(|id| names.get(&(Kind::Customer, id)));
    let product = object.settings.text("product").unwrap_or("tenant");
    let customer = customer.map_or("tenant", String::as_str);
    slug(&format!("{customer}-{product}"))
}

/// Names of which no two are the same. The id goes to every one that occurs twice, until none does; ids that differ in what no name
/// can hold get a number.
fn different(
    mut wished: Vec<(ObjectId, String)>,
    mut taken: BTreeSet<String>,
) -> Vec<(ObjectId, String)> {
    for _ in 0..ROUNDS {
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        for (_, name) in &wished {
            *count.entry(name.clone()).or_default() += 1;
        }
        let is_alone = |name: &String| count[name] == 1 && !taken.contains(name);
        for (id, name) in wished.iter_mut().filter(|(_, name)| !is_alone(name)) {
            *name = with(name, id.as_str());
        }
    }
    wished.sort();
    for (_, name) in &mut wished {
        let first = name.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            *name = with(&first, &number.to_string());
            number += 1;
        }
    }
    wished
}

fn with(name: &str, id: &str) -> String {
    let id: String = slug(id).chars().take(LONGEST_ID).collect();
    let id = id.trim_end_matches('-');
    let room = LONGEST.saturating_sub(id.len() + 1);
    let name: String = name.chars().take(room).collect();
    format!("{}-{id}", name.trim_end_matches('-'))
}

/// A text as a name that Kubernetes takes: small letters, digits and hyphens.
fn slug(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        let plain = match letter {
            'ä' | 'à' | 'á' | 'â' | 'å' => 'a',
            'ö' | 'ò' | 'ó' | 'ô' | 'ø' => 'o',
            'ü' | 'ù' | 'ú' | 'û' => 'u',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            other => other,
        };
        if plain.is_ascii_alphanumeric() {
            name.push(plain);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
        if name.len() >= LONGEST {
            break;
        }
    }
    let name = name.trim_matches('-');
    if name.is_empty() {
        "unnamed".to_owned()
    } else {
        name.to_owned()
    }
}
