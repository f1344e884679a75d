//! Where a manifest stands, and what is wrong with it.

use thiserror::Error;

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, as it was named; `-` is standard input.
    pub file: String,
    /// Its number in the file, from 1 on.
    pub document: usize,
    /// The line, from 1 on.
    pub line: usize,
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            file,
            document,
            line,
        } = self;
        write!(formatter, "{file}, document {document}, line {line}")
    }
}

/// A document that no plan can be made of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}: {problem}")]
pub struct ManifestError {
    /// Where.
    pub at: Source,
    /// What is wrong, and what to do.
    pub problem: String,
}
