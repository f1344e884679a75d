//! The API server in memory beside the real one: the same requests get the same answers.

use std::collections::BTreeMap;

use http::Request;
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::{Map, Value, json};

use crate::{chance::Chance, cluster::Cluster, number, processes::Processes};

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
/// Scripts in `make test`, and requests of each.
const SCRIPTS: u64 = 5;
const REQUESTS: usize = 120;

/// What a request demands of the object that it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Nothing,
    Current,
    /// The version before the last.
    Stale,
    /// Another object, in whatever version.
    OtherUid,
    /// The object that had this name earlier, in its last version.
    Former,
}

/// One request: method, resource (a subresource behind a slash), name, query, content type, body.
#[derive(Debug, Clone)]
struct Asked {
    method: &'static str,
    resource: &'static str,
    name: String,
    query: &'static str,
    content: &'static str,
    body: Value,
    demand: Demand,
}

/// One of the two API servers, and what it has said about versions so far.
struct Server {
    client: Client,
    namespace: String,
    versions: BTreeMap<String, (String, Vec<String>)>,
    former: BTreeMap<String, (String, String)>,
}

impl Server {
    fn path(&self, asked: &Asked) -> String {
        let group = match asked.resource {
            "leases" => "apis/coordination.k8s.io/v1",
            _ => "apis/holdfast.dev/v1alpha1",
        };
        let (resource, below) = asked
            .resource
            .split_once('/')
            .unwrap_or((asked.resource, ""));
        let named = match (asked.name.as_str(), asked.method) {
            ("", _) | (_, "POST") => String::new(),
            (name, _) if below.is_empty() => format!("/{name}"),
            (name, _) => format!("/{name}/{below}"),
        };
        let space = &self.namespace;
        format!(
            "/{group}/namespaces/{space}/{resource}{named}{}",
            asked.query
        )
    }

    /// What is demanded, as this server knows it.
    fn demanded(&self, asked: &Asked) -> Map<String, Value> {
        let known = self.versions.get(&key(asked));
        let uid = known.map_or("00000000-0000-0000-0000-000000000000", |(uid, _)| uid);
        let versions = known
            .map(|(_, versions)| versions.as_slice())
            .unwrap_or_default();
        let (last, stale) = match versions {
            [.., before, last] => (last.as_str(), before.as_str()),
            [only] => (only.as_str(), "1"),
            [] => ("1", "1"),
        };
        let members = match asked.demand {
            Demand::Nothing => json!({}),
            Demand::Current => json!({"uid": uid, "resourceVersion": last}),
            Demand::Stale => json!({"uid": uid, "resourceVersion": stale}),
            Demand::OtherUid => json!({"uid": "11111111-1111-1111-1111-111111111111"}),
            Demand::Former => {
                let former = self.former.get(&key(asked)).cloned();
                let (uid, version) = former.unwrap_or((uid.to_owned(), last.to_owned()));
                json!({"uid": uid, "resourceVersion": version})
            }
        };
        members.as_object().cloned().unwrap_or_default()
    }

    async fn ask(&mut self, asked: &Asked) -> Value {
        let mut body = asked.body.clone();
        let demanded = self.demanded(asked);
        match asked.method {
            "DELETE" if !demanded.is_empty() => {
                body =
                    json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": demanded});
            }
            "PUT" | "PATCH" if asked.content != JSON_PATCH => {
                if let Some(meta) = body["metadata"].as_object_mut() {
                    meta.extend(demanded);
                }
            }
            _ => {}
        }
        if asked.method == "POST" || asked.method == "PUT" {
            body["metadata"]["namespace"] = self.namespace.clone().into();
        }
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(asked.method)
            .uri(self.path(asked))
            .header("content-type", asked.content)
            .body(Body::from(bytes))
            .expect("a request");
        let response = self.client.send(request).await.expect("an answer");
        let status = response.status().as_u16();
        let bytes = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        self.learn(asked, &answer);
        comparable(status, asked, &answer)
    }

