//! What a report is made of, and how it says so.

/// What a report is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Basis {
    /// The resources' status in the cluster, as the operator wrote it.
    #[default]
    Status,
    /// What the platforms hold and report at this moment.
    Platforms,
    /// An exported estate, which holds no figures.
    File,
}

impl Basis {
    /// In one word, for JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Platforms => "platforms",
            Self::File => "file",
        }
    }

    /// Which data sources are named.
    pub const fn which_sources(self) -> &'static str {
        match self {
            Self::Status => "Status names at most ten of each tenant, the worst.",
            Self::Platforms => "These are all that the platforms report.",
            Self::File => "An exported estate holds none.",
        }
    }

    /// What is said where there is none.
    pub const fn no_sources(self) -> &'static str {
        match self {
            Self::Status => "Status names no data source in a bad state.",
            Self::Platforms => "The platforms report no data source.",
            Self::File => "An exported estate holds no data sources.",
        }
    }

    /// Where the figures come from, for the head of a report.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Status => "As the operator saw it last",
            Self::Platforms => "Read from the platforms",
            Self::File => {
                "From an exported estate, which holds no figures: they are unknown, not zero"
            }
        }
    }
}
