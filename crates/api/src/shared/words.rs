//! Closed sets of words of the trade that more than one kind uses.

use crate::closed_enum::closed_enum;

closed_enum! {
    /// Who stores the data.
    ServiceType {
        /// The platform's vendor stores the data.
        AllInclusive,
        /// The provider brings storage of its own.
        SoftwareOnly,
    }
}

closed_enum! {
    /// Where a customer or reseller stands commercially.
    Stage {
        /// A trial, 30 days on most platforms.
        Trial,
        /// In production; there is no way back.
        Production,
    }
}

closed_enum! {
    /// What can be subscribed to.
    Product {
        /// Servers, databases, virtual machines and NAS.
        HybridWorkloads,
        /// Microsoft 365, Google Workspace and endpoints.
        SaaSAppsAndEndpoints,
        /// Room for backups that other programs make; it has neither edition nor workloads.
        ObjectStorage,
    }
}

closed_enum! {
    /// How much of a product a plan offers.
    Edition {
        /// The base.
        Business,
        /// More features than Business.
        Enterprise,
        /// Everything.
        Elite,
    }
}
