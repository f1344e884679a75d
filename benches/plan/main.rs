//! What a plan of many objects costs without a cluster: reading and checking the manifests, and deciding for each.
//!
//! `N=10000 cargo bench --bench plan` (`make bench-plan`). Half of the objects are customers, half are their tenants.

use std::{fmt::Write as _, time::Instant};

use holdfast_api::{BackupPlatform, Capability, Kind};
use holdfast_core::estate::{
    Account, Capabilities, Creation, Facts, Object, ObjectId, Protection, Settings, Snapshot,
    StorageLocation,
};
use holdfast_core::planner;
use holdfast_core::preview::{Existing, Manifest, Manifests, World};
use serde_json::{Value, json};

const OWNER: &str = "0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d";
const RESELLERS: usize = 50;

fn main() {
    let count: usize = std::env::var("N")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(10_000);
    let customers = count / 2;
    let text = manifests(customers);
    let started = Instant::now();
    let read = parse(&text);
    println!("{count} objects in {RESELLERS} resellers, one process, no cluster");
    println!(
        "  reading and checking {} KiB: {:.2} s",
        text.len() >> 10,
        started.elapsed().as_secs_f64()
    );

    let platform = platform(&read);
    for (title, objects) in [
        ("everything is to be created", Vec::new()),
        ("nothing is to be done", objects(customers)),
    ] {
        let now = jiff::Timestamp::now();
        let mut world = World::new(Existing::default(), now);
        world.apply(parse(&text), false);
        world.observe(&platform, observation(objects), false);
        let started = Instant::now();
        let preview = world.play(now).expect("a plan");
        println!(
            "  {title}: {:.2} s, {:?}",
            started.elapsed().as_secs_f64(),
            preview.totals
        );
    }
}

fn parse(text: &str) -> Manifests {
    let mut manifests = Manifests::default();
    manifests.read("bench.yaml", text.as_bytes(), "bench");
    manifests.check().expect("manifests");
    manifests
}

fn platform(manifests: &Manifests) -> BackupPlatform {
    let found = manifests
        .declarations
        .iter()
        .find_map(|declaration| match &declaration.manifest {
            Manifest::Platform(platform) => Some((**platform).clone()),
            _ => None,
        });
    found.expect("a platform")
}

fn manifests(customers: usize) -> String {
    let mut text = format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: msp}}\nspec: {{ownerId: {OWNER}, embedded: {{}}}}\n---\napiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {{name: gold}}\nspec: {{platformRef: {{name: msp}}, planName: Gold, products: [{{product: HybridWorkloads, edition: Business, workloads: [FileServers]}}]}}\n"
    );
    for at in 0..RESELLERS {
        let _ = write!(
            text,
            "---\napiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {{name: r{at}}}\nspec: {{platformRef: {{name: msp}}, displayName: R{at}, level: Reseller, allotment: {{storage: 900Ti}}}}\n"
        );
    }
    for at in 0..customers {
        let _ = write!(
            text,
            "---\napiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: c{at}}}\nspec: {{resellerRef: {{name: r{}}}, displayName: C{at}, country: \"DE\", limits: {{storage: 1Ti}}}}\n---\napiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: t{at}}}\nspec: {{customerRef: {{name: c{at}}}, servicePlanRef: {{name: gold}}, product: HybridWorkloads}}\n",
            at % RESELLERS
        );
    }
    text
}

fn observation(objects: Vec<Object>) -> Snapshot {
    Snapshot {
        unreadable: holdfast_core::estate::Unread::default(),
        capabilities: Capabilities {
            account: Account {
                id: "account".into(),
                name: "Bench".into(),
            },
            verbs: Capability::ALL.iter().copied().collect(),
            fields: std::collections::BTreeMap::new(),
            fixed: std::collections::BTreeMap::new(),
            creation: Creation::ByReference.everywhere(),
            apart: std::collections::BTreeMap::new(),
            unlisted: std::collections::BTreeMap::new(),
            lacking: std::collections::BTreeMap::new(),
            products: std::collections::BTreeSet::new(),
            console: std::collections::BTreeMap::new(),
            default_customer: None,
        },
        objects,
        locations: vec![StorageLocation {
            id: "de-1".into(),
            name: "Frankfurt".into(),
            countries: vec!["DE".into()],
            products: Vec::new(),
        }],
        administrators: Vec::new(),
        licences: None,
        clients: Vec::new(),
    }
}

/// What the platform holds when everything that the manifests say is there.
fn objects(customers: usize) -> Vec<Object> {
    let plan = json!({"name": "Gold", "products": [{"product": "HybridWorkloads", "edition": "Business", "workloads": ["FileServers"]}]});
    let mut objects = vec![object(Kind::ServicePlan, "gold", &plan)];
    for at in 0..RESELLERS {
        let reseller = json!({"name": format!("R{at}"), "level": "Reseller", "allotment": {"storage": "900Ti"}});
        objects.push(object(Kind::Reseller, &format!("r{at}"), &reseller));
    }
    for at in 0..customers {
        let customer = json!({"name": format!("C{at}"), "resellerId": format!("r{}", at % RESELLERS), "country": "DE", "storageLocation": "de-1", "limits": {"storage": "1Ti"}});
        objects.push(object(Kind::Customer, &format!("c{at}"), &customer));
        let tenant = json!({"customerId": format!("c{at}"), "planId": "gold", "product": "HybridWorkloads", "type": "Evaluation"});
        objects.push(object(Kind::Tenant, &format!("t{at}"), &tenant));
    }
    objects
}

fn object(kind: Kind, name: &str, settings: &Value) -> Object {
    let settings = Settings::from_document(kind, settings).expect("settings");
    Object {
        unreadable: None,
        kind,
        id: ObjectId::new(name),
        name: settings.text("name").unwrap_or_default().to_owned(),
        claim: Some(planner::claim(OWNER, kind, "bench", name)),
        etag: None,
        protection: Protection::None,
        created_at: None,
        settings,
        facts: Facts::default(),
    }
}
