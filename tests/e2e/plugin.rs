//! The program as a plugin of the real kubectl, and what shells and manuals get of it.

use std::process::{Command, Output};

use super::HOLDFAST;

fn run(program: &std::path::Path, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn kubectl_runs_it_as_a_plugin_and_help_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(HOLDFAST.0, folder.path().join("kubectl-holdfast")).expect("a link");
    let path = std::env::var("PATH").expect("a PATH");
    let kubectl = |arguments: &[&str]| {
        let mut command = Command::new("kubectl");
        let path = format!("{}:{path}", folder.path().display());
        let output = command.args(arguments).env("PATH", path).output();
        output.expect("kubectl is on the PATH: run this test through make test")
    };
    let listed = text(&kubectl(&["plugin", "list"]));
    assert!(listed.contains("kubectl-holdfast"), "{listed}");
    let help = kubectl(&["holdfast", "plan", "--help"]);
    assert!(help.status.success(), "{}", text(&help));
    let usage = "Usage: kubectl holdfast plan [OPTIONS]";
    assert!(text(&help).contains(usage), "{}", text(&help));
    // The kubeconfig that kubectl uses.
    let todo = kubectl(&["holdfast", "todo", "-n", "nope"]);
    assert!(!todo.status.success());
    let said = text(&todo);
    assert!(said.contains("namespace \"nope\" doesn't exist"), "{said}");
}

#[test]
fn shells_complete_its_commands_and_manuals_have_a_page_of_each() {
    let program = std::path::Path::new(HOLDFAST.0);
    let script = run(program, &["completion", "bash"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("holdfast.bash");
    std::fs::write(&file, &script.stdout).expect("a file");
    // As bash itself completes `holdfast rep`.
    let ask = format!(
        "source {}; COMP_WORDS=(holdfast rep); COMP_CWORD=1; _holdfast holdfast rep holdfast; echo \"${{COMPREPLY[*]}}\"",
        file.display()
    );
    let completed = Command::new("bash").args(["-c", &ask]).output();
    assert_eq!(text(&completed.expect("bash")).trim(), "report");

    let pages = folder.path().join("man");
    let written = run(program, &["manual", "--out", &pages.display().to_string()]);
    assert!(written.status.success(), "{}", text(&written));
    for page in ["holdfast.1", "holdfast-plan.1", "holdfast-report-usage.1"] {
        let page = std::fs::read_to_string(pages.join(page)).expect("a page");
        assert!(page.starts_with(".ie") && page.contains(".SH SYNOPSIS"));
    }
}
