//! `holdfast bridge check`: judges somebody's bridge by the bridge contract. Serves R-N19.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use holdfast_bridgecheck::{Options, Report, Session, Verdict};
use reqwest::Url;
use secrecy::SecretString;

use super::{Failure, stop_signal, terminal};
use crate::platform::http;

/// Something is wrong or missing.
const FAILED: u8 = 2;
/// Something of the check is still there.
const LEFT_BEHIND: u8 = 3;

/// What is done about bridges.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Judge a bridge by every answer that it gives, and leave nothing behind
    Check(Check),
}

/// What `holdfast bridge check` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast bridge check --endpoint http://127.0.0.1:8090 --token-file estate.sqlite.token
  holdfast bridge check --endpoint https://bridge.example/ --token-file token --ca-file ca.pem -o json

It makes items whose names and references begin with holdfast-check- and a random part, changes and removes
only these, and compares the lists before and after. Run it while nobody else works on the platform.
docs/bridge.md says what each requirement asks, docs/bridge.openapi.yaml is the contract.
Exit codes: 0 all is as the contract has it, 2 something is wrong or missing, 3 something of the check is
still there, 1 it couldn't be run.")]
pub struct Check {
    /// Where the bridge is; /v1 is added
    #[arg(long, value_name = "URL")]
    endpoint: Url,
    /// A file with its bearer token
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The certificates that its own must be issued by, a PEM file; without it those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Checks, cleans up, prints.
pub async fn run(Command::Check(check): Command) -> Result<ExitCode, Failure> {
    let certificates = check.ca_file.as_deref().map(read).transpose()?;
    let options = Options {
        client: http::client(&check.endpoint, certificates.as_deref())?,
        endpoint: check.endpoint,
        token: token(&check.token_file)?,
    };
    let mut session = Session::new(options)?;
    eprintln!("Names and references begin with {}.", session.prefix());
    tokio::select! {
        ended = session.run() => ended.map_err(|why| {
            Failure::new(format!("the bridge can't be reached: {why}. See that it runs, and that --endpoint is right."))
        })?,
        () = stop_signal() => eprintln!("Stopped; removing what was made."),
    }
    let report = session.finish().await;
    match check.output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Output::Table => print!("{}", told(&report)),
    }
    Ok(if !report.left_behind.is_empty() {
        ExitCode::from(LEFT_BEHIND)
    } else if report.passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}

/// The token in a file: one line of printable ASCII.
fn token(file: &Path) -> Result<SecretString, Failure> {
    let text = String::from_utf8(read(file)?).unwrap_or_default();
    let token = text.trim();
    if token.is_empty() || !token.chars().all(|one| one.is_ascii_graphic()) {
        return Err(Failure::new(format!(
            "{}: must hold the token, one line of printable ASCII",
            file.display()
        )));
    }
    Ok(token.into())
}

/// The report for a person.
fn told(report: &Report) -> String {
    let mut text = String::new();
    let mut group = "";
    // Writing to a String never fails.
    for row in &report.requirements {
        if row.group != group {
            group = row.group;
            let _ = writeln!(text, "{}{group}", if text.is_empty() { "" } else { "\n" });
        }
        let verdict = row.verdict.as_str();
        let fine = row.outcomes.iter().filter(|of| of.verdict == Verdict::Ok);
        let fine: Vec<&str> = fine.filter_map(|of| of.about).collect();
        let fine = if fine.is_empty() {
            String::new()
        } else {
            format!(" [{}]", fine.join(", "))
        };
        let _ = writeln!(text, "  {verdict:<12} {:<18} {}{fine}", row.id, row.text);
        for outcome in row.outcomes.iter().filter(|of| of.verdict > Verdict::Ok) {
            let about = outcome.about.unwrap_or("bridge");
            let line = |what: &str| terminal::line(what);
            let verdict = outcome.verdict.as_str();
            let _ = writeln!(
                text,
                "      {about}: {verdict}: {}",
                line(&outcome.expected)
            );
            if !outcome.seen.is_empty() {
                let _ = writeln!(text, "        seen: {}", line(&outcome.seen));
            }
        }
    }
    text.push_str(&summary(report));
    text
}

/// What was left behind, and the result.
fn summary(report: &Report) -> String {
    let mut text = String::new();
    if !report.left_behind.is_empty() {
        text.push_str("\nPERHAPS STILL ON THE PLATFORM; see to each by hand:\n");
    }
    for left in &report.left_behind {
        let id = left.id.as_deref().map(|id| format!(" with id {id},"));
        let id = id.unwrap_or_default();
        let line = format!(
            "{}:{id} reference {}: {}",
            left.kind, left.reference, left.why
        );
        let _ = writeln!(text, "  {}", terminal::line(&line));
    }
    let count = |verdict| {
        let rows = report.requirements.iter();
        rows.filter(|row| row.verdict == verdict).count()
    };
    let verdicts = [
        Verdict::Ok,
        Verdict::Wrong,
        Verdict::Missing,
        Verdict::NotOffered,
        Verdict::NotChecked,
    ];
    let counts = verdicts.map(|verdict| format!("{} {}", count(verdict), verdict.as_str()));
    let result = if report.passed { "Passed" } else { "Failed" };
    let _ = writeln!(text, "\n{result}: {}.", counts.join(", "));
    text
}
