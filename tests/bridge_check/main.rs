//! `holdfast bridge check` against the reference platform, against it with faults in between, and against the example bridge.

use holdfast_testkit::Program;

mod example;
mod faults;
mod faulty;
mod fine;

/// The program under test.
const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));

/// A check that has ended.
struct Checked {
    code: i32,
    report: serde_json::Value,
    said: String,
}

impl Checked {
    /// Runs the check with JSON as its output.
    async fn run(endpoint: &str, token: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        std::fs::write(&file, format!("{token}\n")).expect("a file");
        let (endpoint, shown) = (endpoint.to_owned(), token.to_owned());
        let output = tokio::task::spawn_blocking(move || {
            let file = file.display().to_string();
            let arguments = ["bridge", "check", "--endpoint", &endpoint];
            let arguments = arguments
                .into_iter()
                .chain(["--token-file", &file, "-o", "json"]);
            HOLDFAST.run(&arguments.collect::<Vec<_>>())
        });
        let output = output.await.expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains(&shown) && !said.contains(&shown), "I5");
        Self {
            code: output.status.code().unwrap_or(-1),
            report: serde_json::from_str(&text).unwrap_or_default(),
            said,
        }
    }

    /// Requirements with one of these verdicts.
    fn with(&self, verdicts: &[&str]) -> Vec<String> {
        let rows = self.report["requirements"].as_array().into_iter().flatten();
        let rows = rows.filter(|row| verdicts.iter().any(|verdict| row["verdict"] == *verdict));
        rows.map(|row| row["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Asserts that all is as the contract has it, and that no more than this isn't offered.
    fn assert_passed(&self, not_offered: &[&str]) {
        assert_eq!(
            (self.code, &self.report["passed"]),
            (0, &true.into()),
            "{}\n{:#}",
            self.said,
            self.report
        );
        assert_eq!(self.with(&["not-offered"]), not_offered);
    }
}
