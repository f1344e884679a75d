//! `holdfast plan` reads files as kubectl does: it takes what `kubectl apply` takes, refuses what it refuses, and reads the
//! same values. The judge is the real kubectl with the real API server, on the same bytes. R-N2.

use holdfast_core::preview::{Manifest, Manifests};
use serde_json::Value;

use holdfast_testkit::{Cluster, kubectl};

const HEAD: &str = "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\n";
const JSON: &str = r#"{"apiVersion":"holdfast.dev/v1alpha1","kind":"Customer","metadata":{"name":"NAME"},"spec":{"platformRef":{"name":"msp"},"displayName":"One"MORE}}"#;

/// A customer whose spec has this, too.
fn spec(more: &str) -> String {
    named("one", more)
}

fn named(name: &str, more: &str) -> String {
    format!(
        "{HEAD}metadata: {{name: {name}}}\nspec: {{platformRef: {{name: msp}}, displayName: One, {more}}}\n"
    )
}

/// A customer whose metadata has this, too.
fn metadata(more: &str) -> String {
    format!(
        "{HEAD}metadata: {{name: one, {more}}}\nspec: {{platformRef: {{name: msp}}, displayName: One}}\n"
    )
}

fn json(name: &str, more: &str) -> String {
    JSON.replace("NAME", name).replace("MORE", more)
}

/// Every way to write a scalar, each where a text, a size and a switch is wanted.
const SCALARS: [&str; 49] = [
    "NO",
    "no",
    "nO",
    "y",
    "N",
    "yes",
    "on",
    "Off",
    "true",
    "TRUE",
    "tRUE",
    "~",
    "null",
    "NULL",
    "nULL",
    "012345",
    "010",
    "08",
    "0o10",
    "-010",
    "1_000",
    "_1",
    "1_",
    "0x1F",
    "0b101",
    "0b102",
    "0b-101",
    "1e3",
    "1e",
    "1.0",
    "1.",
    ".5",
    "1e400",
    ".inf",
    ".nan",
    "+12",
    "-0",
    "0.0",
    "12345678901234567890",
    "1e20",
    ".1_0",
    "1:30",
    "2020-01-01",
    "\"NO\"",
    "'010'",
    "!!str 010",
    "!!int \"012\"",
    "!!bool \"yes\"",
    "!!int abc",
];

fn scalars() -> Vec<String> {
    let fields = ["profile: {phone: V}", "limits: {storage: V}", "active: V"];
    let each = |scalar: &&str| fields.map(|field| spec(&field.replace('V', scalar)));
    SCALARS.iter().flat_map(each).collect()
}

