//! Scalars, documents and merge keys as kubectl reads them. Every line was compared with what the real kubectl makes of it;
//! `tests/e2e/plan_yaml.rs` compares again.

use serde_json::{Value, json};

use super::{documents, scalar, text};

/// R-N2
#[test]
fn scalars_are_read_as_kubectl_reads_them() {
    let cases = [
        ("NO", json!(false)),
        ("n", json!(false)),
        ("Y", json!(true)),
        ("On", json!(true)),
        ("nO", json!("nO")),
        ("NOT", json!("NOT")),
        ("", json!(null)),
        ("NULL", json!(null)),
        ("012345", json!(5349)),
        ("08", json!(8)),
        ("-010", json!(-8)),
        ("0o10", json!(8)),
        ("0o8", json!("0o8")),
        ("0o7_7", json!(63)),
        ("1_000", json!(1000)),
        ("_1", json!("_1")),
        ("1__0", json!(10)),
        ("0X1f", json!(31)),
        ("-0x1f", json!(-31)),
        ("0x", json!("0x")),
        ("0b101", json!(5)),
        ("0b102", json!("0b102")),
        ("0b-101", json!(-5)),
        ("1e3", json!(1000)),
        ("1e", json!("1e")),
        ("1.0", json!(1)),
        ("1.", json!(1)),
        ("+.5", json!(0.5)),
        ("1_0.5", json!(10.5)),
        (".1_0", json!(0.1)),
        (".1__0", json!(".1__0")),
        ("._1", json!("._1")),
        (".1_", json!(".1_")),
        ("1e400", json!("1e400")),
        ("-0.0", json!(0)),
        (
            "18446744073709551615",
            json!(18_446_744_073_709_551_615_f64),
        ),
        ("-9223372036854775808", json!(i64::MIN)),
        ("9223372036854775808", json!(9_223_372_036_854_775_808_f64)),
        ("1e21", json!(1e21)),
        ("1:30", json!("1:30")),
        ("2020-01-01", json!("2020-01-01")),
        ("+", json!("+")),
        ("-.", json!("-.")),
        ("1e+-3", json!("1e+-3")),
        ("é", json!("é")),
        ("1é", json!("1é")),
    ];
    for (written, read) in cases {
        assert_eq!(scalar::resolve(written, None, true), Ok(read), "{written}");
        let quoted = scalar::resolve(written, None, false);
        assert_eq!(quoted, Ok(json!(written)), "{written} in quotes");
    }
    for number in [".inf", "-.Inf", ".NaN"] {
        assert!(scalar::resolve(number, None, true).is_err(), "{number}");
    }
}

/// R-N2
#[test]
fn tags_decide_before_the_text_does() {
    let tagged =
        |tag: &str, text| scalar::resolve(text, Some(&format!("tag:yaml.org,2002:{tag}")), false);
    assert_eq!(tagged("str", "010"), Ok(json!("010")));
    assert_eq!(tagged("int", "010"), Ok(json!(8)));
    assert_eq!(tagged("float", "3"), Ok(json!(3)));
    assert_eq!(tagged("bool", "yes"), Ok(json!(true)));
    assert_eq!(tagged("binary", "aGk="), Ok(json!("hi")));
    assert_eq!(scalar::resolve("5", Some("!custom"), false), Ok(json!("5")));
    for (tag, text) in [
        ("int", "3.0"),
        ("bool", "1"),
        ("null", "x"),
        ("binary", "!"),
    ] {
        assert!(tagged(tag, text).is_err(), "{tag} {text}");
    }
}

fn read(text: &str) -> Vec<Value> {
    let documents = documents(text).unwrap_or_else(|error| panic!("{error:?}: {text}"));
    documents
        .into_iter()
        .map(|document| document.value)
        .collect()
}

fn refused(text: &str) -> (usize, usize) {
    let error = documents(text).expect_err(text);
    (error.document, error.line)
}

