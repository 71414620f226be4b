//! The charts that are embedded in the harness.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hourglass_base::cache::cache_folder;
use hourglass_charts::FILES;
use sha2::{Digest as _, Sha256};

use super::HelmError;

/// The folder in the harness's cache that charts are unpacked into.
const FOLDER: &str = "charts";

/// A chart that is embedded in the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chart {
    name: &'static str,
}

impl Chart {
    /// The operator, with the definition of Performer.
    pub const OPERATOR: Self = Self { name: "hourglass-operator" };
    /// Executors.
    pub const EXECUTOR: Self = Self { name: "hourglass-executor" };

    /// Its name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Sixteen hexadecimal digits that identify its files.
    pub fn digest(self) -> String {
        let mut digest = Sha256::new();
        for (path, content) in self.files() {
            // The lengths keep the end of one part from being taken for the beginning of the next.
            digest.update(format!("{} {path} {} ", path.len(), content.len()));
            digest.update(content);
        }
        hex::encode(&digest.finalize()[..8])
    }

    /// Unpacks its files into a folder of the harness's cache, which is kept for later calls.
    pub fn unpack(self) -> Result<PathBuf, HelmError> {
        self.unpack_below(&cache_folder()?.join(FOLDER))
    }

    /// Does the same as [`Self::unpack`] below another folder.
    pub fn unpack_below(self, root: &Path) -> Result<PathBuf, HelmError> {
        let folder = root.join(format!("{}-{}", self.name, self.digest()));
        if folder.is_dir() {
            return Ok(folder);
        }
        let unpack = || {
            fs::create_dir_all(root)?;
            // Unpacked into a temporary folder and renamed, so that no other process sees an incomplete one.
            let aside = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(root)?;
            for (path, content) in self.files() {
                let path = aside.path().join(path);
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::write(path, content)?;
            }
            match fs::rename(aside.path(), &folder) {
                // Another process was faster, with the same files.
                Err(_) if folder.is_dir() => Ok(()),
                renamed => renamed,
            }
        };
        match unpack() {
            Ok(()) => Ok(folder),
            Err(source) => Err(HelmError::File { doing: "unpack a chart into", path: folder, source }),
        }
    }

    /// Its files, with their paths in the chart.
    fn files(self) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        FILES.iter().filter_map(move |(path, content)| {
            let (chart, path) = path.split_once('/')?;
            (chart == self.name).then_some((path, *content))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Chart::OPERATOR)]
    #[case(Chart::EXECUTOR)]
    fn an_unpacked_chart_is_complete(#[case] chart: Chart) {
        let root = tempfile::tempdir().unwrap();
        let folder = chart.unpack_below(root.path()).unwrap();
        let of_tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../operator/charts").join(chart.name());
        for file in ["Chart.yaml", "values.yaml", "values.schema.json", "templates/_helpers.tpl", ".helmignore"] {
            let [unpacked, of_tree] = [&folder, &of_tree].map(|folder| fs::read(folder.join(file)).unwrap());
            assert_eq!(unpacked, of_tree, "{file}");
        }
        assert_eq!(chart.unpack_below(root.path()).unwrap(), folder);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "something was left beside it");
    }

    /// A changed chart that is taken for the previous one would never be installed.
    #[test]
    fn charts_have_different_digests() {
        assert_ne!(Chart::OPERATOR.digest(), Chart::EXECUTOR.digest());
        assert_eq!(Chart::OPERATOR.digest().len(), 16);
    }
}
