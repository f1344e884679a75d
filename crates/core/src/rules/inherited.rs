//! What a customer or reseller inherits: throttling, branding and the limits that it must have, from itself upwards to the platform.

use std::collections::BTreeMap;

use crate::{
    api::{
        bounds::shortened,
        quantity::Rate,
        shared::{
            Bandwidth, BandwidthMode, BandwidthWindow, Branding, Effective, EffectiveBandwidth,
            EffectiveBranding, RequiredLimit,
        },
    },
    estate::Settings,
};

/// Longest name of an origin: with one for each field of a branding the list of them fits its place in status.
const ORIGIN: usize = 90;

/// The settings of one level of the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Level {
    /// The object of this level, for instance `Reseller/northwind`.
    origin: String,
    bandwidth: Option<Bandwidth>,
    branding: Branding,
    required: Vec<RequiredLimit>,
}

/// A limit that a customer must have, and the object that requires it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The limit.
    pub limit: RequiredLimit,
    /// The nearest object that requires it, for instance `Reseller/northwind`.
    pub origin: String,
}

/// What a spec declares of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stated<'a> {
    /// Throttling.
    pub bandwidth: Option<&'a Bandwidth>,
    /// Branding.
    pub branding: Option<&'a Branding>,
    /// Limits that customers must have.
    pub required: &'a [RequiredLimit],
}

impl Level {
    /// A level of which the platform holds these settings, with what the spec declares laid over them: a field that is absent
    /// isn't managed, so what the platform holds of it is what counts.
    pub fn new(origin: &str, stated: Stated<'_>, held: Option<&Settings>) -> Self {
        let held_bandwidth = held.and_then(bandwidth_of);
        let held_branding = held.map(branding_of).unwrap_or_default();
        Self {
            origin: shortened(origin, ORIGIN),
            bandwidth: match stated.bandwidth {
                Some(stated) => Some(laid_over(held_bandwidth.as_ref(), stated)),
                None => held_bandwidth,
            },
            branding: match stated.branding {
                Some(stated) => branding_over(held_branding, stated),
                None => held_branding,
            },
            required: stated.required.to_vec(),
        }
    }
}

/// The effective settings at the bottom of a chain, nearest level first. Throttling is inherited as a whole, from the nearest
/// level that doesn't say `Inherit`; a branding field by field, each from the nearest level that has it. Serves R-V9, R-S7.
pub fn effective(levels: &[Level]) -> Effective {
    Effective {
        bandwidth: Some(bandwidth(levels)),
        branding: branding(levels),
        required_limits: requirements(levels)
            .iter()
            .map(|requirement| requirement.limit)
            .collect(),
    }
}

/// The limits that a customer at the bottom of a chain must have: all that any level requires. Serves R-N14.
pub fn requirements(levels: &[Level]) -> Vec<Requirement> {
    let mut found = BTreeMap::new();
    for level in levels {
        for limit in &level.required {
            found.entry(*limit).or_insert(&level.origin);
        }
    }
    found
        .into_iter()
        .map(|(limit, origin)| Requirement {
            limit,
            origin: origin.clone(),
        })
        .collect()
}

fn bandwidth(levels: &[Level]) -> EffectiveBandwidth {
    let stated = |level: &&Level| {
        let mode = level.bandwidth.as_ref().map(|bandwidth| bandwidth.mode);
        mode.is_some_and(|mode| mode != BandwidthMode::Inherit)
    };
    let level = levels.iter().find(stated);
    let setting = level.and_then(|level| level.bandwidth.as_ref());
    EffectiveBandwidth {
        mode: setting.map_or(BandwidthMode::Inherit, |setting| setting.mode),
        window: setting.and_then(|setting| setting.window.clone()),
        max_rate: setting.and_then(|setting| setting.max_rate.clone()),
        from: level.map(|level| level.origin.clone()),
    }
}

