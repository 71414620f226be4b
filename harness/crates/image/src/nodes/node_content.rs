//! Which of the requested images the containerd of a node holds, read with one command for each node.

use std::{collections::BTreeMap, time::Duration};

use hourglass_engine::{Engine, Node};

use super::wanted::Wanted;
use crate::ImageError;

/// How long a node may take to report its images.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The prefix of the kubelet's names that contain the digest of an image's configuration.
const BY_CONFIG: &str = "sha256:";

/// Sets `snapshotter` to the one that unpacks images: kind sets another one if overlays are not available.
pub(super) const SNAPSHOTTER: &str = r#"snapshotter=$(sed -n 's/^ *snapshotter *= *"\(.*\)"$/\1/p' /etc/containerd/config.toml | head -n 1)
snapshotter=${snapshotter:-overlayfs}
"#;
/// Lists the images that match any of the filters in its arguments.
pub(super) const LIST: &str = r#"exec ctr --namespace k8s.io images check --snapshotter "$snapshotter" "$@""#;

/// The requested images of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NodeContent(BTreeMap<String, Record>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    /// Of the manifest, or of the index of several.
    digest: String,
    /// Whether containers can be created from it.
    unpacked: bool,
}

impl NodeContent {
    /// Asks a node for these images.
    pub(super) async fn ask(engine: &Engine, node: &Node, wanted: &[Wanted]) -> Result<Self, ImageError> {
        let script = format!("{SNAPSHOTTER}{LIST}");
        let filters: Vec<_> = wanted.iter().flat_map(filters).collect();
        let mut command = vec!["sh", "-c", &script, "sh"];
        command.extend(filters.iter().map(String::as_str));
        let executed = node.execute(engine, &command, ANSWER_WITHIN).await?;
        // The command also fails if the content of one image cannot be read; the node does not have that image.
        if executed.code != 0 && executed.stdout.is_empty() {
            return Err(ImageError::NodeSilent { node: node.name.clone(), said: executed.complaint() });
        }
        Ok(Self::read(&executed.text()))
    }

    /// Parses the table of containerd's command: name, type and digest first, whether it is unpacked last.
    pub(super) fn read(table: &str) -> Self {
        let record = |line: &str| {
            let mut words = line.split_whitespace();
            let (name, _, digest) = (words.next()?, words.next()?, words.next()?);
            let unpacked = words.next_back()? == "true";
            Some((name.to_owned(), Record { digest: digest.to_owned(), unpacked }))
        };
        Self(table.lines().skip(1).filter_map(record).collect())
    }

    /// Whether a pod can run this very image under its name.
    ///
    /// The kubelet's side of containerd notices a new image, and gives it a second name, the digest of its
    /// configuration. That is the engine's id of it too, unless the engine stores its images in a containerd: then the
    /// id is the digest of the object that the name refers to.
    pub(super) fn has(&self, wanted: &Wanted) -> bool {
        let Wanted { name, id, manifest, .. } = wanted;
        let Some(named) = self.0.get(name).filter(|record| record.unpacked) else { return false };
        match self.0.get(id) {
            // If two manifests have one configuration, that name refers to the later one.
            Some(known) => known.digest == named.digest || manifest.as_ref() == Some(&named.digest),
            None => named.digest == *id && self.is_known(&named.digest),
        }
    }

    /// A name under which the node holds the content of this image, whatever image its own name refers to there.
    pub(super) fn content_of(&self, wanted: &Wanted) -> Option<&str> {
        let is_it = |(name, record): &(&String, &Record)| {
            record.unpacked && (**name == wanted.id || record.digest == wanted.id) && self.is_known(&record.digest)
        };
        self.0.iter().find(is_it).map(|(name, _)| name.as_str())
    }

    fn is_known(&self, digest: &str) -> bool {
        self.0.iter().any(|(name, record)| name.starts_with(BY_CONFIG) && record.digest == digest)
    }
}

/// In containerd's syntax: by name, by the kubelet's name, by digest.
pub(super) fn filters(wanted: &Wanted) -> [String; 3] {
    let Wanted { name, id, .. } = wanted;
    [format!(r#"name=="{name}""#), format!(r#"name=="{id}""#), format!(r#"target.digest=="{id}""#)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::wanted::Source;

    const TABLE: &str = "\
REF                          TYPE                                      DIGEST      STATUS         SIZE              UNPACKED
docker.io/avs/performer:v1   application/vnd.oci.image.manifest.v1+json sha256:aaaa complete (3/3) 9.8 MiB/9.8 MiB   true
sha256:cccc                  application/vnd.oci.image.manifest.v1+json sha256:aaaa complete (3/3) 9.8 MiB/9.8 MiB   true
docker.io/avs/performer:v2   application/vnd.oci.image.manifest.v1+json sha256:bbbb incomplete (1/3) 1.0 KiB/9.8 MiB false
sha256:dddd                  application/vnd.oci.image.manifest.v1+json sha256:bbbb incomplete (1/3) 1.0 KiB/9.8 MiB false
docker.io/avs/performer:v3   application/vnd.oci.image.manifest.v1+json sha256:eeee complete (3/3) 9.8 MiB/9.8 MiB   true
";

    /// Sending too much is slow; if too little is sent, a trial runs what was delivered for another.
    #[rstest::rstest]
    #[case::of_the_engines_own_store("v1", "sha256:cccc", true)]
    #[case::of_an_engine_with_a_containerd("v1", "sha256:aaaa", true)]
    #[case::other_content("v1", "sha256:dddd", false)]
    #[case::not_unpacked("v2", "sha256:dddd", false)]
    #[case::not_known_to_the_kubelet("v3", "sha256:eeee", false)]
    #[case::not_there("v4", "sha256:cccc", false)]
    fn images_are_recognized_by_name_and_id(#[case] tag: &str, #[case] id: &str, #[case] expected: bool) {
        assert_eq!(NodeContent::read(TABLE).has(&wanted(tag, id, None)), expected);
    }

    /// Otherwise the same image under another name, from another source, would be sent in turns.
    #[rstest::rstest]
    #[case(Some("sha256:eeee"), true)]
    #[case(Some("sha256:ffff"), false)]
    #[case(None, false)]
    fn another_manifest_of_the_same_configuration_is_recognized_by_its_digest(
        #[case] manifest: Option<&str>,
        #[case] expected: bool,
    ) {
        assert_eq!(NodeContent::read(TABLE).has(&wanted("v3", "sha256:cccc", manifest)), expected);
    }

    /// An image that only has another name need not be sent.
    #[rstest::rstest]
    #[case("sha256:cccc", Some("sha256:cccc"))]
    #[case("sha256:aaaa", Some("docker.io/avs/performer:v1"))]
    #[case("sha256:dddd", None)]
    #[case("sha256:0000", None)]
    fn content_is_found_under_any_name(#[case] id: &str, #[case] expected: Option<&str>) {
        assert_eq!(NodeContent::read(TABLE).content_of(&wanted("new", id, None)), expected);
    }

    fn wanted(tag: &str, id: &str, manifest: Option<&str>) -> Wanted {
        let name = format!("docker.io/avs/performer:{tag}");
        let manifest = manifest.map(str::to_owned);
        Wanted { reference: name.clone(), name, id: id.to_owned(), manifest, source: Source::Engine }
    }
}
