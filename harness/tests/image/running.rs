//! Containers of both images without any rights: no capability, no writing outside `/tmp`, no user of the machine's.

use std::time::Duration;

use hourglass_component::health;
use hourglass_harness::image::{DeliveredImage, IMAGE_LABEL, ImageRole, deliver_in};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::fixtures::{SOON, TestEngine, TestExecutables, anvil, block_on, harness};

/// Without arguments, the image runs a performer, for operators that know only an image name.
pub(crate) fn docker_the_components_run_as_nobody() {
    let executables = TestExecutables::new();
    let program = executables.marked(harness());
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let image =
            deliver_in(&executables.cache(), &test_engine.engine, ImageRole::Components, &program).await.unwrap();
        let image = test_engine.took(image);
        assert_config(&test_engine, &image).await;
        serves(&mut test_engine, &image.reference).await;
    });
}

/// Waits until a container of this image is a performer that serves.
pub(crate) async fn serves(test_engine: &mut TestEngine, image: &str) {
    let address = test_engine.start(image, &[], 8080).await;
    let channel = health::channel(&address).unwrap();
    if let Err(error) = health::wait_until_serving(&address, channel, SOON).await {
        panic!("{error}; its output:\n{}", test_engine.last_output().await);
    }
}

async fn assert_config(test_engine: &TestEngine, image: &DeliveredImage) {
    let inspected = test_engine.engine.docker().inspect_image(&image.reference).await.unwrap();
    assert_eq!(inspected.architecture.as_deref(), Some(test_engine.engine.architecture()));
    let config = inspected.config.unwrap();
    assert_eq!(config.user.as_deref(), Some("65532:65532"));
    assert_eq!(config.entrypoint.unwrap(), ["/harness", "component"]);
    assert_eq!(config.cmd.unwrap(), ["performer"]);
    assert_eq!(config.exposed_ports.unwrap(), ["8080/tcp"]);
    let labels = config.labels.unwrap();
    assert_eq!(labels[IMAGE_LABEL], "components");
    assert_eq!(labels["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
}

/// Anvil starts from the libraries that were found, and answers.
pub(crate) fn docker_anvil_answers() {
    let executables = TestExecutables::new();
    let program = executables.marked(&anvil());
    block_on(async {
        let mut test_engine = TestEngine::new().await;
        let image = deliver_in(&executables.cache(), &test_engine.engine, ImageRole::Anvil, &program).await.unwrap();
        let image = test_engine.took(image);
        let address = test_engine.start(&image.reference, &["--host", "0.0.0.0", "--chain-id", "31337"], 8545).await;
        let Ok(answer) = timeout(SOON, answer(&address)).await else {
            panic!("no answer; its output:\n{}", test_engine.last_output().await);
        };
        assert!(answer.contains("0x7a69"), "{answer}");
    });
}

/// A port has no event source: it is polled until it answers.
async fn answer(address: &str) -> String {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
    let head = "POST / HTTP/1.1\r\nHost: anvil\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    loop {
        pause.tick().await;
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        let mut answer = String::new();
        // The engine's proxy accepts connections before Anvil does, and closes them.
        let asked = stream.write_all(request.as_bytes()).await.is_ok();
        if asked && stream.read_to_string(&mut answer).await.is_ok() && !answer.is_empty() {
            return answer;
        }
    }
}
