//! The gRPC services, generated from `protos/`, and their descriptors for server reflection.

/// `eigenlayer.hourglass.v1.performer`: what an AVS ships.
pub mod performer {
    #![expect(
        missing_docs,
        clippy::pedantic,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated from performer.proto, which is commented there"
    )]
    tonic::include_proto!("eigenlayer.hourglass.v1.performer");
}

/// `eigenlayer.hourglass.v1.common`: authentication of management calls.
pub mod common {
    tonic::include_proto!("eigenlayer.hourglass.v1.common");
}

/// `eigenlayer.hourglass.v1`: the executor's and the aggregator's services.
pub mod v1 {
    #![expect(
        missing_docs,
        clippy::pedantic,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated from executor.proto and aggregator.proto, which are commented there"
    )]
    use super::common;

    tonic::include_proto!("eigenlayer.hourglass.v1");
}

/// The encoded `FileDescriptorSet` of every service above, for gRPC server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[cfg(test)]
mod tests {
    use super::*;

    /// Public clients address methods by these paths; a renamed package would break them silently.
    #[rstest::rstest]
    #[case(performer::performer_service_server::SERVICE_NAME, "eigenlayer.hourglass.v1.performer.PerformerService")]
    #[case(v1::executor_service_server::SERVICE_NAME, "eigenlayer.hourglass.v1.ExecutorService")]
    #[case(v1::executor_management_service_server::SERVICE_NAME, "eigenlayer.hourglass.v1.ExecutorManagementService")]
    #[case(
        v1::aggregator_management_service_server::SERVICE_NAME,
        "eigenlayer.hourglass.v1.AggregatorManagementService"
    )]
    fn services_have_their_public_names(#[case] name: &str, #[case] public: &str) {
        assert_eq!(name, public);
    }

    /// Field numbers are the wire format: one message of each kind is compared byte by byte.
    #[test]
    fn field_numbers_are_the_public_ones() {
        use prost::Message as _;
        let submission = v1::TaskSubmission {
            task_id: "t".into(),
            aggregator_address: "a".into(),
            avs_address: "v".into(),
            payload: vec![1],
            signature: vec![2],
            operator_set_id: 3,
            reference_timestamp: 4,
            executor_address: "e".into(),
            task_block_number: 5,
            version: 1,
        };
        assert_eq!(
            hex::encode(submission.encode_to_vec()),
            "0a01741201611a01762201012a010230033804420165480550\
             01"
        );
        let result = v1::TaskResult {
            task_id: "t".into(),
            operator_address: "o".into(),
            output: vec![1],
            result_signature: vec![2],
            avs_address: "v".into(),
            operator_set_id: 3,
            auth_signature: vec![4],
            version: 1,
        };
        assert_eq!(hex::encode(result.encode_to_vec()), "0a017412016f1a01012201022a017630033a01044001");
        let task = performer::TaskRequest { task_id: b"t".to_vec(), payload: vec![1] };
        assert_eq!(hex::encode(task.encode_to_vec()), "0a0174120101");
        let answer = performer::TaskResponse { task_id: b"t".to_vec(), result: vec![1] };
        assert_eq!(hex::encode(answer.encode_to_vec()), "0a0174120101");
    }
}
