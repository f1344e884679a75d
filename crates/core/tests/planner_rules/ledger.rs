//! What the ledger says: the claims of the other resources are held, and the subject asks.

use holdfast_api::Kind;
use holdfast_core::estate::{Object, Settings};
use holdfast_core::planner::Declared;
use holdfast_core::rules::quota::{self, Ledger, Membership, Rank, Shortage};
use serde_json::{Value, json};

use crate::{
    rule_cases::Case,
    world::{REFERENCES, World, kind, now},
};

/// What the ledger says: claims of the other resources are held, the subject asks.
pub fn ask_ledger(
    case: &Case,
    world: &World,
    view: &Declared,
    held: Option<&Object>,
) -> (Vec<Shortage<String>>, [u64; 4]) {
    let mut ledger: Ledger<(Kind, String), (Kind, String)> = Ledger::default();
    let rank = |name: &str| Rank {
        created: now(),
        name: name.to_owned(),
    };
    let parent = |spec: &Value| {
        REFERENCES[..3].iter().find_map(|(field, _, kind)| {
            let name = spec[*field]["name"].as_str()?;
            Some((*kind, name.to_owned()))
        })
    };
    for other in &case.with {
        let Some(kind) = kind(&other.kind) else {
            continue;
        };
        let key = (kind, other.name.clone());
        let Some(object) = world.objects.get(&key) else {
            continue;
        };
        let amounts = quota::amounts(kind, &object.settings, now());
        ledger.allot(&key, amounts);
        if let Some(pool) = parent(&other.spec) {
            let membership = Membership {
                pool,
                held: amounts,
                wanted: amounts,
                perhaps: [None; 4],
            };
            ledger.declare(&key, &rank(&other.name), &[membership], true);
        }
    }
    let key = (view.kind, case.name.clone());
    let holds = held.map_or([None; 4], |held| {
        quota::amounts(view.kind, &held.settings, now())
    });
    let spec = Settings::from_document(view.kind, &view.spec).expect("a spec that can be read");
    let wanted = quota::wanted(view.kind, &spec, held.map(|held| &held.settings), now());
    let before = case
        .before
        .as_ref()
        .and_then(parent)
        .filter(|_| held.is_some());
    let after = parent(&view.spec);
    let memberships: Vec<_> = if before == after {
        after
            .map(|pool| Membership {
                pool,
                held: holds,
                wanted,
                perhaps: [None; 4],
            })
            .into_iter()
            .collect()
    } else {
        let leaves = before.map(|pool| Membership {
            pool,
            held: holds,
            wanted: [None; 4],
            perhaps: [None; 4],
        });
        let comes = after.map(|pool| Membership {
            pool,
            held: [None; 4],
            wanted,
            perhaps: [None; 4],
        });
        leaves.into_iter().chain(comes).collect()
    };
    let present: Vec<_> = memberships
        .iter()
        .map(|member| Membership {
            wanted: member.held,
            ..member.clone()
        })
        .collect();
    ledger.declare(&key, &rank(&case.name), &present, true);
    others_on_the_platform(case, &mut ledger);
    let outcome = ledger.declare(&key, &rank(&case.name), &memberships, true);
    let named = |shortage: Shortage<(Kind, String)>| Shortage {
        pool: format!("{} {}", shortage.pool.0.as_str(), shortage.pool.1),
        measure: shortage.measure,
        wanted: shortage.wanted,
        has: shortage.has,
        free: shortage.free,
        allotted: shortage.allotted,
    };
    let shortages = outcome.shortages.into_iter().map(named).collect();
    (shortages, ledger.taken(&key))
}

/// What a reseller's status says is granted, and no resource of the case accounts for.
pub fn others_on_the_platform(case: &Case, ledger: &mut Ledger<(Kind, String), (Kind, String)>) {
    for other in case.with.iter().filter(|other| other.kind == "Reseller") {
        let pool = (Kind::Reseller, other.name.clone());
        let shares = other
            .status
            .as_ref()
            .map(|status| status["allotment"].clone());
        let granted = |name: &str| -> Value {
            shares
                .as_ref()
                .map_or(Value::Null, |shares| shares[name]["granted"].clone())
        };
        let document = json!({"allotment": {
            "storage": granted("storage"), "licences": granted("licences"), "clients": granted("clients"), "credits": granted("credits"),
        }});
        let granted = Settings::from_document(Kind::Reseller, &document).expect("amounts");
        let granted = quota::amounts(Kind::Reseller, &granted, now());
        let taken = ledger.taken(&pool);
        let mut rest = granted;
        for (at, rest) in rest.iter_mut().enumerate() {
            *rest = granted[at].map(|granted| granted.saturating_sub(taken[at]));
        }
        let stranger = (Kind::Customer, format!("others of {}", other.name));
        let rank = Rank {
            created: jiff::Timestamp::MIN,
            name: String::new(),
        };
        ledger.declare(
            &stranger,
            &rank,
            &[Membership {
                pool,
                held: rest,
                wanted: rest,
                perhaps: [None; 4],
            }],
            true,
        );
    }
}
