//! Messages of the gRPC services: executors, performers and aggregators receive them from third-party programs.

use hourglass_proto::{
    messages::parse_task_hash,
    services::{
        performer::{TaskRequest, TaskResponse},
        v1::{DeployArtifactRequest, ListPerformersResponse, RemovePerformerRequest, TaskResult, TaskSubmission},
    },
};
use prost::Message;

use crate::mutate;

const WORDS: &[&[u8]] = &[&[0x0a], &[0x12], &[0xff; 10], &[0x80; 9], &[0], &[0x7f], b"\xc3\x28", &[0x0b, 0x0c]];

#[test]
fn any_message_is_read_or_refused() {
    mutate::all_of("message", WORDS, |bytes| {
        again::<TaskSubmission>(bytes);
        again::<DeployArtifactRequest>(bytes);
        again::<RemovePerformerRequest>(bytes);
        again::<ListPerformersResponse>(bytes);
        again::<TaskRequest>(bytes);
        if let Some(answer) = again::<TaskResponse>(bytes) {
            let _ = std::str::from_utf8(&answer.task_id).map(parse_task_hash);
        }
        if let Some(result) = again::<TaskResult>(bytes) {
            let _ = parse_task_hash(&result.task_id);
        }
    });
}

/// Decodes a message, and the bytes that it encodes to.
fn again<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    assert_eq!(M::decode(&*message.encode_to_vec()).unwrap(), message);
    Some(message)
}
