//! The operator as a process of its own, with exactly the rights of its chart.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::operator_namespace::{WITHIN, block_on};

/// The harness, which can run the operator.
pub(crate) const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
/// A value in the environment of the tests' performers, which no log may contain.
pub(crate) const MARKER: &str = "marker-5b1f3c9e";

/// A running operator; dropping it kills the process.
pub(crate) struct Operator {
    child: Child,
    log: Arc<Log>,
    _folder: TempDir,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<Value>>,
    more: Condvar,
}

impl Operator {
    /// Starts one in `namespace`; `config` overrides the tests' own configuration.
    pub(crate) fn start(kubeconfig: &Path, namespace: &str, config: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file: PathBuf = folder.path().join("operator.yaml");
        let mut all = json!({
            "metricsBindAddress": "127.0.0.1:0",
            "healthProbeBindAddress": "127.0.0.1:0",
            "watchNamespaces": [namespace],
            "logLevel": "trace",
            "leaderElection": {"namespace": namespace, "name": "operator"},
        });
        merge(&mut all, config);
        fs::write(&file, all.to_string()).unwrap();
        let mut command = Command::new(HARNESS);
        command.args(["component", "operator", "--config"]).arg(&file).env("KUBECONFIG", kubeconfig);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Log::default());
        let (output, written) = (child.stderr.take().unwrap(), log.clone());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "raw": line }));
                written.lines.lock().unwrap().push(line);
                written.more.notify_all();
            }
        });
        Self { child, log, _folder: folder }
    }

    /// Waits until it acts.
    pub(crate) fn leads(self) -> Self {
        self.says("leading");
        self
    }

    /// Waits for the first record with this message.
    pub(crate) fn says(&self, message: &str) -> Value {
        self.logs(message, |line| line["message"] == message)
    }

    /// Waits for the first record that meets the condition.
    pub(crate) fn logs(&self, wanted: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + WITHIN;
        let mut lines = self.log.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| is_wanted(line)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the operator does not log {wanted:?}: {}", text(&lines));
            lines = self.log.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Its whole log.
    pub(crate) fn log(&self) -> String {
        text(&self.log.lines.lock().unwrap())
    }

    /// Code and text of `/readyz`.
    pub(crate) fn readiness(&self) -> (u16, String) {
        self.get("health", "/readyz")
    }

    /// Waits until `/readyz` gives this answer.
    pub(crate) fn answers(&self, code: u16, words: &str) {
        let ask = || async {
            let answer = self.readiness();
            if answer.0 == code && answer.1.contains(words) { Ok(()) } else { Err(answer) }
        };
        let often = ExponentialBuilder::default().with_min_delay(Duration::from_millis(20));
        let often = often.with_max_delay(Duration::from_millis(250)).without_max_times();
        let often = often.with_total_delay(Some(WITHIN));
        let answer = block_on(async { ask.retry(often).await });
        if let Err((is, said)) = answer {
            panic!("/readyz never answers {code} {words:?}, the last time {is} {said:?}");
        }
    }

    /// The samples of `/metrics` with this name: labels and value.
    pub(crate) fn samples(&self, name: &str) -> Vec<(String, f64)> {
        let (code, text) = self.get("metrics", "/metrics");
        assert_eq!(code, 200, "{text}");
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, labels) = series.split_once('{').unwrap_or((series, "}"));
            (found == name).then(|| (labels.trim_end_matches('}').to_owned(), value.parse().unwrap()))
        };
        text.lines().filter_map(sample).collect()
    }

    /// The sum of the samples whose labels contain all of these words.
    pub(crate) fn sum(&self, name: &str, words: &[&str]) -> f64 {
        let samples = self.samples(name);
        samples
            .iter()
            .filter(|(labels, _)| words.iter().all(|word| labels.contains(word)))
            .map(|(_, value)| value)
            .sum()
    }

    /// Kills it without notice.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// Waits until it ends by itself.
    pub(crate) fn ends(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log())
    }

    fn get(&self, server: &str, path: &str) -> (u16, String) {
        let listening = |line: &Value| line["message"] == "listening" && line["serves"] == server;
        let address = self.logs(server, listening)["address"].as_str().unwrap().to_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the operator's log:\n{}", self.log());
        } else {
            assert!(!self.log().contains(MARKER), "a value of an environment variable is logged: {}", self.log());
        }
    }
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
