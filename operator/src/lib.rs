//! The Kubernetes operator behind `Performer` objects.
//!
//! Rooms: [`api`] holds the types that users write, the only public promise; desired state (pure functions from a
//! `Performer` to the objects it needs) and the controller will stand beside it. Nothing in here knows the harness.

pub mod api;
