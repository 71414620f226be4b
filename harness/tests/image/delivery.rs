//! Which images are sent to the engine, and which are not.

use std::{fs, time::Duration};

use bollard::query_parameters::TagImageOptionsBuilder;
use hourglass_harness::image::{DeliveredImage, ImageRole, deliver_in, remove, superseded_in};

use crate::fixtures::{TestEngine, TestExecutables, append, block_on};

const ROLE: ImageRole = ImageRole::Components;

/// Every trial asks for its images: an image that is there costs one query.
pub(crate) fn docker_existing_image_is_not_sent() {
    let executables = TestExecutables::new();
    let program = executables.small();
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let first = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        let first = test_engine.took(first);
        assert!(first.sent);
        let again = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        assert_eq!(again, DeliveredImage { sent: false, ..first.clone() });
        // A machine with a new cache and the same engine must first find out the digest to ask for.
        let forgotten = deliver_in(&executables.path("other"), &test_engine.engine, ROLE, &program).await.unwrap();
        assert_eq!(forgotten, again);
        let options = None::<bollard::query_parameters::RemoveImageOptions>;
        test_engine.engine.docker().remove_image(&first.reference, options, None).await.unwrap();
        let back = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        assert_eq!(back, first, "what was removed is sent again");
    });
}

/// A run must never use the components of the previous build.
pub(crate) fn docker_a_changed_executable_is_sent() {
    let executables = TestExecutables::new();
    let program = executables.small();
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let before = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        let before = test_engine.took(before);
        append(&program, "!");
        let after = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        let after = test_engine.took(after);
        assert!(after.sent);
        assert_ne!((&after.reference, &after.id), (&before.reference, &before.id));
        let side_by_side = test_engine.engine.docker().inspect_image(&before.reference).await;
        assert!(side_by_side.is_ok(), "{side_by_side:?}");
        let superseded = superseded_in(&executables.cache(), &test_engine.engine, Duration::ZERO).await.unwrap();
        assert!(superseded.contains(&before.reference), "{superseded:?}");
        assert!(!superseded.contains(&after.reference), "what is current is not: {superseded:?}");
        let old = superseded_in(&executables.cache(), &test_engine.engine, Duration::from_hours(1)).await.unwrap();
        assert!(!old.contains(&before.reference), "a trial may still be at it: {old:?}");
        remove(&test_engine.engine, std::slice::from_ref(&before.reference)).await.unwrap();
        let gone = test_engine.engine.docker().inspect_image(&before.reference).await;
        assert!(gone.is_err(), "{gone:?}");
        // An image that is gone needs no removal.
        remove(&test_engine.engine, &[before.reference]).await.unwrap();
    });
}

/// The cache may be lost or damaged at any time.
pub(crate) fn docker_damaged_cache_is_rebuilt() {
    let executables = TestExecutables::new();
    let program = executables.small();
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let first = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        let first = test_engine.took(first);
        let memories = || fs::read_dir(executables.cache().join("images")).unwrap().map(|file| file.unwrap().path());
        let memory = memories().next().unwrap();
        let whole = fs::read(&memory).unwrap();
        for damaged in [&whole[..whole.len() / 2], b"", b"{}"] {
            fs::write(&memory, damaged).unwrap();
            let again = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
            assert_eq!(again, DeliveredImage { sent: false, ..first.clone() });
            assert_eq!(fs::read(&memory).unwrap(), whole);
        }
        assert_eq!(memories().count(), 1, "nothing is left beside it");
    });
}

/// A tag can be moved, and the harness must not run the image that it then refers to.
pub(crate) fn docker_moved_tag_is_set_back() {
    let executables = TestExecutables::new();
    let (program, other) = (executables.small(), executables.fixed());
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let first = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        let first = test_engine.took(first);
        let other = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &other).await.unwrap();
        let other = test_engine.took(other);
        let (name, tag) = first.reference.split_once(':').unwrap();
        let options = TagImageOptionsBuilder::default().repo(name).tag(tag).build();
        test_engine.engine.docker().tag_image(&other.reference, Some(options)).await.unwrap();
        let back = deliver_in(&executables.cache(), &test_engine.engine, ROLE, &program).await.unwrap();
        assert_eq!(back, first);
    });
}

/// Test runners start one process for each trial.
pub(crate) fn docker_concurrent_deliveries_succeed() {
    let executables = TestExecutables::new();
    let program = executables.small();
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let cache = executables.cache();
        let deliver = || deliver_in(&cache, &test_engine.engine, ROLE, &program);
        let (one, two, three) = tokio::join!(deliver(), deliver(), deliver());
        let [one, two, three] = [one, two, three].map(Result::unwrap);
        assert_eq!((&one.reference, &one.id), (&two.reference, &two.id));
        assert_eq!((&one.reference, &one.id), (&three.reference, &three.id));
        test_engine.took(one);
    });
}
