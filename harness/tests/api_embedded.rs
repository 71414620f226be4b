//! A program of another project as the `harness` executable: it starts its components and its supervisor from itself.

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use hourglass_harness::{Chain, EXECUTABLE_VARIABLE, Harness, HarnessError, main_if_harness};
use hourglass_test_support::{TestTarget, block_on, tests};

/// Tells a copy of this program, which has no `harness` beside it, to use itself.
const COPY_VARIABLE: &str = "API_TEST_COPY";

fn main() -> ExitCode {
    if let Some(code) = main_if_harness() {
        return code;
    }
    if env::var_os(COPY_VARIABLE).is_some() {
        return square();
    }
    TestTarget::from_args().tests(tests![program_without_harness_beside_it_uses_itself]).run()
}

fn program_without_harness_beside_it_uses_itself() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let copy = folder.path().join("bin").join("own");
    fs::create_dir(folder.path().join("bin"))?;
    fs::hard_link(env::current_exe()?, &copy)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let without = env::split_paths(&path).filter(|folder| !folder.join("harness").exists());
    let mut command = Command::new(&copy);
    command.env(COPY_VARIABLE, "1").env("PATH", env::join_paths(without)?).env_remove(EXECUTABLE_VARIABLE);
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{output:?}").into());
    }
    let text = String::from_utf8(output.stdout)?;
    if !text.lines().any(|line| Path::new(line) == copy) {
        return Err(format!("components were not started from {}: {text}", copy.display()).into());
    }
    Ok(())
}

/// Prints the programs of the environment's processes.
#[expect(clippy::print_stdout, reason = "the test reads what its copy says")]
fn square() -> ExitCode {
    let done = block_on(async {
        let env = Harness::builder().name("own").start().await?;
        let task = env.create_task(Chain::L2, "0x04").await?;
        task.expect_verified().result("0x10").await?;
        for program in programs(&env.run_id()) {
            println!("{program}");
        }
        env.finish().await.map(drop)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => told(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the test shows what its copy says")]
fn told(error: &HarnessError) -> ExitCode {
    eprintln!("{error:?}");
    ExitCode::FAILURE
}

fn programs(run: &str) -> Vec<String> {
    let run = run.parse().ok();
    let found = run.and_then(|run| hourglass_harness::reaper::processes_of(&run).ok()).unwrap_or_default();
    let programs = found.into_iter().map(|process| fs::read_link(format!("/proc/{}/exe", process.pid)));
    programs.filter_map(|program| Some(program.ok()?.display().to_string())).collect()
}
