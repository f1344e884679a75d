//! Pictures of a branding: kept by digest and type. The simulated console shows none, so the bytes are only checked.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{item::Item, problem::Problem};

/// Turns the pictures of a body into what is kept, and refuses a digest without its picture.
pub(super) fn settle(item: &mut Item, before: Option<&Item>) -> Result<(), Problem> {
    for name in ["logo", "icon"] {
        let path = format!("branding.{name}");
        let held = before
            .and_then(|before| before.value(&path))
            .and_then(|image| image["sha256"].as_str());
        let image = item
            .settings
            .get_mut("branding")
            .and_then(|branding| branding.get_mut(name))
            .and_then(Value::as_object_mut);
        let Some(image) = image else { continue };
        let claimed = image
            .get("sha256")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let digest = match image.remove("data") {
            Some(data) => {
                let bytes = BASE64
                    .decode(data.as_str().unwrap_or_default().as_bytes())
                    .map_err(|_| {
                        Problem::invalid(&format!("{path}.data"), "the picture isn't base64")
                            .remedy("Encode it with the standard alphabet and padding")
                    })?;
                Some(HEXLOWER.encode(&Sha256::digest(&bytes)))
            }
            None => held.map(str::to_owned),
        };
        // A patch merges into the old digest; only a newly claimed one must match.
        let stale = claimed.as_deref() == held;
        match digest {
            None => {
                return Err(Problem::invalid(
                    &format!("{path}.data"),
                    "the picture itself is missing",
                )
                .remedy("Send it as base64 in data"));
            }
            Some(digest) => {
                if !stale && claimed.is_some_and(|claimed| claimed != digest) {
                    return Err(Problem::invalid(
                        &format!("{path}.sha256"),
                        "the digest isn't that of the picture",
                    )
                    .remedy("Send data, or leave sha256 out"));
                }
                image.insert("sha256".into(), json!(digest));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use jiff::Timestamp;

    fn item(logo: Value) -> Item {
        let settings = json!({"branding": {"logo": logo}});
        Item::new(
            Kind::Customer,
            serde_json::from_value(settings).expect("an object"),
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn a_picture_is_kept_by_its_digest() {
        // R-S7
        let mut fresh = item(json!({"contentType": "image/png", "data": "aGVsbG8="}));
        settle(&mut fresh, None).expect("taken");
        let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(
            fresh.value("branding.logo"),
            Some(&json!({"contentType": "image/png", "sha256": digest}))
        );
        let mut same = item(json!({"sha256": digest}));
        settle(&mut same, Some(&fresh)).expect("the digest that is held");
        let mut unknown = item(json!({"sha256": "0".repeat(64)}));
        assert!(settle(&mut unknown, Some(&fresh)).is_err());
        assert!(settle(&mut item(json!({"contentType": "image/png"})), None).is_err());
        assert!(settle(&mut item(json!({"data": "%"})), None).is_err());
    }
}
