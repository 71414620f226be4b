//! An image as pods of a cluster name it.

use std::path::Path;

use hourglass_image::{ImageError, ImageRole, NodeImage, PullPolicy, deliver_to_nodes, name_of};

use super::ChosenCluster;

/// An image as pods of a cluster name it, and whether they may pull it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodImage {
    /// Its name.
    pub reference: String,
    /// When it is pulled.
    pub policy: PullPolicy,
}

impl PodImage {
    /// An image of the harness, built from this executable. Nodes of a cluster of the harness get it if they lack it;
    /// nodes of an existing one have it, or pull it, as the choice of the cluster says.
    pub async fn of_harness(cluster: &ChosenCluster, role: ImageRole, executable: &Path) -> Result<Self, ImageError> {
        let policy = cluster.pull_policy();
        let Some(machine) = &cluster.machine else {
            let reference = match cluster.named_image(role) {
                Some(named) => named,
                None => cluster.image(role, &name_of(role, executable).await?),
            };
            return Ok(Self { reference, policy });
        };
        let image = NodeImage::Made { role, executable: executable.to_owned() };
        let nodes = machine.nodes().await?;
        let delivered = deliver_to_nodes(&machine.engine, &nodes, &[image]).await?;
        let reference = match delivered.into_iter().next() {
            Some(delivered) => delivered.reference,
            None => name_of(role, executable).await?,
        };
        Ok(Self { reference, policy })
    }

    /// Repository, tag and digest, as charts take them; a missing part is empty.
    pub fn parts(&self) -> [&str; 3] {
        let (name, digest) = self.reference.split_once('@').unwrap_or((&self.reference, ""));
        // A colon before the last slash is of a registry's port.
        let tag = name.rfind(':').filter(|at| !name[*at..].contains('/'));
        match tag {
            Some(at) => [&name[..at], &name[at + 1..], digest],
            None => [name, "", digest],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("hourglass-harness/components:0123", ["hourglass-harness/components", "0123", ""])]
    #[case("localhost:5000/harness", ["localhost:5000/harness", "", ""])]
    #[case("localhost:5000/harness:v1", ["localhost:5000/harness", "v1", ""])]
    #[case("a.example/harness@sha256:0123", ["a.example/harness", "", "sha256:0123"])]
    #[case("a.example/harness:v1@sha256:0123", ["a.example/harness", "v1", "sha256:0123"])]
    fn image_names_are_split_into_chart_values(#[case] reference: &str, #[case] parts: [&str; 3]) {
        let image = PodImage { reference: reference.to_owned(), policy: PullPolicy::Never };
        assert_eq!(image.parts(), parts);
    }
}
