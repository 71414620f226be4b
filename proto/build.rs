//! Compiles the gRPC services without a protoc binary.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const FILES: [&str; 4] = [
    "eigenlayer/hourglass/v1/common/auth.proto",
    "eigenlayer/hourglass/v1/performer/performer.proto",
    "eigenlayer/hourglass/v1/executor/executor.proto",
    "eigenlayer/hourglass/v1/aggregator/aggregator.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=protos");
    let descriptors = protox::Compiler::new(["protos"])?
        .include_source_info(true)
        .include_imports(true)
        .open_files(FILES)?
        .file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
