//! Pages of `harness run --html` and `harness compare --html`.

use hourglass_harness::{engine::Engine, image::deliver_components};
use hourglass_test_support::block_on;

use crate::{
    browser::{Scheme, accessibility, console, evaluate, picture},
    pages::{FAILED, HARNESS, PASSED, Page, comparison, load, nothing, parity},
};

/// The size of a wide window, of a tall one, and of a telephone.
const WIDE: (u32, u32) = (1440, 2400);
const NARROW: (u32, u32) = (420, 2400);

/// A reader who opens the page sees what failed first in the window, and the step in its table, without a click.
pub(crate) fn page_of_a_failure_shows_the_failing_step_without_a_click() {
    let expression = "(() => {
      const box = (selector) => {
        const one = document.querySelector(selector).getBoundingClientRect();
        return { top: one.top, height: one.height, width: one.width };
      };
      const first = document.querySelector('.trial');
      return {
        window: innerHeight, headline: box('.firsts .bad dl'), text: document.querySelector('.firsts .bad').innerText,
        step: box('.steps tr.bad'), row: document.querySelector('.steps tr.bad').innerText,
        first: first.innerText.slice(0, 200), wide: document.documentElement.scrollWidth <= innerWidth,
        bars: document.querySelectorAll('.waterfall rect.bad').length, lanes: document.querySelectorAll('g.source').length,
      };
    })()";
    let seen = evaluate(&FAILED.path(), Scheme::Light, "", expression);
    let number = |pointer: &str| seen.pointer(pointer).and_then(serde_json::Value::as_f64).unwrap();
    let bottom = number("/headline/top") + number("/headline/height");
    assert!(number("/headline/height") > 20.0 && bottom < number("/window"), "what failed is out of sight: {seen}");
    assert!(number("/step/height") > 10.0 && number("/step/width") > 100.0, "the step is hidden: {seen}");
    let text = |key: &str| seen[key].as_str().unwrap();
    for part in ["expect_verified", "wrong.yaml", "0x10"] {
        assert!(text("text").contains(part) && text("row").contains(part), "{part} is missing: {seen}");
    }
    assert!(text("first").contains("process::wrong"), "the failed trial is not the first: {seen}");
    assert!(number("/bars") >= 1.0 && number("/lanes") >= 3.0, "the waterfall is empty: {seen}");
    assert_eq!(seen["wide"], true, "the page is wider than its window: {seen}");
}

pub(crate) fn page_of_a_failure_is_accessible() {
    is_accessible(&FAILED, "failed");
}

pub(crate) fn page_of_passed_trials_is_accessible() {
    is_accessible(&PASSED, "passed");
}

pub(crate) fn page_of_a_difference_between_runtimes_is_accessible() {
    let image = block_on(async {
        let engine = Engine::connect().await.unwrap();
        deliver_components(&engine, HARNESS.as_ref()).await.unwrap().reference
    });
    let page = parity(&image);
    let seen = evaluate(
        &page.path(),
        Scheme::Light,
        "",
        "[...document.querySelectorAll('#parity ~ .card mark')].map((one) => one.innerText)",
    );
    assert_eq!(seen, serde_json::json!(["\"0x10\"", "\"0x11\""]), "what differs is not marked");
    is_accessible(&page, "parity");
}

pub(crate) fn page_of_a_comparison_is_accessible_and_has_its_pictures() {
    let page = comparison();
    let expression =
        "[...document.querySelectorAll('.metric[open] .plot')].map((one) => one.getBoundingClientRect().height > 20)";
    let seen = evaluate(&page.path(), Scheme::Light, "", expression);
    let pictures = seen.as_array().unwrap();
    assert!(pictures.len() >= 2 && pictures.iter().all(|shown| *shown == true), "{seen}");
    is_accessible(&page, "comparison");
}

pub(crate) fn page_of_a_load_is_accessible_and_marks_what_failed() {
    let page = load();
    let expression =
        "[...document.querySelectorAll('#main tr.bad')].map((row) => row.innerText.trim().replace(/\\s+/g, ' '))";
    let seen = evaluate(&page.path(), Scheme::Light, "", expression);
    assert_eq!(seen, serde_json::json!(["not verified in time 5"]), "what failed is not marked");
    is_accessible(&page, "load");
}

/// No message on the console, no violation in either scheme, and a picture of each.
fn is_accessible(page: &Page, name: &str) {
    let path = page.path();
    nothing("messages on the console", &path, &console(&path));
    for (scheme, suffix) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        nothing("violations", &path, &accessibility(&path, scheme));
        picture(&path, &format!("{name}-{suffix}"), scheme, WIDE);
    }
    picture(&path, &format!("{name}-narrow"), Scheme::Light, NARROW);
}

/// The filter by source needs no script, the search does.
pub(crate) fn log_entries_can_be_searched_and_filtered() {
    let expression = "(() => {
      const log = document.querySelector('.log');
      const shown = () => [...log.querySelectorAll('tbody tr')].filter((row) => row.offsetHeight > 0);
      const seen = { all: shown().length };
      const input = log.querySelector('input[type=search]');
      const search = (text) => { input.value = text; input.dispatchEvent(new Event('input')); };
      search('task_verified');
      seen.found = shown().map((row) => row.innerText);
      seen.said = log.querySelector('output').innerText;
      search('no such entry');
      seen.none = shown().length;
      search('');
      const source = [...log.querySelectorAll('label')].find((label) => label.innerText.includes('aggregator'));
      source.click();
      seen.sources = [...new Set(shown().map((row) => row.cells[1].innerText))];
      return seen;
    })()";
    let seen = evaluate(&FAILED.path(), Scheme::Light, "", expression);
    let found = seen["found"].as_array().unwrap();
    assert!(!found.is_empty() && found.len() < 5, "{seen}");
    assert!(found.iter().all(|row| row.as_str().unwrap().contains("task_verified")), "{seen}");
    assert!(seen["all"].as_u64().unwrap() > 15 && seen["none"] == 0, "{seen}");
    assert!(seen["said"].as_str().unwrap().starts_with(&format!("{} of ", found.len())), "{seen}");
    assert_eq!(seen["sources"], serde_json::json!(["aggregator"]), "{seen}");
}

/// An expected result is markup: it is shown as it is.
pub(crate) fn text_from_outside_runs_no_script() {
    let page = FAILED.path();
    nothing("messages on the console", &page, &console(&page));
    let expression = "({ images: document.images.length, text: document.querySelector('.firsts').innerText })";
    let seen = evaluate(&page, Scheme::Light, "", expression);
    assert_eq!(seen["images"], 0, "{seen}");
    assert!(seen["text"].as_str().unwrap().contains(crate::pages::HOSTILE), "{seen}");
}

/// Even if a text were not escaped: the browser runs no other script, loads nothing, and says so.
pub(crate) fn the_policy_refuses_what_the_page_does_not_bring() {
    for other in ["<script>console.error('ran')</script>", "<img src='https://example.invalid/x'>"] {
        let (_folder, page) = PASSED.changed("</main>", &format!("{other}</main>"));
        let messages = console(&page);
        assert!(messages.iter().any(|message| message.contains("Content Security Policy")), "{messages:?}");
        assert!(!messages.iter().any(|message| message.contains("\"ran\"")), "{messages:?}");
    }
}