/// R-N2
#[test]
fn a_text_is_cut_into_documents_where_kubectl_cuts_it() {
    let two = [json!({"a": 1}), json!({"b": 2})];
    for text in [
        "a: 1\n---\nb: 2\n",
        "---\n---\n# nothing\n---\na: 1\n--- # a comment\nb: 2\n---\n",
        "a: 1\r\n---\r\nb: 2\r\n",
        "{\"a\": 1}{\"b\": 2.0}",
        " {\"a\": 1}\n\n---\nb: 2",
        "a: 1\n...\nnever: [read\n---\nb: 2\n",
        "\na: 1\n---\n\u{feff}b: 2\n",
    ] {
        assert_eq!(read(text), two, "{text}");
    }
    assert_eq!(read("{a: 1}"), two[..1]);
    assert_eq!(read("{\"a\": 1,}"), two[..1]);
    assert_eq!(read("# nothing\n"), [] as [Value; 0]);
    assert_eq!(refused("a: 1\n---\nb: 2\n---c\n"), (2, 4));
    assert_eq!(refused("{\"a\": 1}{\"b\": 2}\n---\nc: 3\n"), (3, 2));
    assert_eq!(refused("a: 1\n---\nb: [\n"), (2, 4));
    assert_eq!(refused("a: 1\nb: {c: why?}\n"), (1, 2));
    assert_eq!(refused("a: 1\nb: [why? not]\n"), (1, 2));
    // Something in which the parser's own code gives up.
    assert_eq!(refused("a: 1\nb: [!x, c]\n"), (1, 1));
    assert_eq!(read("a: why?\nb: [\"why?\", {? c : d}]\n")[0]["a"], "why?");
    assert_eq!(refused("a: 1\n---\nb: \"c\n---\nd\"\n"), (2, 4));
}

/// R-N2
#[test]
fn aliases_and_merge_keys_are_followed() {
    let base = "x: &x {a: 1, b: 2}\ny: &y {b: 3}\n";
    let merged = |text: &str| read(&format!("{base}z: {text}\n"))[0]["z"].clone();
    assert_eq!(merged("{<<: *x, b: 4}"), json!({"a": 1, "b": 4}));
    assert_eq!(merged("{b: 4, <<: *x}"), json!({"a": 1, "b": 2}));
    assert_eq!(merged("{<<: [*y, *x]}"), json!({"a": 1, "b": 3}));
    assert_eq!(merged("{<<: {c: *y}}"), json!({"c": {"b": 3}}));
    assert_eq!(merged("{\"<<\": 5}"), json!({"<<": 5}));
    assert_eq!(
        merged("{1: a, yes: b, 1.5: c}"),
        json!({"1": "a", "true": "b", "1.5": "c"})
    );
    for text in [
        "{<<: 5}",
        "{<<: [5]}",
        "*nobody",
        "&a {b: *a}",
        "&a {<<: *a}",
        "{[a]: 1}",
        "{~: 1}",
    ] {
        assert_eq!(refused(&format!("{base}z: {text}\n")), (1, 3), "{text}");
    }
    let level = |level: usize| {
        let below = format!("*a{}, ", level - 1).repeat(10);
        format!("a{level}: &a{level} [{below}]\n")
    };
    let bomb: String = (1..9).map(level).collect();
    refused(&format!("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{bomb}"));
    refused(&"[".repeat(100_000));
    refused(&"- ".repeat(5_000));
}

/// R-N2
#[test]
fn what_people_would_read_otherwise_is_remarked_with_its_line() {
    let text = "---\na: {b: NO, c: 010}\nd: \"NO\"\ne: 1_000\nf: 1.0\ng: 5\ng: 6\nh: &h {i: 1}\nj: {i: 2, <<: *h}\n...\nx\n";
    let document = &documents(text).expect("YAML")[0];
    let remarks = document.remarks.iter();
    let remarks: Vec<String> = remarks
        .map(|remark| format!("{} {} {}", remark.line, remark.path, remark.says))
        .collect();
    let quote = "by kubectl. Quote it if it is meant as it stands there";
    assert_eq!(
        remarks,
        [
            format!("2 a.b NO is read as false {quote}"),
            format!("2 a.c 010 is read as 8 {quote}"),
            format!("4 e 1_000 is read as 1000 {quote}"),
            "7 g it is written more than once, and kubectl uses the last one".into(),
            "9 j.i << follows it, so kubectl uses the merged value".into(),
            "11  kubectl ignores what follows here, up to the next ---".into(),
        ]
    );
    assert_eq!(document.lines.get("a.b"), Some(&2));
}

/// R-N2
#[test]
fn byte_order_marks_tell_the_encoding() {
    let wide = |of: fn(u16) -> [u8; 2]| {
        "\u{feff}a: ü"
            .encode_utf16()
            .flat_map(of)
            .collect::<Vec<u8>>()
    };
    for bytes in [
        "\u{feff}a: ü".as_bytes(),
        "a: ü".as_bytes(),
        &wide(u16::to_le_bytes),
        &wide(u16::to_be_bytes),
    ] {
        assert_eq!(text(bytes), ("a: ü".into(), true));
    }
    assert_eq!(text(b"a: \xfc"), ("a: \u{fffd}".into(), false));
}
