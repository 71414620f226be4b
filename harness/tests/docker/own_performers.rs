//! Performers that are a user's own: built by the engine, pulled from a registry, or with a port of their own choice.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bollard::query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder};
use hourglass_harness::image::{BuildSource, build, deliver_components, superseded_in};
use hourglass_test_support::{block_on, run};

use crate::{
    HARNESS,
    docker_trial::{DockerTrial, SQUARE},
};

/// A folder with a Dockerfile whose stage `performer` begins with nothing, and needs no network.
fn context(test: &DockerTrial, mark: &str) -> PathBuf {
    let components = block_on(deliver_components(test.engine(), Path::new(HARNESS))).unwrap().reference;
    let folder = test.sandbox.path("avs");
    fs::create_dir_all(folder.join("secret")).unwrap();
    fs::write(folder.join(".dockerignore"), "secret\n").unwrap();
    fs::write(folder.join("secret/key"), "0x01").unwrap();
    fs::write(folder.join("mark"), mark).unwrap();
    let dockerfile = format!(
        "FROM {components} AS base\nFROM scratch AS performer\nARG WRONG=false\nENV TASK_WRONG_RESULT=$WRONG\n\
         COPY --from=base / /\nCOPY mark /mark\nENTRYPOINT [\"/harness\", \"component\", \"performer\"]\n\
         FROM scratch\nCOPY secret /secret\n"
    );
    fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    folder
}

/// Containers have networks of their own, so that two performers may listen on one port.
pub(crate) fn built_performers_that_listen_on_one_port_run_side_by_side() {
    let test = DockerTrial::new();
    let folder = context(&test, &test.repository("side_by_side"));
    let performer = "port: 9001, environment: {TASK_READS_CHAINS: true}, build: {context: ../avs, target: performer, \
                     args: {WRONG: true}}";
    let steps = SQUARE.replace("0x10", "0x11");
    let scenario = format!(
        "components: {{performer: {{{performer}}}}}\ntopology: {{operators: [{{name: alice}}, {{name: bob}}]}}\n{steps}"
    );
    let outcome = test.run(&scenario);
    outcome.assert_code(0).assert_shows(&["1 passed, 0 failed"]);
    test.assert_nothing_runs();
    let args = [("WRONG".to_owned(), "true".to_owned())].into();
    let source = BuildSource {
        context: folder,
        dockerfile: "Dockerfile".to_owned(),
        target: Some("performer".to_owned()),
        args,
    };
    let reference = block_on(build(test.engine(), &source, "performer")).unwrap();
    remove(&test, &reference);
}

/// A build takes minutes, and its image must be that of the present files.
pub(crate) fn an_image_is_built_again_when_its_content_changes_and_only_then() {
    let test = DockerTrial::new();
    let folder = context(&test, &test.repository("first"));
    let target = Some("performer".to_owned());
    let source = BuildSource { context: folder.clone(), dockerfile: "Dockerfile".to_owned(), target, args: [].into() };
    let built = |source: &BuildSource| block_on(build(test.engine(), source, "performer")).unwrap();
    let id = |name: &str| block_on(test.engine().docker().inspect_image(name)).unwrap().id.unwrap();
    let first = built(&source);
    // A build would give the name back to the image that was built.
    let other = test.image("other", &["/harness"]);
    let (repository, tag) = first.rsplit_once(':').unwrap();
    let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
    block_on(test.engine().docker().tag_image(&other, Some(options))).unwrap();
    fs::write(folder.join("secret/key"), "0x02").unwrap();
    assert_eq!(built(&source), first, "what the build does not get is no content");
    assert_eq!(id(&first), id(&other), "it was built again");
    fs::write(folder.join("mark"), test.repository("second")).unwrap();
    let second = built(&source);
    assert_ne!(second, first);
    let superseded = |older| block_on(superseded_in(&test.sandbox.path("cache"), test.engine(), older)).unwrap();
    assert!(superseded(Duration::ZERO).contains(&second), "`harness gc` leaves it");
    assert!(!superseded(Duration::from_hours(1)).contains(&second), "it was used just now");
    let args = [("WRONG".to_owned(), "true".to_owned())].into();
    let third = built(&BuildSource { args, ..source });
    assert!(third != second && id(&third) != id(&second));
    for name in [first, second, third] {
        remove(&test, &name);
    }
}