    fn learn(&mut self, asked: &Asked, answer: &Value) {
        let text = |field: &str| answer["metadata"][field].as_str().map(str::to_owned);
        if let (Some(uid), Some(version)) = (text("uid"), text("resourceVersion")) {
            let known = self.versions.entry(key(asked)).or_default();
            if known.0 != uid {
                if let Some(last) = known.1.pop() {
                    self.former.insert(key(asked), (known.0.clone(), last));
                }
                *known = (uid, Vec::new());
            }
            if known.1.last() != Some(&version) {
                known.1.push(version);
            }
        }
    }
}

fn key(asked: &Asked) -> String {
    let resource = asked.resource.split('/').next().unwrap_or_default();
    format!("{resource}/{}", asked.name)
}

/// What of an answer has to be the same on both.
fn comparable(status: u16, asked: &Asked, answer: &Value) -> Value {
    if status >= 400 {
        return json!({"status": status, "reason": answer["reason"]});
    }
    if asked.method == "DELETE" {
        return json!({"status": status});
    }
    let object = |object: &Value| {
        let meta = &object["metadata"];
        let mut spec = object["spec"].clone();
        // The real one writes times with microseconds.
        if let Some(members) = spec.as_object_mut() {
            members.remove("renewTime");
        }
        json!({
            "name": meta["name"], "labels": meta["labels"], "annotations": meta["annotations"],
            "finalizers": meta["finalizers"], "generation": meta["generation"],
            "deleting": meta["deletionTimestamp"].is_string(), "spec": spec, "status": object["status"],
        })
    };
    match answer["items"].as_array() {
        Some(items) => {
            json!({"status": status, "items": items.iter().map(object).collect::<Vec<_>>()})
        }
        None => json!({"status": status, "object": object(answer)}),
    }
}

fn customer(name: &str, phone: u64) -> Value {
    json!({
        "apiVersion": "holdfast.dev/v1alpha1", "kind": "Customer", "metadata": {"name": name},
        "spec": {"platformRef": {"name": "nowhere"}, "displayName": "A customer", "profile": {"phone": phone.to_string()}},
    })
}

fn lease(name: &str, holder: u64) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name},
        "spec": {"holderIdentity": format!("h{holder}"), "leaseDurationSeconds": 15, "renewTime": "2026-11-26T10:00:00.000000Z"},
    })
}

fn marks(name: &str, chance: &Chance) -> Value {
    let mut meta = json!({"name": name});
    if chance.hits(700) {
        meta["finalizers"] = json!(["holdfast.dev/remote"]);
    }
    if chance.hits(600) {
        meta["annotations"] = json!({"holdfast.dev/test": chance.below(3).to_string()});
    }
    if chance.hits(400) {
        meta["labels"] = json!({"holdfast.dev/platform": format!("p{}", chance.below(2))});
    }
    json!({"apiVersion": "holdfast.dev/v1alpha1", "kind": "Customer", "metadata": meta})
}

fn status(name: &str, chance: &Chance) -> Value {
    let mut status = json!({"observedGeneration": chance.below(4)});
    if chance.hits(500) {
        status["externalId"] = chance.below(3).to_string().into();
    }
    if chance.hits(600) {
        let ready = if chance.hits(500) { "True" } else { "False" };
        status["conditions"] = json!([{
            "type": "Ready", "status": ready, "reason": "InSync", "message": "m",
            "lastTransitionTime": "2026-11-26T10:00:00Z", "observedGeneration": 1,
        }]);
    }
    if chance.hits(300) {
        status["usage"] = json!({"storage": format!("{}Gi", chance.below(9))});
    }
    json!({"apiVersion": "holdfast.dev/v1alpha1", "kind": "Customer", "metadata": {"name": name}, "status": status})
}

