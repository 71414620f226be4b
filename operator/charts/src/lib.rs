//! The Helm charts of the operator and of executors, as they are in the tree when this crate is built.

/// All files of all charts: paths below the folder of charts, with `/`, and contents; in the order of the paths.
pub const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/charts.rs"));
