//! A picture of a branding: compared by its digest, sent whole. Serves R-S7.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api::shared::{Branding, ConfigMapKeyRef};

/// Most bytes of a picture: as base64 they stay below what the bridge contract takes.
const MOST: usize = 512 * 1024;
/// Bytes in which an SVG has to begin.
const PROLOGUE: usize = 1024;

/// The settings that are pictures, by the field of the spec that refers to them.
pub const PICTURES: [(&str, &str); 2] = [
    ("branding.logo", "branding.logoRef"),
    ("branding.icon", "branding.iconRef"),
];

/// The reference in a branding that a setting's picture comes from.
pub fn picture_ref<'a>(branding: &'a Branding, setting: &str) -> Option<&'a ConfigMapKeyRef> {
    match setting {
        "branding.logo" => branding.logo_ref.as_ref(),
        "branding.icon" => branding.icon_ref.as_ref(),
        _ => None,
    }
}

/// A picture, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    content_type: &'static str,
    data: String,
}

impl Picture {
    /// A picture of these bytes.
    ///
    /// # Errors
    /// What is wrong with them, and what to do.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MOST {
            return Err(format!(
                "is larger than {} KiB. Make it smaller.",
                MOST >> 10
            ));
        }
        let content_type = content_type(bytes).ok_or(
            "isn't a picture in PNG, JPEG, GIF, WebP, SVG or ICO. Put one there, under binaryData.",
        )?;
        Ok(Self {
            digest: HEXLOWER.encode(&Sha256::digest(bytes)),
            content_type,
            data: BASE64.encode(bytes),
        })
    }

    /// As it is sent in the place of its digest.
    pub fn document(&self) -> Value {
        json!({"sha256": self.digest, "contentType": self.content_type, "data": self.data})
    }
}

/// Puts a picture where a document names its digest.
pub fn put_picture(document: &mut Map<String, Value>, setting: &str, picture: &Picture) {
    let Some((group, name)) = setting.split_once('.') else {
        return;
    };
    let group = document.get_mut(group).and_then(Value::as_object_mut);
    if let Some(place) = group.and_then(|group| group.get_mut(name))
        && place.as_str() == Some(&picture.digest)
    {
        *place = picture.document();
    }
}

/// What kind of picture it is, by how it begins: a name or a claim may be wrong.
fn content_type(bytes: &[u8]) -> Option<&'static str> {
    let starts = |start: &[u8]| bytes.starts_with(start);
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    if starts(b"\xff\xd8\xff") {
        return Some("image/jpeg");
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        return Some("image/gif");
    }
    if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    if starts(b"\x00\x00\x01\x00") {
        return Some("image/x-icon");
    }
    let prologue = String::from_utf8_lossy(bytes.get(..PROLOGUE).unwrap_or(bytes));
    let text = prologue.trim_start_matches('\u{feff}').trim_start();
    (text.starts_with('<') && text.contains("<svg")).then_some("image/svg+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-S7
    #[test]
    fn a_picture_is_known_by_its_bytes_and_compared_by_its_digest() {
        let kinds: [(&[u8], &str); 6] = [
            (b"\x89PNG\r\n\x1a\n....", "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a", "image/gif"),
            (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
            (b"\x00\x00\x01\x00\x01", "image/x-icon"),
            (b"<?xml version=\"1.0\"?>\n<svg/>", "image/svg+xml"),
        ];
        for (bytes, kind) in kinds {
            let picture = Picture::of(bytes).expect("a picture");
            assert_eq!(picture.document()["contentType"], kind);
            assert_eq!(picture.digest.len(), 64);
        }
        for bytes in [&b""[..], b"hello", b"<html>", b"\x89PN"] {
            let why = Picture::of(bytes).expect_err("no picture");
            assert!(why.contains("PNG, JPEG"), "{why}");
        }
        let large = [&b"GIF89a"[..], &vec![0; MOST]].concat();
        let why = Picture::of(&large).expect_err("too large");
        assert!(why.contains("larger than 512 KiB"), "{why}");
    }

    // R-S7: only where its own digest is named: another is what the platform has.
    #[test]
    fn a_picture_stands_where_its_digest_is_named() {
        let picture = Picture::of(b"GIF89a").expect("a picture");
        let put = |document: Value| {
            let mut document = document.as_object().cloned().expect("an object");
            put_picture(&mut document, "branding.logo", &picture);
            Value::Object(document)
        };
        let named = json!({"branding": {"logo": picture.digest, "companyName": "x"}});
        let sent = put(named);
        assert_eq!(sent["branding"]["logo"]["data"], "R0lGODlh");
        assert_eq!(sent["branding"]["companyName"], "x");
        for other in [
            json!({"branding": {"icon": picture.digest}}),
            json!({"branding": {"logo": "another"}}),
            json!({"name": "x"}),
        ] {
            assert_eq!(put(other.clone()), other);
        }
    }
}