fn remove(test: &DockerTrial, image: &str) {
    let forced = RemoveImageOptionsBuilder::new().force(true).build();
    block_on(test.engine().docker().remove_image(image, Some(forced), None)).unwrap();
}

/// The whole output may be megabytes; its end has the reason.
pub(crate) fn a_build_that_fails_shows_its_last_output() {
    let test = DockerTrial::new();
    let folder = context(&test, "");
    let outcome = test.run(&format!("components: {{performer: {{build: {{context: ../avs}}}}}}\n{SQUARE}"));
    let dockerfile = folder.join("Dockerfile").display().to_string();
    let dockerfile = dockerfile.rsplit_once("/avs/").unwrap().1.to_owned();
    outcome.assert_code(1).assert_shows(&[
        "failed to build the image of performer/operator from ",
        &format!("avs/{dockerfile}: COPY failed"),
        "its last output:",
        "COPY secret /secret",
        "`docker build` in the context shows the whole output",
    ]);
    test.assert_nothing_begun();
}

/// A registry that lets nobody in without credentials, and knows no image; it notes the credentials of each request.
fn registry() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let reader = BufReader::new(connection.try_clone().unwrap());
            let lines: Vec<_> = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let credentials = lines.iter().find_map(|line| line.strip_prefix("Authorization: ").map(str::to_owned));
            let status = if credentials.is_some() { "404 Not Found" } else { "401 Unauthorized" };
            noted.lock().unwrap().extend(credentials);
            let headers = "Docker-Distribution-Api-Version: registry/2.0\r\nWww-Authenticate: Basic realm=\"test\"\r\n\
                           Content-Length: 0\r\nConnection: close\r\n";
            let _ = write!(connection, "HTTP/1.1 {status}\r\n{headers}\r\n");
        }
    });
    (port, seen)
}

/// A registry without an image, because the machines of tests reach no other: what reaches it are the user's
/// credentials.
pub(crate) fn an_image_is_pulled_with_the_credentials_of_the_configuration() {
    let test = DockerTrial::new();
    let (port, seen) = registry();
    let image = format!("127.0.0.1:{port}/team/performer:v1");
    let config = test.sandbox.path("docker-config");
    fs::create_dir(&config).unwrap();
    // The base64 of `alice:secret`.
    let auths = format!("{{\"auths\": {{\"127.0.0.1:{port}\": {{\"auth\": \"YWxpY2U6c2VjcmV0\"}}}}}}");
    fs::write(config.join("config.json"), auths).unwrap();
    let pull = |when: &str| {
        let scenario = format!("components: {{performer: {{image: '{image}', pull: {when}}}}}\n{SQUARE}");
        run(test.harness(&test.scenario(&scenario)).env("DOCKER_CONFIG", &config))
    };
    pull("missing").assert_code(3).assert_shows(&[
        &format!("failed to pull image {image}, which performer needs: "),
        "after `docker login` where the registry needs it",
    ]);
    let credentials = std::mem::take(&mut *seen.lock().unwrap());
    assert!(credentials.iter().any(|given| given == "Basic YWxpY2U6c2VjcmV0"), "{credentials:?}");
    pull("never").assert_code(1).assert_shows(&[&format!("failed to find image {image}, which performer needs")]);
    assert!(seen.lock().unwrap().is_empty(), "the registry was asked although nothing is to be pulled");
    test.assert_nothing_begun();
}

/// An image that the engine has needs no registry.
pub(crate) fn an_image_that_is_there_is_not_pulled() {
    let test = DockerTrial::new();
    let image = test.image("performer", &["/harness", "component", "performer"]);
    let outcome = test.run(&format!("components: {{performer: {{image: '{image}', pull: missing}}}}\n{SQUARE}"));
    outcome.assert_code(0).assert_shows(&["1 passed, 0 failed"]);
}
