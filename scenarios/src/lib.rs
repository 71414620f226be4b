//! The scenarios, as they are in the tree when this crate is built: `harness run --builtin` runs them where there is no
//! tree. `tests` is the target that runs them as tests.

/// All scenario files: paths below the folder of scenarios, with `/`, and texts; in the order of the paths.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));
