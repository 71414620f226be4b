//! The greatest values that contracts and public programs accept. Components, checks of scenarios and tests use these
//! constants.

/// The largest result of a task, in bytes. Public aggregators drop results of 1.5 MiB or more.
pub const MAX_RESULT: usize = 1_572_863;
/// The largest payload of a task, in bytes. The mailbox stores it like a result, and it passes the same connections.
pub const MAX_PAYLOAD: usize = MAX_RESULT;
/// The longest service level agreement of a task, in seconds: `MAX_TASK_SLA` of the mailbox.
pub const MAX_TASK_SLA: u64 = 7 * 24 * 60 * 60;
/// The largest weight of an operator: its whole magnitude, `WAD` of the allocation manager.
pub const MAX_WEIGHT: u64 = 1_000_000_000_000_000_000;
/// The whole of a proportion, in basis points.
pub const MAX_THRESHOLD: u16 = 10_000;
