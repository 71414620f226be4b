//! What contracts and public programs take at most. Components, checks of scenarios and tests read these figures here.

/// The largest result of a task, in bytes. Public aggregators drop results of 1.5 MiB or more.
pub const MAX_RESULT: usize = 1_572_863;
/// The largest payload of a task, in bytes: like a result it is stored by the mailbox and passes the same connections.
pub const MAX_PAYLOAD: usize = MAX_RESULT;
/// The longest service level agreement of a task, in seconds: `MAX_TASK_SLA` of the mailbox.
pub const MAX_TASK_SLA: u64 = 7 * 24 * 60 * 60;
/// The largest weight of an operator: all of its magnitude, `WAD` of the allocation manager.
pub const MAX_WEIGHT: u64 = 1_000_000_000_000_000_000;
/// The whole of a proportion, in basis points.
pub const MAX_THRESHOLD: u16 = 10_000;
