//! What all pages have: the stylesheet, the script, and the policy that allows these two and nothing else.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

/// The stylesheet of all pages.
const STYLE: &str = include_str!("../../templates/style.css");
/// The script of all pages. Without it a page misses nothing but the search.
const SCRIPT: &str = include_str!("../../templates/script.js");

/// The frame of a page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    /// The value of the `Content-Security-Policy`.
    pub(super) policy: String,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
}

impl Frame {
    pub(super) fn titled(title: String) -> Self {
        let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        Self { title, policy, style: STYLE, script: SCRIPT }
    }
}
