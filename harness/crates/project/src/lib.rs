//! The repository of an AVS team: what is prepared in it before trials, and a new one from nothing.
//!
//! [`prepare`] runs the commands that the project file names. [`init`] writes a project. Nothing in here starts
//! components or chains.

pub mod init;
mod prepare;

pub use prepare::{PrepareError, prepare};
