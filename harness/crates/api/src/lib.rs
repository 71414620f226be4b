//! The harness from Rust tests: environments, steps and expectations without YAML.
//!
//! A test builds an environment, acts on it and states its expectations. Everything does the same as in a scenario
//! file: the same values, the same checks, the same steps, the same failure texts.
//!
//! ```no_run
//! use hourglass_api::{Chain, Harness, HarnessError, Operator, Runtime, secs};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), HarnessError> {
//! let env = Harness::builder().runtime(Runtime::Process).operator(Operator::new("alice").weight(60)).start().await?;
//!
//! let task = env.create_task(Chain::L2, "0x04").await?;
//! task.expect_verified().result("0x10").signed_by(["alice"]).within(secs(10)).await?;
//!
//! env.component("executor/alice")?.kill().await?;
//! let task = env.create_task(Chain::L2, "0x05").await?;
//! task.expect_expired().await?;
//!
//! env.finish().await?; // invariants are checked, then everything is taken down
//! # Ok(())
//! # }
//! ```
//!
//! # What ends an environment
//!
//! [`TestEnvironment::finish`] checks the invariants of every trial, takes everything down and returns the report. An
//! environment that is dropped, because a test failed or panicked, is taken down without these checks; the drop waits
//! until that is done. If the whole process is killed, the supervisor process of the environment ends what remains.
//!
//! A step or expectation that fails is an error whose text is the failure as the terminal shows it: what was expected, what
//! was seen, the timeline. The test may go on after it. A component that ends although no step has ended it, or a chain that
//! does not answer, ends the environment; every later call then fails with that.
//!
//! # The `harness` executable
//!
//! Reference components and the supervisor are started from the executable `harness`. It is looked for in this order:
//! [`HarnessBuilder::executable`], the variable `HARNESS_EXECUTABLE`, `PATH`, the folder of the running test and the one above
//! it (`target/debug`, where `cargo build --bin harness` puts it), and the running executable, if it has called
//! [`serve_as_harness_executable`] (`hourglass_harness::main_if_harness` does).
//!
//! # The harness's own log
//!
//! The actions of the harness for a test are `tracing` records: the phases, each component, each step, in the span of
//! the environment's trial. [`TrialLog`] is a layer that writes these records to `harness.log` in the folder of the
//! environment. A test program adds it to its subscriber, which must be the global one, because environments have
//! threads of their own:
//!
//! ```
//! use hourglass_api::TrialLog;
//! use tracing_subscriber::{EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};
//!
//! let shown = fmt::layer().with_test_writer().with_filter(EnvFilter::from_default_env());
//! // A second test of the same process finds it installed.
//! let _ = tracing_subscriber::registry().with(shown).with(TrialLog::layer()).try_init();
//! ```
//!
//! Test targets of `hourglass_harness::scenarios!` install it themselves.

mod action;
mod avs;
mod builder;
mod cluster;
mod component;
mod contract_artifact;
mod contracts;
mod deployment;
mod document;
mod environment;
mod error;
mod executable;
mod expect;
mod load;
mod operator;
mod required;
mod session;
mod step;
mod task;

use std::time::Duration;

pub use action::Action;
pub use avs::Avs;
pub use builder::{Harness, HarnessBuilder};
pub use cluster::ClusterHandle;
pub use component::ComponentHandle;
pub use contract_artifact::ContractArtifact;
pub use contracts::{ChainHandle, Contract};
pub use deployment::{DeployPerformer, DeployedPerformer, ExpectPerformers, RemovePerformer};
pub use environment::TestEnvironment;
pub use error::{Failure, HarnessError};
pub use executable::{EXECUTABLE_VARIABLE, ExecutableError, find_executable, serve_as_harness_executable};
pub use expect::{Call, ExpectEvent, ExpectExpired, ExpectLog, ExpectRejected, ExpectVerified, SendTransaction};
pub use hourglass_base::RuntimeKind as Runtime;
pub use hourglass_cluster::{ClusterChoice, ExistingChoice};
pub use hourglass_component::{
    events::TaskEvent,
    keys::{Address, H256},
};
pub use hourglass_runner::{
    Keep, TrialLog,
    verdict::{TrialReport, Verdict, Violation},
};
pub use hourglass_scenario::{Chain, GrpcCode, Pull};
pub use hourglass_timeline::{Event, Timeline};
pub use load::Load;
pub use operator::{Build, Operator, Program};
pub use required::{REQUIRE_VARIABLE, is_program_required, is_required, required_runtimes};
pub use task::{CreateTask, Task};

/// A number of seconds, for [`ExpectVerified::within`] and similar methods.
///
/// ```
/// # use std::time::Duration;
/// assert_eq!(hourglass_api::secs(10), Duration::from_secs(10));
/// ```
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
