//! The versions that an object has had, as the API server tells them to whoever watches.

use futures::TryStreamExt;
use holdfast_api::Customer;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, WatchEvent, WatchParams},
};

use crate::operator::Stage;

/// Every version of one Customer from now on, as the API server tells them.
pub struct Versions(tokio::task::JoinHandle<Vec<DynamicObject>>);

impl Versions {
    /// Begins to watch.
    pub async fn of(stage: &Stage, name: &str) -> Self {
        let client = stage.cluster.client.clone();
        let api: Api<Customer> = Api::namespaced(client.clone(), stage.namespace());
        let begins = api.get(name).await.expect("it is there").resource_version();
        let resource = ApiResource::erase::<Customer>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(client, stage.namespace(), &resource);
        let only = WatchParams::default().fields(&format!("metadata.name={name}"));
        let begins = begins.expect("a version");
        Self(tokio::spawn(async move {
            let events = api.watch(&only, &begins).await.expect("a watch");
            let mut events = std::pin::pin!(events);
            let mut versions = Vec::new();
            while let Ok(Some(WatchEvent::Modified(version))) = events.try_next().await {
                versions.push(version);
            }
            versions
        }))
    }

    /// What it was until it was deleted.
    pub async fn all(self) -> Vec<DynamicObject> {
        let versions = self.0.await.expect("the watch ends with its object");
        assert!(!versions.is_empty(), "nothing was watched");
        versions
    }
}
