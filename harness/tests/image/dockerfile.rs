//! The Dockerfile, for users who prefer to build with Docker.

use std::{fs, path::Path, process::Command};

use bollard::{body_full, query_parameters::BuildImageOptionsBuilder};
use futures::TryStreamExt as _;

use crate::{
    fixtures::{TestEngine, TestExecutables, block_on, harness},
    running,
};

/// The two commands at its head make the same performer as the harness's own image.
pub(crate) fn docker_the_dockerfile_makes_an_image_that_runs() {
    let executables = TestExecutables::new();
    let context = executables.path("context");
    let mut command = Command::new(harness());
    let written = command.args(["image", "build", "components", "--context"]).arg(&context).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let mut archive = tar::Builder::new(Vec::new());
    archive.follow_symlinks(false);
    archive.append_dir_all(".", &context).unwrap();
    let dockerfile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/image/Dockerfile");
    archive.append_path_with_name(dockerfile, "Dockerfile").unwrap();
    fs::remove_dir_all(&context).unwrap();
    let archive = archive.into_inner().unwrap();
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let name = format!("hourglass-image-test/dockerfile:{}", executables.mark());
        test_engine.owns(&name);
        // No layers are shared with other images: what is built is removed completely.
        let options = BuildImageOptionsBuilder::default().t(&name).nocache(true).rm(true).forcerm(true).build();
        let built = test_engine.engine.docker().build_image(options, None, Some(body_full(archive.into())));
        built.try_collect::<Vec<_>>().await.unwrap();
        let config = test_engine.engine.docker().inspect_image(&name).await.unwrap().config.unwrap();
        assert_eq!(config.user.as_deref(), Some("65532:65532"));
        running::serves(&mut test_engine, &name).await;
    });
}