/// The next request of a script. What the operator applies and replaces always says which object it means.
fn asked(chance: &Chance) -> Asked {
    let mut asked = any(chance);
    if asked.demand == Demand::Nothing && (asked.content == APPLY || asked.method == "PUT") {
        asked.demand = Demand::Current;
    }
    asked
}

fn any(chance: &Chance) -> Asked {
    let name = (*chance.pick(&["a", "b"])).to_owned();
    let demand = *chance.pick(&[
        Demand::Nothing,
        Demand::Current,
        Demand::Current,
        Demand::Stale,
        Demand::OtherUid,
        Demand::Former,
    ]);
    let a = |method, resource, query, content, body: Value| Asked {
        method,
        resource,
        name: name.clone(),
        query,
        content,
        body,
        demand,
    };
    let plain = "application/json";
    let ours = "?fieldManager=holdfast&force=true";
    match chance.below(100) {
        0..12 => a(
            "POST",
            "customers",
            "",
            plain,
            customer(&name, chance.below(3)),
        ),
        12..30 => a("PATCH", "customers", ours, APPLY, marks(&name, chance)),
        30..48 => a(
            "PATCH",
            "customers/status",
            ours,
            APPLY,
            status(&name, chance),
        ),
        48..56 => {
            let phone = json!({"metadata": {}, "spec": {"profile": {"phone": chance.below(4).to_string()}}});
            a("PATCH", "customers", "", MERGE, phone)
        }
        56..62 => {
            let value = if chance.hits(500) {
                Value::Null
            } else {
                "x".into()
            };
            let patch =
                json!({"metadata": {"annotations": {"holdfast.dev/test": value, "other": "o"}}});
            a("PATCH", "customers", "", MERGE, patch)
        }
        62..66 => {
            let patch = json!([
                {"op": "test", "path": "/metadata/finalizers", "value": ["holdfast.dev/remote"]},
                {"op": "remove", "path": "/metadata/finalizers"},
            ]);
            a("PATCH", "customers", "", JSON_PATCH, patch)
        }
        66..70 => a(
            "PATCH",
            "customers",
            "",
            MERGE,
            json!({"metadata": {"finalizers": null}}),
        ),
        70..78 => a("DELETE", "customers", "", plain, Value::Null),
        78..83 => a("GET", "customers", "", plain, Value::Null),
        83..85 => Asked {
            name: String::new(),
            ..a("GET", "customers", "", plain, Value::Null)
        },
        85..89 => a("POST", "leases", "", plain, lease(&name, chance.below(3))),
        89..95 => a("PUT", "leases", "", plain, lease(&name, chance.below(3))),
        95..98 => a("DELETE", "leases", "", plain, Value::Null),
        _ => a("GET", "leases", "", plain, Value::Null),
    }
}

#[tokio::test]
async fn the_api_server_in_memory_answers_like_the_real_one() {
    let first = number("FIRST", 0);
    for seed in first..first + number("SCRIPTS", SCRIPTS) {
        let real = holdfast_testkit::Cluster::start("compared").await;
        let memory = Cluster::start(Chance::new(seed), Processes::default());
        let server = |client| Server {
            client,
            namespace: real.namespace.clone(),
            versions: BTreeMap::new(),
            former: BTreeMap::new(),
        };
        let mut pair = [server(real.client.clone()), server(memory.client("script"))];
        let chance = Chance::new(seed);
        let mut before = Vec::new();
        for at in 0..REQUESTS {
            let asked = asked(&chance);
            let [real, memory] = &mut pair;
            let (expected, answer) = (real.ask(&asked).await, memory.ask(&asked).await);
            assert_eq!(
                answer, expected,
                "script {seed}, request {at}: {asked:#?}\nafter {before:#?}"
            );
            before.push(format!(
                "{} {} {:?} {:?} {}",
                asked.method,
                key(&asked),
                asked.demand,
                asked.body,
                expected["status"]
            ));
        }
    }
}
