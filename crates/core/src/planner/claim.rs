//! The claim: the ownership mark of a resource on its remote object.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{api::Kind, estate::Claim};

/// Bytes of the HMAC in a claim: 128 bits, so that two claims never collide by chance.
const CLAIM_BYTES: usize = 16;
/// Bytes of the HMAC in a password's tag: enough to detect a change, too few to search for the password.
const TAG_BYTES: usize = 3;

/// The claim of kind/namespace/name under an owner id. The same YAML yields the same claim in any cluster; without the owner
/// id the claim reveals nothing.
pub fn claim(owner_id: &str, kind: Kind, namespace: &str, name: &str) -> Claim {
    let digest = keyed(owner_id, &["claim", kind.as_str(), namespace, name]);
    Claim::new(&format!(
        "hf-{}",
        BASE32_NOPAD.encode(&digest[..CLAIM_BYTES]).to_lowercase()
    ))
}

/// A short tag of a secret value, stored on the platform beside it, which changes when the value does.
pub fn secret_tag(owner_id: &str, claim: &Claim, secret: &str) -> String {
    let digest = keyed(owner_id, &["tag", claim.as_str(), secret]);
    format!(
        "t-{}",
        BASE32_NOPAD.encode(&digest[..TAG_BYTES]).to_lowercase()
    )
}

fn keyed(key: &str, parts: &[&str]) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    mac.finalize().into_bytes().into()
}
