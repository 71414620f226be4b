//! The repository of an AVS team: what is prepared in it before trials, and a new one from nothing.
//!
//! [`prepare`] runs the commands that the project file names. [`init`] writes a project. [`watch`] says which files trials
//! depend on, and when they change. Nothing in here starts
//! components or chains.

pub mod init;
mod prepare;
pub mod watch;

pub use prepare::{PrepareError, prepare};