fn branding(levels: &[Level]) -> Option<EffectiveBranding> {
    let mut origins: Vec<usize> = Vec::new();
    let mut nearest = |has: &dyn Fn(&Branding) -> bool| {
        let at = levels.iter().position(|level| has(&level.branding))?;
        origins.push(at);
        Some(&levels[at].branding)
    };
    let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let found = EffectiveBranding {
        company_name: nearest(&|own| filled(&own.company_name))
            .and_then(|own| own.company_name.clone()),
        primary_colour: nearest(&|own| filled(&own.primary_colour))
            .and_then(|own| own.primary_colour.clone()),
        logo_ref: nearest(&|own| own.logo_ref.is_some()).and_then(|own| own.logo_ref.clone()),
        icon_ref: nearest(&|own| own.icon_ref.is_some()).and_then(|own| own.icon_ref.clone()),
        sender_address: nearest(&|own| filled(&own.sender_address))
            .and_then(|own| own.sender_address.clone()),
        from: None,
    };
    origins.sort_unstable();
    origins.dedup();
    let names: Vec<&str> = origins
        .iter()
        .map(|at| levels[*at].origin.as_str())
        .collect();
    (!names.is_empty()).then(|| EffectiveBranding {
        from: Some(names.join(", ")),
        ..found
    })
}

/// A declared setting, completed by what the platform holds of the fields that it leaves out.
fn laid_over(held: Option<&Bandwidth>, stated: &Bandwidth) -> Bandwidth {
    let held_window = held.and_then(|held| held.window.as_ref());
    let limits = matches!(stated.mode, BandwidthMode::Always | BandwidthMode::Window);
    let rate = match &stated.max_rate {
        Some(rate) => Some(rate.clone()),
        None => held.and_then(|held| held.max_rate.clone()),
    };
    Bandwidth {
        mode: stated.mode,
        window: stated.window.as_ref().map(|window| BandwidthWindow {
            time_zone: window
                .time_zone
                .clone()
                .or_else(|| held_window?.time_zone.clone()),
            except_weekends: window
                .except_weekends
                .or_else(|| held_window?.except_weekends),
            ..window.clone()
        }),
        max_rate: rate.filter(|rate| limits && !rate.is_empty()),
    }
}

fn branding_over(held: Branding, stated: &Branding) -> Branding {
    Branding {
        company_name: stated.company_name.clone().or(held.company_name),
        primary_colour: stated.primary_colour.clone().or(held.primary_colour),
        logo_ref: stated.logo_ref.clone(),
        icon_ref: stated.icon_ref.clone(),
        sender_address: stated.sender_address.clone().or(held.sender_address),
    }
}

/// Throttling as the platform holds it.
fn bandwidth_of(settings: &Settings) -> Option<Bandwidth> {
    let text = |path: &str| settings.text(path).map(ToOwned::to_owned);
    let mode: BandwidthMode = settings.text("bandwidth.mode")?.parse().ok()?;
    let limits = matches!(mode, BandwidthMode::Always | BandwidthMode::Window);
    let window = || {
        Some(BandwidthWindow {
            from: text("bandwidth.window.from")?,
            to: text("bandwidth.window.to")?,
            time_zone: text("bandwidth.window.timeZone"),
            except_weekends: settings.flag("bandwidth.window.exceptWeekends"),
        })
    };
    Some(Bandwidth {
        mode,
        window: window().filter(|_| mode == BandwidthMode::Window),
        max_rate: settings
            .whole("bandwidth.maxRate")
            .filter(|_| limits)
            .map(Rate::from_bits_per_second),
    })
}

