//! What several kinds share: references, the lifecycle of a managed object, settings of customers and resellers, status.

mod consumption;
mod lifecycle;
mod profile;
mod references;
mod settings;
mod status;
mod words;

pub use consumption::{
    Alerts, Attainment, DataSource, DataSources, Forecast, Health, JobCounts, Missed, MonthUsage,
    RestoreCounts, Usage,
};
pub use lifecycle::{Adopt, DeletionPolicy, Lifecycle, Management};
pub use profile::{Address, Administrator, Billing, Contact, Profile};
pub use references::{ConfigMapKeyRef, LocalRef, SecretKeyRef, SecretRef};
pub use settings::{
    Bandwidth, BandwidthMode, BandwidthWindow, Branding, ConsolidatedReport, ReportFrequency,
    Reports, WebAccess,
};
pub use status::{
    Change, ChangeOutcome, ChangeStep, DeletionStatus, Drift, DriftReturn, Effective,
    EffectiveBandwidth, EffectiveBranding, Intent, ManagedStatus, ManualStep, Protection, Unkept,
};
pub use words::{Edition, Product, RequiredLimit, ServiceType, Stage};
