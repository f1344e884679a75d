//! A file as kubectl reads it: bytes into documents of JSON. What differs from what people expect of YAML is remarked.

mod expand;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

/// One document.
#[derive(Debug, Default)]
pub struct Document {
    /// Its first line, from 1 on.
    pub line: usize,
    /// What it says.
    pub value: Value,
    /// The line of each member, by dotted path, as far as it is known.
    pub lines: BTreeMap<String, usize>,
    /// What is read in another way than one may think.
    pub remarks: Vec<Remark>,
}

/// Something that is read in another way than one may think.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Dotted path; empty where it is about the document.
    pub path: String,
    /// Where.
    pub line: usize,
    /// What kubectl makes of it.
    pub says: String,
}

/// A text that kubectl can't read either.
#[derive(Debug, PartialEq, Eq)]
pub struct NoYaml {
    /// Which document, from 1 on.
    pub document: usize,
    /// Which line of the file, from 1 on.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// The text of a file: UTF-8, or UTF-16 after a byte order mark. Whether all of it was text.
pub fn text(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    let wide = |of: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|pair| of(*pair)).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => wide(u16::from_be_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        all => String::from_utf8_lossy(all),
    };
    let whole = !text.contains(char::REPLACEMENT_CHARACTER);
    (text, whole)
}

/// The documents of a text, in their order.
///
/// # Errors
/// What can't be read; nothing of the text counts then.
pub fn documents(text: &str) -> Result<Vec<Document>, NoYaml> {
    let (mut documents, rest, line) = json(text)?;
    for (first, piece) in pieces(rest, line, documents.len())? {
        let number = documents.len() + 1;
        let failed = |(below, why)| NoYaml {
            document: number,
            line: first + below,
            why,
        };
        let document = tree::Tree::parse(&piece).and_then(|tree| expand::document(&tree, first));
        documents.push(document.map_err(failed)?);
    }
    Ok(documents)
}

/// JSON documents one after the other, with which a text may begin; what follows them, and its first line.
fn json(text: &str) -> Result<(Vec<Document>, &str, usize), NoYaml> {
    let mut documents = Vec::new();
    if !text.trim_start().starts_with('{') {
        return Ok((documents, text, 1));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut read = 0;
    while let Some(value) = values.next() {
        let rest = &text[read..];
        let line = 1 + lines(&text[..text.len() - rest.trim_start().len()]);
        match value {
            Ok(value) => documents.push(Document {
                line,
                value: scalar::normal(value),
                ..Document::default()
            }),
            // After one document it may still be YAML; after two, kubectl takes it for JSON.
            Err(error) if documents.len() > 1 => {
                return Err(NoYaml {
                    document: documents.len() + 1,
                    line,
                    why: error.to_string(),
                });
            }
            Err(_) => {
                let blank = rest.len() - rest.trim_start().len();
                let skipped = rest[..blank].find('\n').map_or(blank, |at| at + 1);
                let rest = &rest[skipped..];
                return Ok((documents, rest, 1 + lines(&text[..read + skipped])));
            }
        }
        read = values.byte_offset();
    }
    Ok((documents, "", 1))
}

fn lines(text: &str) -> usize {
    text.matches('\n').count()
}

/// The texts between lines that begin with `---`, each with the number of its first line.
fn pieces(text: &str, first: usize, before: usize) -> Result<Vec<(usize, String)>, NoYaml> {
    let mut pieces = Vec::new();
    let (mut piece, mut from) = (String::new(), first);
    for (number, line) in (first..).zip(text.split_inclusive('\n')) {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(more) = line.strip_prefix("---") {
            let more = more.trim();
            if !more.is_empty() && !more.starts_with('#') {
                return Err(NoYaml {
                    document: before + pieces.len() + 1,
                    line: number,
                    why: format!("only a comment may follow --- on its line, but {more:?} does"),
                });
            }
            if !piece.is_empty() {
                pieces.push((from, std::mem::take(&mut piece)));
                from = number + 1;
                continue;
            }
        }
        piece.push_str(line);
        piece.push('\n');
    }
    if !piece.is_empty() {
        pieces.push((from, piece));
    }
    pieces.retain(|(_, piece)| piece.lines().any(says_something));
    Ok(pieces)
}

fn says_something(line: &str) -> bool {
    !line.trim().is_empty() && !line.trim_start().starts_with('#') && !line.starts_with("---")
}
