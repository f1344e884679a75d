//! The commands. Each is one file; errors go to stderr with what to do about them.

mod bridge;
mod crds;
mod estate;
mod export;
mod history;
mod look;
mod objects;
mod plan;
mod plan_text;
#[cfg(feature = "simulator")]
mod platform;
mod release;
mod report;
mod run;
mod shell;
mod terminal;
mod todo;

use std::{fmt, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Declares backup customers in Kubernetes and makes a backup platform match.
#[derive(Debug, Parser)]
#[command(
    name = "holdfast",
    version,
    about = "Declares backup customers in Kubernetes and makes a backup platform match.",
    after_help = "`holdfast COMMAND --help` shows examples. Exit codes: 0 success, 1 failure; `plan` and `bridge check` have more.\nNO_COLOR is honoured.",
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator
    Run(run::Arguments),
    /// Show what would change on the platform, and which rule refuses what
    Plan(plan::Arguments),
    /// Write the platform's objects as manifests that adopt them
    Export(export::Arguments),
    /// Judge a bridge by the bridge contract
    #[command(subcommand)]
    Bridge(bridge::Command),
    /// Print the custom resource definitions
    Crds(crds::Arguments),
    #[cfg(feature = "simulator")]
    /// Serve the reference backup platform on its own
    #[command(subcommand)]
    Platform(platform::Command),
    /// Show the changes to a remote object, and their outcomes
    History(history::Arguments),
    /// Report on consumption, customers and health: table, CSV, JSON or a page
    #[command(subcommand)]
    Report(report::Command),
    /// List the pending manual steps at the platform's console
    Todo(todo::Arguments),
    /// Release remote objects and leave them unchanged
    Release(release::Arguments),
    /// Print a script that completes these commands in a shell
    Completion(shell::Completion),
    /// Write manual pages, one a command
    Manual(shell::Manual),
}

/// A command that failed, in words for a person.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// What went wrong, and what to do.
    fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&terminal::message(&self.0))
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        // The API server's own message suffices; kube repeats it with a debug print of the whole answer.
        let error_itself: &(dyn std::error::Error + 'static) = &error;
        if let Some(kube::Error::Api(status)) = error_itself.downcast_ref() {
            return Self(format!("the API server: {}", status.message));
        }
        if let Some(kube::Error::Service(_) | kube::Error::HyperError(_)) =
            error_itself.downcast_ref()
        {
            return Self(unreachable(error_itself));
        }
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self(text)
    }
}

/// The message about an API server that doesn't answer: the innermost cause says why, the outer ones only where.
fn unreachable(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!(
        "the API server can't be reached: {cause}. See that it runs, and that KUBECONFIG is a kubeconfig that works with kubectl."
    )
}

/// The maximum of threads: the operator waits nearly all the time, and on a large machine one for each processor would only
/// cost memory.
const WORKERS: usize = 2;

/// The command under the name that it was called by: kubectl runs `kubectl-holdfast` for `kubectl holdfast`.
fn command() -> clap::Command {
    let called = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&called).file_stem();
    if name.is_some_and(|name| name == "kubectl-holdfast") {
        Arguments::command().bin_name("kubectl holdfast")
    } else {
        Arguments::command()
    }
}

fn parse() -> Result<Arguments, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Runs the command line. Exit code 0 on success, 1 on failure; `plan` and `bridge check` report their
/// findings with 2 and 3.
pub fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output and are no failure. Where printing fails there is no way left to report
            // it.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(arguments.command)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    let outcome = match command {
        Command::Run(arguments) => run::run(arguments).await,
        Command::Plan(arguments) => return plan::run(arguments).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Bridge(command) => return bridge::run(command).await,
        Command::Crds(arguments) => crds::run(&arguments),
        #[cfg(feature = "simulator")]
        Command::Platform(command) => platform::run(command).await,
        Command::History(arguments) => history::run(arguments).await,
        Command::Report(command) => return report::run(command).await,
        Command::Todo(arguments) => todo::run(arguments).await,
        Command::Release(arguments) => release::run(arguments).await,
        Command::Completion(arguments) => shell::complete(&arguments),
        Command::Manual(arguments) => shell::write_manual(&arguments),
    };
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Structured logs on stderr, one JSON object a line; plain text when stderr is a terminal.
fn start_logging() {
    let filter = EnvFilter::try_from_env("HOLDFAST_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,kube_runtime=warn,kube_client=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        builder
            .with_ansi(std::env::var_os("NO_COLOR").is_none())
            .init();
    } else {
        builder.json().flatten_event(true).init();
    }
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler the signal ends the process by itself.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
