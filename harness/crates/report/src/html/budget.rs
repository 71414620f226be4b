//! How much of each trial a page shows: its size stays bounded, however much the components said.

use hourglass_runner::verdict::TrialReport;

use super::text::Text;

/// The bytes of all trials together; a page of fifty trials stays below two megabytes with what surrounds them.
const TOTAL: usize = 1_600_000;
/// The most that one trial that needs attention takes, and one that does not.
const MOST: [usize; 2] = [500_000, 160_000];
/// How many times as much a trial that needs attention takes.
const TROUBLE: usize = 5;

/// The bytes that are left for one trial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    /// The share of each trial of a run, for one that needs attention and for one that does not.
    pub(super) fn shares(trials: &[TrialReport]) -> [Self; 2] {
        let trouble = trials.iter().filter(|trial| trial.verdict.is_trouble()).count();
        let parts = (trouble * TROUBLE + (trials.len() - trouble)).max(1);
        let part = TOTAL / parts;
        [Self { left: (part * TROUBLE).min(MOST[0]) }, Self { left: part.min(MOST[1]) }]
    }

    /// That of a page that is not divided.
    pub(super) const fn of_page() -> Self {
        Self { left: TOTAL / 2 }
    }

    /// Takes the bytes of these texts and their markup, if they are left.
    pub(super) fn takes(&mut self, markup: usize, texts: &[&Text]) -> bool {
        let cost = markup + texts.iter().map(|text| text.cost()).sum::<usize>();
        let left = self.left.checked_sub(cost);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// A part of what is left, as a budget of its own; the rest stays.
    pub(super) fn split(&mut self, percent: usize) -> Self {
        let part = self.left * percent / 100;
        self.left -= part;
        Self { left: part }
    }

    /// Gives back what a part did not take.
    pub(super) fn give_back(&mut self, part: Self) {
        self.left += part.left;
    }
}
