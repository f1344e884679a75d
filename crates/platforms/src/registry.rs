//! The available drivers.

use std::sync::Arc;

use crate::{
    Driver,
    bridge::{BridgeDriver, EmbeddedDriver},
    cove::CoveDriver,
    druva::DruvaDriver,
    rgw::RgwDriver,
};

/// The drivers of a program.
#[derive(Clone)]
pub struct Registry(Vec<Arc<dyn Driver>>);

impl Default for Registry {
    /// Every driver of this crate.
    fn default() -> Self {
        Self(vec![
            Arc::new(EmbeddedDriver),
            Arc::new(BridgeDriver),
            Arc::new(DruvaDriver),
            Arc::new(CoveDriver),
            Arc::new(RgwDriver),
        ])
    }
}

impl Registry {
    /// The same with another driver, in place of the one with the same word.
    #[must_use]
    pub fn with(mut self, driver: Arc<dyn Driver>) -> Self {
        self.0.retain(|known| known.word() != driver.word());
        self.0.push(driver);
        self
    }

    /// The driver of a word.
    pub fn get(&self, word: &str) -> Option<&Arc<dyn Driver>> {
        self.0.iter().find(|driver| driver.word() == word)
    }

    /// Every driver.
    pub fn all(&self) -> impl Iterator<Item = &dyn Driver> {
        self.0.iter().map(|driver| &**driver)
    }

    /// Every driver's word.
    pub fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|driver| driver.word()).collect()
    }
}
