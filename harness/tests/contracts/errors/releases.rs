//! `ReleaseManager`.

use hourglass_proto::contracts::bindings as b;

use crate::{
    fixture::Fixture,
    run::{Case, case, send},
};

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    let releases = &fixture.contracts.releases;
    let set = || fixture.set.clone();
    let publish =
        |upgrade_by_time| releases.publish_release(set(), b::Release { artifacts: Vec::new(), upgrade_by_time });
    let metadata = |uri: &str| releases.publish_metadata_uri(set(), uri.to_owned());
    let announced = || [send(&fixture.accounts.avs, metadata("https://example.org"))];
    vec![
        case("ReleaseManager.InvalidPermissions", fixture.app(), publish(0)),
        case("ReleaseManager.InvalidPermissions", fixture.app(), metadata("https://example.org")),
        case("ReleaseManager.MustPublishMetadataURI", fixture.avs(), publish(0)),
        case("ReleaseManager.InvalidMetadataURI", fixture.avs(), metadata("")),
        case("ReleaseManager.InvalidUpgradeByTime", fixture.avs(), publish(1)).after(announced()),
        case("ReleaseManager.NoReleases", fixture.app(), releases.get_latest_release(set())),
        case("ReleaseManager.NoReleases", fixture.app(), releases.is_valid_release(set(), 0.into())),
    ]
}
