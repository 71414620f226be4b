//! The share of one sender of a load among several: which tasks it sends, and how many at a time.

/// One of several senders of a load. Task *i* of the whole load belongs to sender *i* modulo their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    sender: u32,
    senders: u32,
}

impl Share {
    /// The share of an only sender: all tasks.
    pub const ALL: Self = Self { sender: 0, senders: 1 };

    /// The share of a sender, counted from 0; `None` if there are not so many senders.
    pub fn of(sender: u32, senders: u32) -> Option<Self> {
        (sender < senders).then_some(Self { sender, senders })
    }

    /// The index in the whole load of the task with this number (from 0) in the share.
    pub fn index(self, number: u64) -> u64 {
        number.saturating_mul(self.senders.into()).saturating_add(self.sender.into())
    }

    /// How far the indices of two tasks in a row are apart.
    pub const fn every(self) -> u32 {
        self.senders
    }

    /// How many of `all` tasks, or tasks at a time, belong to the share. Shares differ by one at most.
    pub fn part(self, all: u64) -> u64 {
        let (sender, senders) = (u64::from(self.sender), u64::from(self.senders));
        all / senders + u64::from(sender < all % senders)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn shares(senders: u32) -> Vec<Share> {
        (0..senders).filter_map(|sender| Share::of(sender, senders)).collect()
    }

    #[test]
    fn tasks_are_dealt_in_turns() {
        let [first, second, third] = shares(3).try_into().unwrap();
        assert_eq!([0, 1, 2].map(|number| first.index(number)), [0, 3, 6]);
        assert_eq!([0, 1, 2].map(|number| third.index(number)), [2, 5, 8]);
        assert_eq!([first, second, third].map(|share| share.part(8)), [3, 3, 2]);
        assert_eq!((Share::ALL.index(7), Share::ALL.part(7)), (7, 7));
        assert_eq!(Share::of(3, 3), None);
    }

    proptest! {
        /// No task is left out, and none is sent twice.
        #[test]
        fn shares_are_all_tasks_once(senders in 1_u32..40, tasks in 0_u64..500) {
            let dealt: Vec<_> = shares(senders)
                .into_iter()
                .flat_map(|share| (0..share.part(tasks)).map(move |number| share.index(number)))
                .collect();
            prop_assert_eq!(dealt.len() as u64, tasks);
            prop_assert_eq!(dealt.into_iter().collect::<BTreeSet<_>>(), (0..tasks).collect::<BTreeSet<_>>());
        }
    }
}
