//! Registries: which one an image comes from, and the user's credentials for it in Docker's configuration.

use std::time::Duration;

use bollard::auth::DockerCredentials;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential};
use tokio::{task::spawn_blocking, time::timeout};

use super::ImageError;

/// The key of Docker's own registry in Docker's configuration.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// How long a credential helper, which may ask a key store, may take.
const HELPER_WITHIN: Duration = Duration::from_secs(30);

/// The registry of an image, by its key in Docker's configuration.
pub(super) fn registry_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => match host {
            "docker.io" | "index.docker.io" => DOCKER_HUB,
            host => host,
        },
        _ => DOCKER_HUB,
    }
}

/// The user's credentials for a registry, from `auths`, `credHelpers` or `credsStore` of Docker's configuration
/// (`DOCKER_CONFIG`, else `~/.docker`); `None` if there are none.
pub(super) async fn credentials(registry: &str) -> Result<Option<DockerCredentials>, ImageError> {
    let server = registry.to_owned();
    let failed = |reason: String| ImageError::Credentials { registry: registry.to_owned(), reason };
    // The helper is a program that may hang; its thread is then left to it.
    let found = timeout(HELPER_WITHIN, spawn_blocking(move || get_credential(&server))).await;
    let found = found.map_err(|_| failed(format!("its helper did not answer within {HELPER_WITHIN:?}")))?;
    match found.map_err(|error| failed(error.to_string()))? {
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(DockerCredentials {
            identitytoken: Some(token),
            serveraddress: Some(registry.to_owned()),
            ..DockerCredentials::default()
        })),
        Ok(DockerCredential::UsernamePassword(username, password)) => Ok(Some(DockerCredentials {
            username: Some(username),
            password: Some(password),
            serveraddress: Some(registry.to_owned()),
            ..DockerCredentials::default()
        })),
        // Most machines have no configuration, and a helper says this about registries that it does not know.
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError,
        ) => Ok(None),
        Err(CredentialRetrievalError::HelperFailure { stdout, stderr, .. })
            if [&stdout, &stderr].iter().any(|said| said.contains("credentials not found")) =>
        {
            Ok(None)
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("performer", DOCKER_HUB)]
    #[case("performer:v1", DOCKER_HUB)]
    #[case("team/performer:v1", DOCKER_HUB)]
    #[case("docker.io/team/performer", DOCKER_HUB)]
    #[case("ghcr.io/team/performer:v1", "ghcr.io")]
    #[case("localhost/performer", "localhost")]
    #[case("localhost:5000/performer@sha256:00", "localhost:5000")]
    #[case("registry:5000/team/performer", "registry:5000")]
    fn an_image_names_its_registry(#[case] reference: &str, #[case] expected: &str) {
        assert_eq!(registry_of(reference), expected);
    }
}
