//! Names of images: people omit parts of them, containerd stores them whole.

const REGISTRY: &str = "docker.io";
const LEGACY_REGISTRY: &str = "index.docker.io";
/// The folder of images without one, in the default registry.
const OFFICIAL: &str = "library";
const TAG: &str = "latest";

/// The name with registry, folder and tag, as `docker.io/library/redis:latest` for `redis`.
pub(super) fn whole(reference: &str) -> String {
    let (registry, path) = match reference.split_once('/') {
        Some((first, rest)) if is_registry(first) => (first, rest),
        _ => (REGISTRY, reference),
    };
    let registry = if registry == LEGACY_REGISTRY { REGISTRY } else { registry };
    let folder = if registry == REGISTRY && !path.contains('/') { format!("{OFFICIAL}/") } else { String::new() };
    let last = path.rsplit('/').next().unwrap_or(path);
    let tag = if last.contains([':', '@']) { String::new() } else { format!(":{TAG}") };
    format!("{registry}/{folder}{path}{tag}")
}

/// Whether the first part is a registry: it can only be a host.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// containerd needs the whole name: an image under another spelling would be sent every time.
    #[rstest::rstest]
    #[case("redis", "docker.io/library/redis:latest")]
    #[case("redis:7", "docker.io/library/redis:7")]
    #[case("my-avs/performer", "docker.io/my-avs/performer:latest")]
    #[case("hourglass-harness/components:0123", "docker.io/hourglass-harness/components:0123")]
    #[case("index.docker.io/redis:7", "docker.io/library/redis:7")]
    #[case("ghcr.io/my-avs/performer:v1", "ghcr.io/my-avs/performer:v1")]
    #[case("localhost:5000/performer", "localhost:5000/performer:latest")]
    #[case("localhost/performer:v1", "localhost/performer:v1")]
    #[case("redis@sha256:0123", "docker.io/library/redis@sha256:0123")]
    fn image_names_are_completed(#[case] reference: &str, #[case] expected: &str) {
        assert_eq!(whole(reference), expected);
        assert_eq!(whole(expected), expected);
    }
}
