//! The last lines of components, from the timeline of a trial.

use std::collections::BTreeMap;

use hourglass_component::text::{cut, safe_line};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Level, Source};

/// How many bytes of a line are shown.
const LONGEST: usize = 400;

/// The last lines of one component, safe to show, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastOutput {
    /// The component.
    pub component: ComponentRef,
    /// The lines.
    pub lines: Vec<String>,
}

/// The last `count` lines of each component that has written any, in the order of the components' names. A record at
/// level info or below counts only if `routine` is set.
pub fn last_output(events: &[Event], count: usize, routine: bool) -> Vec<LastOutput> {
    let mut of = BTreeMap::<&ComponentRef, Vec<String>>::new();
    // Backwards: a flood of lines is not collected to be thrown away.
    for event in events.iter().rev() {
        let Source::Component(component) = &event.source else { continue };
        if !routine && event.level.is_some_and(|level| level < Level::Warn) {
            continue;
        }
        let lines = of.entry(component).or_default();
        if lines.len() < count && !event.message.trim().is_empty() {
            let level = event.level.map(|level| format!("{level:?} ").to_uppercase()).unwrap_or_default();
            lines.push(cut(&safe_line(&format!("{level}{}{}", event.message, cause(event))), LONGEST).into_owned());
        }
    }
    let output = of.into_iter().filter(|(_, lines)| !lines.is_empty()).map(|(component, mut lines)| {
        lines.reverse();
        LastOutput { component: component.clone(), lines }
    });
    output.collect()
}

/// What a record of a failure carries besides its message.
fn cause(event: &Event) -> String {
    let field = |name: &&str| event.fields.get(*name).and_then(|value| value.as_str()).map(|text| format!(": {text}"));
    ["error", "err", "reason"].iter().find_map(field).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(component: &str, level: Option<Level>, message: &str) -> Event {
        let source = Source::Component(component.parse().unwrap());
        Event { source, level, ..Event::of_harness(message) }
    }

    #[test]
    fn the_last_lines_are_told_in_their_order_and_routine_is_left_out() {
        let mut failed = event("performer/a", Some(Level::Error), "lost\u{7}");
        failed.fields.insert("error".to_owned(), "no abacus".into());
        let events = [
            event("performer/a", None, "old"),
            event("performer/a", None, "panicked at main.rs"),
            event("performer/a", Some(Level::Info), "listening"),
            failed,
            event("aggregator", Some(Level::Info), "ready"),
        ];
        let [output] = last_output(&events, 2, false).try_into().unwrap();
        assert_eq!(output.component.to_string(), "performer/a");
        assert_eq!(output.lines, ["panicked at main.rs", r"ERROR lost\u{7}: no abacus"]);
        assert_eq!(last_output(&events, 2, true).len(), 2);
    }
}