fn documents() -> Vec<String> {
    let one = named("one", "");
    let two = named("two", "active: no");
    let list =
        |kind: &str, items: &str| format!("apiVersion: v1\nkind: {kind}\nitems: [{items}]\n");
    vec![
        format!("\u{feff}{one}"),
        format!("{one}---\n\u{feff}{two}"),
        one.replace('\n', "\r\n"),
        format!("---\n---\n{one}---\n# nothing\n--- # a comment\n{two}---\n"),
        format!("---one\n{one}"),
        format!("--- {{a: b}}\n---\n{one}"),
        format!("{one} ---\n{two}"),
        format!("{one}...\n{two}"),
        format!("{one}...\na: [}}\n---\n{two}"),
        format!("{one}{two}"),
        format!("%YAML 1.1\n---\n{one}"),
        format!("{HEAD}metadata: {{name: one}}\nspec: {{platformRef: {{name: msp}}, displayName: \"a\n---\nb\"}}\n"),
        "just words\n".into(),
        format!("[{}]", json("one", "")),
        "a: [1, 2".into(),
        "\t a: b".into(),
        "kind: Customer\nmetadata: {name: one}\n".into(),
        json("one", "") + &json("two", ""),
        format!("  {}\n\n---\n{two}", json("one", "")),
        json("one", "") + &json("two", "") + "\n---\n" + &two,
        format!("{one}---\n{}", json("two", "")),
        format!("{one}---\n{}\n{}", json("two", ""), json("three", "")),
        json("one", r#","displayName":"Two""#),
        json("one", r#","active":"yes""#),
        json("one", r#","limits":{"storage":010}"#),
        json("one", r#","limits":{"storage":10.0}"#),
        json("one", r#","limits":{"clients":1e1}"#),
        json("one", r#","country": "DE","#),
        json("one", ", country: NO"),
        list("List", &format!("{}, {}", json("one", ""), json("two", ""))),
        list("List", &format!("{{apiVersion: v1, kind: List, items: [{}]}}", json("one", ""))),
        list("List", ""),
        "apiVersion: holdfast.dev/v1alpha1\nkind: CustomerList\nitems:\n- metadata: {name: one}\n  spec: {platformRef: {name: msp}, displayName: One}\n".into(),
        "apiVersion: v1\nkind: List\nitems:\n- &base\n  apiVersion: holdfast.dev/v1alpha1\n  kind: Customer\n  metadata: {name: a}\n  spec: &spec {platformRef: {name: msp}, displayName: A, country: \"DE\"}\n- <<: *base\n  metadata: {name: b}\n  spec: {<<: *spec, displayName: B}\n- <<: *base\n  metadata: {name: c}\n  spec: {displayName: C, <<: [{active: true}, *spec]}\n".into(),
        spec("profile: {<<: 5}"),
        spec("profile: {<<: [5]}"),
        spec("profile: {\"<<\": {phone: \"1\"}}"),
        spec("profile: *nobody"),
        spec("profile: &a {notes: *a}"),
        spec("profile: &a {notes: x}, limits: *a"),
        spec("displayName: Two"),
        spec("y: 1"),
        spec("~: 1"),
        spec("[a]: 1"),
        spec("phone: \"1\""),
        spec("phone: ~"),
        spec("profile: {phones: ~}"),
        spec("contacts: [{name: A, email: a@b.example}, {name: B, emails: c}]"),
        spec("contacts: [~]"),
        spec("contacts: ~, administrators: []"),
        spec("country: ~"),
        spec("profile: ~"),
        spec("profile: []"),
        spec("profile: {}"),
        spec("profile: {notes: \"a\\tb\\e\"}"),
        spec("profile: {notes: !custom 5}"),
        spec("profile: {notes: !!binary aGk=}"),
        spec("profile: {notes: !!binary \"!\"}"),
        spec("limits: {storage: 1.5}"),
        spec("limits: {storage: 10Ti, clients: 0x10}"),
        spec("limits: {clients: \"1\"}"),
        format!("{HEAD}metadata: {{name: one}}\nspec:\n  platformRef: {{name: msp}}\n  displayName: One\n  profile:\n    notes: |\n      first\n      second\n    phone: >-\n      folded\n      text\n"),
        metadata("foo: bar"),
        metadata("labels: {a: 1}"),
        metadata("labels: {a: yes}"),
        metadata("labels: {a: \"no no\"}"),
        metadata("labels: {\"a b\": c}"),
        metadata("labels: {\"example.com/a\": c}"),
        metadata("labels: {\"Example.com/a\": c}"),
        metadata("labels: {yes: b}"),
        metadata("labels: {a: ~}"),
        metadata("annotations: {a: 1}"),
        metadata("annotations: {a: \"b\\nc\"}"),
        metadata("annotations: {\"a/b/c\": d}"),
        metadata("creationTimestamp: null"),
        metadata("creationTimestamp: now"),
        format!("{HEAD}metadata: {{name: Bad_Name}}\nspec: {{platformRef: {{name: msp}}, displayName: One}}\n"),
        format!("{HEAD}metadata: {{name: 12}}\nspec: {{platformRef: {{name: msp}}, displayName: One}}\n"),
        format!("{HEAD}metadata: {{name: a.b-c}}\nspec: {{platformRef: {{name: msp}}, displayName: One}}\n"),
        format!("{one}foo: bar\n"),
        format!("{one}status: {{foo: 1}}\n"),
        format!("{one}status: {{observedGeneration: x}}\n"),
    ]
}

fn bytes() -> Vec<Vec<u8>> {
    let one = named("one", "");
    let wide = |bytes: fn(u16) -> [u8; 2], mark: &str| {
        let text = format!("{mark}{one}");
        text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    let mut odd = one.clone().into_bytes();
    odd.extend(b"# Latin-1: \xe9\n");
    let mut name = one.replace("One", "On").into_bytes();
    let at = one.find("One").expect("a name") + 2;
    name.insert(at, 0xe9);
    vec![
        wide(u16::to_le_bytes, "\u{feff}"),
        wide(u16::to_be_bytes, "\u{feff}"),
        wide(u16::to_le_bytes, ""),
        odd,
        name,
    ]
}

/// The resources as kubectl and the API server read them: name and spec; or why not.
fn by_kubectl(file: &str, namespace: &str) -> Result<Vec<(String, Value)>, String> {
    let apply = [
        "apply",
        "--dry-run=server",
        "-o",
        "json",
        "-n",
        namespace,
        "-f",
        file,
    ];
    let output = kubectl(&apply, "");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let items = answer["items"].as_array().cloned();
    let items = items.unwrap_or_else(|| vec![answer]);
    Ok(items.iter().map(read_back).collect())
}

fn read_back(object: &Value) -> (String, Value) {
    let name = object["metadata"]["name"].as_str().expect("a name");
    let customer: holdfast_api::Customer =
        serde_json::from_value(object.clone()).expect("a customer");
    let spec = serde_json::to_value(customer.spec).expect("a spec");
    (name.to_owned(), spec)
}

fn by_plan(file: &str, namespace: &str) -> Result<Vec<(String, Value)>, String> {
    let mut manifests = Manifests::default();
    let bytes = std::fs::read(file).expect("a file");
    manifests.read("one.yaml", &bytes, namespace);
    manifests.check().map_err(|error| error.to_string())?;
    if manifests.declarations.is_empty() {
        return Err("nothing".into());
    }
    let customers = manifests.declarations.iter().map(|declaration| {
        let Manifest::Customer(customer) = &declaration.manifest else {
            panic!("no customer: {declaration:?}");
        };
        read_back(&serde_json::to_value(customer).expect("JSON"))
    });
    Ok(customers.collect())
}

/// Whether this kubectl takes what begins like JSON for JSON alone, as 1.32 does, and refuses what is YAML only. 1.34 doesn't.
fn knows_json_only() -> bool {
    let output = kubectl(&["version", "--client", "-o", "json"], "");
    let version: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let minor = version["clientVersion"]["minor"].as_str().expect("a text");
    minor.parse::<u32>().expect("a number") < 34
}

/// R-N2: what plan approves is what is applied. Where they differ, `kubectl apply` refuses in the middle of a deployment what
/// was approved, or applies other numbers than were shown.
#[tokio::test(flavor = "multi_thread")]
async fn plan_takes_and_reads_exactly_what_kubectl_takes_and_reads() {
    let cluster = Cluster::start("yaml").await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("one.yaml");
    let file = path.to_str().expect("a path");
    let texts = scalars().into_iter().chain(documents());
    let cases: Vec<Vec<u8>> = texts.map(String::into_bytes).chain(bytes()).collect();
    assert!(cases.len() > 200, "{}", cases.len());
    let json_only = knows_json_only();
    let mut different = Vec::new();
    for case in cases {
        std::fs::write(file, &case).expect("a file");
        let (kubectl, plan) = (
            by_kubectl(file, &cluster.namespace),
            by_plan(file, &cluster.namespace),
        );
        let same = match (&kubectl, &plan) {
            (Ok(applied), Ok(planned)) => applied == planned,
            (Err(_), Err(_)) => true,
            (Err(error), Ok(_)) => {
                json_only
                    && case.trim_ascii_start().starts_with(b"{")
                    && error.contains("error parsing")
            }
            _ => false,
        };
        if !same {
            let text = String::from_utf8_lossy(&case);
            different.push(format!(
                "{text}\n  kubectl: {kubectl:?}\n  plan: {plan:?}\n"
            ));
        }
    }
    let all = different.join("\n");
    assert!(different.is_empty(), "{} differ:\n{all}", different.len());
}
