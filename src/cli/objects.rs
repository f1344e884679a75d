//! Finding resources for commands: `KIND/NAME`, in the kubeconfig's namespace or the one named.

use std::collections::BTreeSet;

use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::Namespace,
    apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Request},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::Failure;
use crate::{api::names, cluster, preview::Existing};

/// A managed kind as the command line knows it: kind, plural, short name.
const KINDS: [(&str, &str, &str); 4] = [
    ("Tenant", "tenants", "tnt"),
    ("Customer", "customers", "cust"),
    ("ServicePlan", "serviceplans", "splan"),
    ("Reseller", "resellers", "rsl"),
];

const PLATFORM: (&str, &str, &str) = ("BackupPlatform", "backupplatforms", "bp");

/// A list of which no item has been read yet.
#[derive(Deserialize)]
struct Unread {
    metadata: ListMeta,
    items: Vec<Box<RawValue>>,
}

/// Namespace and name of an item.
fn named(item: &RawValue) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Item {
        metadata: ObjectMeta,
    }
    let item: Item = serde_json::from_str(item.get()).unwrap_or_default();
    let namespace = item.metadata.namespace.unwrap_or_default();
    format!("{namespace}/{}", item.metadata.name.unwrap_or_default())
}

/// The connection to the cluster.
pub struct Cluster {
    client: Client,
    namespace: String,
}

impl Cluster {
    /// Connects as kubectl does: `KUBECONFIG`, the default file, or from inside a cluster.
    pub async fn connect(namespace: Option<String>) -> Result<Self, Failure> {
        let (config, client) = cluster::connect().await.map_err(Failure)?;
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        Ok(Self { client, namespace })
    }

    /// The client.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The namespace of objects that name none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Every resource of ours in these namespaces.
    pub async fn existing(&self, namespaces: &BTreeSet<String>) -> Result<Existing, Failure> {
        let mut existing = Existing::default();
        for namespace in namespaces {
            existing.platforms.extend(self.list(namespace).await?);
            existing.resellers.extend(self.list(namespace).await?);
            existing.plans.extend(self.list(namespace).await?);
            existing.customers.extend(self.list(namespace).await?);
            existing.tenants.extend(self.list(namespace).await?);
        }
        Ok(existing)
    }

