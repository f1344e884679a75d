//! The two processes that are watched from outside: the reference platform and the operator.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The kernel's clock ticks a second, in which it counts processor time: 100 on every Linux.
const TICKS: f64 = 100.0;

/// A process that ends when this does.
pub struct Process(Child);

impl Process {
    /// Starts the binary with its output in a file.
    pub fn start(
        binary: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        log: &Path,
    ) -> Self {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
        let errors = log.try_clone().expect("a second handle of the log file");
        let child = Command::new(binary)
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
        Self(child)
    }

    /// Processor time used so far, in seconds: user and system, all threads.
    pub fn processor_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
        let after_name = stat.rsplit_once(')').expect("a name in parentheses").1;
        let ticks = |position: usize| -> f64 {
            let field = after_name.split_whitespace().nth(position);
            field.and_then(|field| field.parse().ok()).expect("ticks")
        };
        (ticks(11) + ticks(12)) / TICKS
    }

    /// A line of `/proc/PID/status` in MiB: `VmRSS` is resident now, `VmHWM` was the most.
    pub fn mebibytes(&self, line: &str) -> f64 {
        mebibytes(self.0.id(), line)
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) {
        let pid = self.0.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.is_ok_and(|status| status.success()), "kill runs");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same of any process.
pub fn mebibytes(process: u32, line: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let kibibytes: f64 = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .expect("a figure in kB");
    kibibytes / 1024.0
}

/// A port that nobody uses, below the system's ephemeral ones, so that it is still free a moment later.
pub fn free_port() -> u16 {
    let offset = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..2_000)
        .map(|step| 20_000 + (offset + step * 5) % 12_000)
        .find(free)
        .expect("a free port")
}

/// Asks again every `pause` until there is an answer.
///
/// # Panics
/// After ten minutes: something is wrong, and the figures would say nothing.
pub async fn until<T>(what: &str, pause: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            started.elapsed() < Duration::from_secs(600),
            "not within ten minutes: {what}"
        );
        tokio::time::sleep(pause).await;
    }
}
