//! A process that leases a cluster: this test's executable once more.
#![expect(clippy::print_stdout, reason = "it talks with the test through it")]

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use hourglass_harness::{
    cluster::{ClusterFolders, ClusterSpec, Lease, LeaseRequest},
    engine::Engine,
};
use hourglass_test_support::block_on;

/// Names the folder of clusters in which this executable leases one.
pub(crate) const FOLDER: &str = "LEASE_TEST_FOLDER";

/// Leases a cluster, prints its name, and releases it when the input ends.
pub(crate) fn race(folder: &Path) {
    let (folders, request) = (ClusterFolders::below(folder), request());
    let lease = block_on(async {
        let engine = Engine::connect().await.unwrap();
        Lease::acquire(&engine, &folders, &request, &|_| {}).await.unwrap()
    });
    println!("{}", lease.name);
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// A cluster that is no longer needed as soon as it is unused.
pub(crate) fn request() -> LeaseRequest {
    LeaseRequest { idle: Duration::ZERO, ..LeaseRequest::new(ClusterSpec::default()).unwrap() }
}

/// Killed when this is dropped.
pub(crate) struct Racer {
    child: Child,
}

impl Racer {
    pub(crate) fn start(folders: &ClusterFolders) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env(FOLDER, folders.root()).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { child: command.spawn().unwrap() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the name of the cluster that it leased.
    pub(crate) fn leased(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn give_back(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
