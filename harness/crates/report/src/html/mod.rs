//! A report as one HTML file: without network, readable without scripts.
//!
//! What may live here: views, which are what a page shows, made from reports; and the templates' types. Templates are in
//! `templates/`. Text from outside is `text::Text` in a view, and nothing else. A view has a budget, so that a page stays
//! small; nothing here judges.

mod budget;
mod comparison;
mod lanes;
mod load;
mod log;
mod overview;
mod page;
mod plots;
mod run;
mod steps;
mod tasks;
mod text;
mod trial;
mod waterfall;

pub use comparison::write_comparison;
pub use load::write_load;
pub use run::html;
pub(super) use run::write;
