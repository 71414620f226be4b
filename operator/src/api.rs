//! `Performer` in `hourglass.eigenlayer.io/v1alpha1`: the place of its types, under the public names.

/// API group.
pub const GROUP: &str = "hourglass.eigenlayer.io";
/// API version.
pub const VERSION: &str = "v1alpha1";
/// Kind of the resource that stands for one performer.
pub const KIND: &str = "Performer";
/// Name of the resource in URLs.
pub const PLURAL: &str = "performers";
