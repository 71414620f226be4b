//! Everything that crosses a wire between the parts of Hourglass.
//!
//! [`services`] holds the gRPC services under their public package names, [`contracts`] the typed bindings of the
//! contracts and their addresses, [`limits`] the greatest values that they accept, [`messages`] and [`certificate`] the
//! bytes that are signed, [`signature`] the ECDSA signatures over them. Nothing here opens a connection or reads a
//! file.
//!
//! Formats are those of the public Hourglass and EigenLayer code; byte layouts are tested against fixed vectors.

pub mod certificate;
pub mod contracts;
pub mod limits;
pub mod messages;
pub mod services;
pub mod signature;

/// The definition of the service that performers implement, as a Protocol Buffers file.
pub const PERFORMER_PROTO: &str = include_str!("../protos/eigenlayer/hourglass/v1/performer/performer.proto");
