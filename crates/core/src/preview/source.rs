//! Where a manifest stands, and what is wrong with it.

use std::fmt;

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

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
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

/// How many are told.
const TOLD: usize = 20;

/// The documents that no plan can be made of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ManifestErrors(pub Vec<ManifestError>);

impl fmt::Display for ManifestErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().take(TOLD).enumerate() {
            let line = if number == 0 { "" } else { "\n" };
            write!(formatter, "{line}{error}")?;
        }
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(formatter, "\nand {more} more"),
        }
    }
}
