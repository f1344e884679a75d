//! Which account a platform is used under: what several `BackupPlatform`s may share.

use kube::ResourceExt;

use crate::api::BackupPlatform;

/// Where a platform is reached, in one spelling for all `BackupPlatform`s that spell it differently.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The driver's name.
    pub driver: &'static str,
    /// The endpoint; for the embedded platform, which estate.
    pub endpoint: String,
}

/// An account on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountKey {
    /// Where the platform is reached.
    pub origin: Origin,
    /// The account's id.
    pub id: String,
}

impl Origin {
    /// Of a driver at an endpoint.
    pub fn new(driver: &'static str, endpoint: &str) -> Self {
        Self {
            driver,
            endpoint: normalised(endpoint),
        }
    }

    /// Of what a `BackupPlatform` says.
    pub fn of(platform: &BackupPlatform) -> Self {
        let Some(driver) = platform.spec.driver() else {
            return Self::new("", "");
        };
        let estate = || {
            let namespace = platform.namespace().unwrap_or_default();
            format!("{namespace}/{}", platform.name_any())
        };
        let endpoint = driver.endpoint().map_or_else(estate, ToOwned::to_owned);
        Self::new(driver.as_str(), &endpoint)
    }
}

/// An endpoint without what makes no difference: case of scheme and host, the usual port, a slash at the end.
fn normalised(endpoint: &str) -> String {
    let url = endpoint.parse::<url::Url>();
    let text = url.map_or_else(|_| endpoint.to_owned(), |url| url.to_string());
    text.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_same_however_it_is_spelt() {
        let spelt = |endpoint: &str| Origin::new("bridge", endpoint);
        assert_eq!(
            spelt("https://Bridge.example:443/"),
            spelt("https://bridge.example")
        );
        assert_ne!(
            spelt("https://bridge.example/a"),
            spelt("https://bridge.example/b")
        );
        assert_eq!(Origin::new("embedded", "backup/msp").endpoint, "backup/msp");
    }
}
