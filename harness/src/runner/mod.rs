//! A trial from stand-up to verdict.
//! What the verdict looks like to people and tools is the business of `report`.

pub mod verdict;
