//! Images of users: they are used unchanged, and reported if they cannot be used.

use bollard::query_parameters::TagImageOptionsBuilder;
use hourglass_harness::image::{Image, ImageError, ImageRole, deliver_in, load, require};

use crate::fixtures::{TestEngine, TestExecutables, block_on};

/// An image of this test's with a user's name.
async fn provide(test_engine: &mut TestEngine, executables: &TestExecutables, name: &str) {
    let image = deliver_in(&executables.cache(), &test_engine.engine, ImageRole::Components, &executables.small())
        .await
        .unwrap();
    let image = test_engine.took(image);
    let options = TagImageOptionsBuilder::default().repo(name).tag("v1").build();
    test_engine.engine.docker().tag_image(&image.reference, Some(options)).await.unwrap();
    test_engine.owns(&format!("{name}:v1"));
}

/// The only condition is that the image is there.
pub(crate) fn docker_existing_image_is_accepted() {
    let executables = TestExecutables::new();
    let name = format!("hourglass-image-test/{}", executables.mark());
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        provide(&mut test_engine, &executables, &name).await;
        require(&test_engine.engine, &format!("{name}:v1"), "the performer").await.unwrap();
    });
}

/// The error says who needs which image, which name was probably meant, and how to provide the image.
pub(crate) fn docker_a_missing_image_is_named_with_the_ways_to_provide_it() {
    let executables = TestExecutables::new();
    let name = format!("hourglass-image-test/{}/performer", executables.mark());
    let error = block_on(async {
        let mut test_engine = TestEngine::new().await;
        provide(&mut test_engine, &executables, &name).await;
        require(&test_engine.engine, &format!("{name}:v2"), "the performer of executor/alice").await.unwrap_err()
    });
    let text = format!("{error}\nremedy: {}", error.remedy().unwrap()).replace(executables.mark(), "MARK");
    insta::assert_snapshot!("missing", text);
}

/// It would end at once, with an error of the kernel that is hard to understand.
pub(crate) fn docker_an_image_for_other_machines_is_refused() {
    let executables = TestExecutables::new();
    let (program, other) = executables.foreign();
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let image = Image::make(ImageRole::Components, &program).unwrap();
        let image = load(&test_engine.engine, image).await.unwrap();
        let image = test_engine.took(image);
        let error = require(&test_engine.engine, &image.reference, "the performer").await.unwrap_err();
        let own = test_engine.engine.architecture();
        assert!(matches!(error, ImageError::OtherArchitecture { .. }), "{error}");
        assert!(
            error.to_string().ends_with(&format!("it is for {other}, and the Docker engine runs {own}")),
            "{error}"
        );
        assert!(error.remedy().unwrap().contains(&format!("--platform linux/{own}")));
    });
}
