//! The commands of `harness`, one file each: arguments, and a function that does the work and
//! writes to the writer it is given.

pub mod lint;
pub mod list;
pub mod plan;
pub mod schema;