    /// The ones of these namespaces that neither exist nor are among the manifests. None for a user without permission to list
    /// namespaces.
    pub async fn absent(
        &self,
        namespaces: &BTreeSet<String>,
        coming: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, Failure> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let mut absent = BTreeSet::new();
        for namespace in namespaces.difference(coming) {
            match api.get_metadata_opt(namespace).await {
                Ok(Some(_)) => {}
                Ok(None) => drop(absent.insert(namespace.clone())),
                Err(kube::Error::Api(status)) if status.code == 403 => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(absent)
    }

    /// A namespace that was named by a person must exist: an empty result would be no answer.
    pub async fn expect_namespace(&self, namespace: &str) -> Result<(), Failure> {
        let named = BTreeSet::from([namespace.to_owned()]);
        if self.absent(&named, &BTreeSet::new()).await?.is_empty() {
            return Ok(());
        }
        Err(Failure(format!(
            "namespace {namespace:?} doesn't exist. Choose another with --namespace."
        )))
    }

    /// The resources of a kind in a namespace, page by page.
    async fn list<K>(&self, namespace: &str) -> Result<Vec<K>, Failure>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let mut page = ListParams::default().limit(500);
        let mut found = Vec::new();
        loop {
            let list = api.list(&page).await?;
            found.extend(list.items);
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// The resources of a kind, in this namespace or in all. Those that can't be read are left out, and a sentence says so of
    /// each: one of them must not hide the others.
    pub async fn readable<K>(
        &self,
        everywhere: bool,
        unreadable: &mut Vec<String>,
    ) -> Result<Vec<K>, Failure>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned,
    {
        let namespace = (!everywhere).then_some(self.namespace.as_str());
        let requests = Request::new(K::url_path(&(), namespace));
        let mut page = ListParams::default().limit(500);
        let mut found = Vec::new();
        loop {
            let request = requests.list(&page)?;
            let list: Unread = self.client.request(request).await?;
            for item in list.items {
                match serde_json::from_str(item.get()) {
                    Ok(resource) => found.push(resource),
                    Err(error) => unreadable.push(format!(
                        "{} {} can't be read and is left out: {error}. Correct it, or delete it.",
                        K::kind(&()),
                        named(&item)
                    )),
                }
            }
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// The objects of one kind, in this namespace or in all.
    pub fn api(&self, resource: &ApiResource, everywhere: bool) -> Api<DynamicObject> {
        if everywhere {
            Api::all_with(self.client.clone(), resource)
        } else {
            Api::namespaced_with(self.client.clone(), &self.namespace, resource)
        }
    }

    /// One object by `KIND/NAME`.
    pub async fn get(&self, reference: &str) -> Result<(ApiResource, DynamicObject), Failure> {
        let wrong = || {
            Failure(format!(
                "{reference:?} isn't of the form KIND/NAME. Write for instance customer/fabrikam."
            ))
        };
        let (kind, name) = reference.split_once('/').ok_or_else(wrong)?;
        let resource = resource(kind).ok_or_else(|| {
            Failure(format!(
                "{kind:?} isn't a kind of Holdfast. Use tenant, customer, serviceplan or reseller."
            ))
        })?;
        let found = self.api(&resource, false).get_opt(name).await?;
        let missing = || {
            Failure(format!(
                "{} {name:?} doesn't exist in namespace {:?}. Choose another with --namespace.",
                resource.kind, self.namespace
            ))
        };
        Ok((resource.clone(), found.ok_or_else(missing)?))
    }

    /// Every `BackupPlatform`, in this namespace or in all.
    pub async fn platforms(
        &self,
        everywhere: bool,
    ) -> Result<Vec<(ApiResource, DynamicObject)>, Failure> {
        self.all_of(&[PLATFORM], everywhere).await
    }

    /// Every object of the managed kinds, in this namespace or in all, children first.
    pub async fn everything(
        &self,
        everywhere: bool,
    ) -> Result<Vec<(ApiResource, DynamicObject)>, Failure> {
        self.all_of(&KINDS, everywhere).await
    }

    /// Every object of these kinds. A kind whose CRD is gone has none.
    async fn all_of(
        &self,
        kinds: &[(&str, &str, &str)],
        everywhere: bool,
    ) -> Result<Vec<(ApiResource, DynamicObject)>, Failure> {
        let mut objects = Vec::new();
        for (kind, plural, _) in kinds {
            let resource = api_resource(kind, plural);
            let mut page = ListParams::default().limit(500);
            loop {
                let list = match self.api(&resource, everywhere).list(&page).await {
                    Ok(list) => list,
                    Err(kube::Error::Api(status)) if status.code == 404 => break,
                    Err(error) => return Err(error.into()),
                };
                let next = list
                    .metadata
                    .continue_
                    .clone()
                    .filter(|token| !token.is_empty());
                objects.extend(
                    list.items
                        .into_iter()
                        .map(|object| (resource.clone(), object)),
                );
                match next {
                    Some(token) => page = page.continue_token(&token),
                    None => break,
                }
            }
        }
        Ok(objects)
    }

    /// The namespaced way to an object that was found.
    pub fn api_of(&self, resource: &ApiResource, object: &DynamicObject) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.client.clone(),
            &object.namespace().unwrap_or_default(),
            resource,
        )
    }
}

/// A kind by its name, its plural or its short name; followed by our group, as `kubectl get -o name` prints it, or without.
fn resource(word: &str) -> Option<ApiResource> {
    let word = word.to_lowercase();
    let word = word
        .strip_suffix(&format!(".{}", names::GROUP))
        .unwrap_or(&word);
    let named = |(kind, plural, short): &&(&str, &str, &str)| {
        [kind.to_lowercase().as_str(), *plural, *short].contains(&word)
    };
    KINDS
        .iter()
        .find(named)
        .map(|(kind, plural, _)| api_resource(kind, plural))
}

fn api_resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk(names::GROUP, names::VERSION, kind),
        plural,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-N13
    #[test]
    fn a_kind_is_understood_in_each_way_that_kubectl_writes_it() {
        for word in [
            "customer",
            "Customers",
            "cust",
            "customers.holdfast.dev",
            "customer.holdfast.dev",
        ] {
            assert_eq!(resource(word).expect(word).kind, "Customer", "{word}");
        }
        assert!(resource("customers.example.com").is_none());
    }
}