/// A branding as the platform holds it; of pictures it keeps no more than a digest.
fn branding_of(settings: &Settings) -> Branding {
    let text = |path: &str| settings.text(path).map(ToOwned::to_owned);
    Branding {
        company_name: text("branding.companyName"),
        primary_colour: text("branding.primaryColour"),
        sender_address: text("branding.senderAddress"),
        ..Branding::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;
    use crate::api::Kind;

    /// A level with a spec and what the platform holds, as documents.
    fn level(origin: &str, spec: &Value, held: &Value) -> Level {
        let bandwidth = spec
            .get("bandwidth")
            .map(|value| from_value(value.clone()).expect("a bandwidth"));
        let branding = spec
            .get("branding")
            .map(|value| from_value(value.clone()).expect("a branding"));
        let stated = Stated {
            bandwidth: bandwidth.as_ref(),
            branding: branding.as_ref(),
            required: &[],
        };
        let held = Settings::from_document(Kind::Reseller, held).expect("settings");
        Level::new(origin, stated, Some(&held))
    }

    fn in_effect(levels: &[Level]) -> Value {
        serde_json::to_value(effective(levels)).expect("plain data")["bandwidth"].clone()
    }

    // R-V9
    #[test]
    fn throttling_comes_from_the_nearest_level_that_has_its_own() {
        let customer = |spec: Value| level("Customer/fabrikam", &spec, &json!({}));
        let reseller = |spec: Value| level("Reseller/northwind", &spec, &json!({}));
        let platform = || {
            let spec = json!({"bandwidth": {"mode": "Always", "maxRate": "5M"}});
            level("BackupPlatform/msp", &spec, &json!({}))
        };
        let says = |mode: &str| json!({"bandwidth": {"mode": mode}});
        let all = json!({"mode": "Always", "maxRate": "5M", "from": "BackupPlatform/msp"});
        let off = |from: &str| json!({"mode": "Unlimited", "from": from});
        let table = [
            (says("Unlimited"), says("Always"), off("Customer/fabrikam")),
            (
                says("Inherit"),
                says("Unlimited"),
                off("Reseller/northwind"),
            ),
            (json!({}), says("Unlimited"), off("Reseller/northwind")),
            (json!({}), says("Inherit"), all.clone()),
            (says("Inherit"), json!({}), all),
        ];
        for (own, above, expected) in table {
            let levels = [customer(own.clone()), reseller(above.clone()), platform()];
            assert_eq!(in_effect(&levels), expected, "{own} under {above}");
        }
        let nobody = [customer(json!({})), reseller(says("Inherit"))];
        assert_eq!(in_effect(&nobody), json!({"mode": "Inherit"}));
    }

    // R-V9
    #[test]
    fn what_a_spec_leaves_out_is_what_the_platform_holds() {
        let window = json!({"from": "08:00", "to": "18:00", "timeZone": "Europe/Berlin", "exceptWeekends": true});
        let held =
            json!({"bandwidth": {"mode": "Window", "window": window, "maxRate": 20_000_000}});
        let undeclared = level("Reseller/7", &json!({}), &held);
        assert_eq!(
            in_effect(&[undeclared]),
            json!({"mode": "Window", "window": window, "maxRate": "20M", "from": "Reseller/7"})
        );
        let spec = json!({"bandwidth": {"mode": "Window", "window": {"from": "22:00", "to": "06:00"}, "maxRate": ""}});
        let night = json!({"from": "22:00", "to": "06:00", "timeZone": "Europe/Berlin", "exceptWeekends": true});
        assert_eq!(
            in_effect(&[level("Reseller/r", &spec, &held)]),
            json!({"mode": "Window", "window": night, "from": "Reseller/r"})
        );
        let off = json!({"bandwidth": {"mode": "Unlimited"}});
        assert_eq!(
            in_effect(&[level("Reseller/r", &off, &held)]),
            json!({"mode": "Unlimited", "from": "Reseller/r"})
        );
    }

    // R-S7
    #[test]
    fn a_branding_is_inherited_field_by_field() {
        let own = json!({"branding": {"companyName": "Fabrikam", "primaryColour": ""}});
        let above = json!({"branding": {"companyName": "Northwind", "logoRef": {"name": "cm", "key": "logo.png"}}});
        let top = json!({"branding": {"primaryColour": "#0a7"}});
        let held = json!({"branding": {"senderAddress": "a@b.example"}});
        let levels = [
            level("Customer/fabrikam", &own, &json!({})),
            level("Reseller/northwind", &above, &held),
            level("Reseller/nordic", &json!({}), &json!({})),
            level("BackupPlatform/msp", &top, &json!({})),
        ];
        let branding = serde_json::to_value(effective(&levels).branding).expect("plain data");
        assert_eq!(
            branding,
            json!({
                "companyName": "Fabrikam", "primaryColour": "#0a7", "logoRef": {"name": "cm", "key": "logo.png"},
                "senderAddress": "a@b.example", "from": "Customer/fabrikam, Reseller/northwind, BackupPlatform/msp",
            })
        );
        assert_eq!(effective(&levels[2..3]).branding, None);
    }

    #[test]
    fn names_of_origins_fit_their_place_in_status() {
        let long = "r".repeat(400);
        let spec = json!({"bandwidth": {"mode": "Unlimited"}});
        let from = effective(&[level(&long, &spec, &json!({}))]).bandwidth;
        assert_eq!(
            from.and_then(|own| own.from)
                .map(|from| from.chars().count()),
            Some(ORIGIN)
        );
    }
}
