//! What the platform refuses: pure rules over items that others have looked up.

pub(super) mod fixed;
pub(super) mod hierarchy;
pub(super) mod location;
pub(super) mod plan_fit;
pub(super) mod protection;
pub(super) mod quota;
