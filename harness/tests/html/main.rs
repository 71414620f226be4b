//! HTML reports in a real headless Chromium: no message on its console, what failed is visible without a click, axe-core
//! finds nothing, and the search finds entries. Without Chromium and axe-core the tests are listed as ignored;
//! `HARNESS_REQUIRE=chromium` makes them fail instead.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod browser;
mod pages;
mod run;

use std::process::ExitCode;

use hourglass_test_support::{Requirement, TestTarget, tests};

fn main() -> ExitCode {
    let chromium = Requirement::program("chromium", browser::missing);
    let tests = tests![
        run::page_of_a_failure_shows_the_failing_step_without_a_click,
        run::page_of_a_failure_is_accessible,
        run::page_of_passed_trials_is_accessible,
        run::page_of_a_comparison_is_accessible_and_has_its_pictures,
        run::page_of_a_load_is_accessible_and_marks_what_failed,
        run::log_entries_can_be_searched_and_filtered,
        run::text_from_outside_runs_no_script,
        run::the_policy_refuses_what_the_page_does_not_bring,
    ];
    let parity = tests![run::page_of_a_difference_between_runtimes_is_accessible];
    let both = Requirement::docker().and("chromium", browser::missing().as_deref());
    TestTarget::from_args().test_threads(2).tests_with(&chromium, tests).tests_with(&both, parity).run()
}
