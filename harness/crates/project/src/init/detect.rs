//! What a folder says about its project.

use std::path::Path;

use hourglass_base::on_path;

use super::{Language, avs};

/// Whether the folder is a repository made from the public AVS template.
pub(super) fn is_avs(folder: &Path) -> bool {
    folder.join(avs::CONTEXT).is_file()
}

/// The language of what is in the folder, else the first whose toolchain is installed.
pub(super) fn language(folder: &Path) -> Option<Language> {
    let is_used = |language: &&Language| folder.join(language.manifest()).is_file();
    let is_installed = |language: &&Language| on_path(language.program()).is_some();
    Language::ALL.iter().find(is_used).or_else(|| Language::ALL.iter().find(is_installed)).copied()
}
