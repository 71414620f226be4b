// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title CounterHook
/// @notice Counts the tasks of an AVS, and refuses payloads that are larger than its owner allows.
contract CounterHook {
    struct OperatorSet {
        address avs;
        uint32 id;
    }

    struct TaskParams {
        address refundCollector;
        OperatorSet executorOperatorSet;
        bytes payload;
    }

    error NotTheMailbox(address caller);
    error NotTheOwner(address caller);
    error PayloadTooLarge(uint256 size, uint256 limit);

    event LimitChanged(uint256 limit);

    address public immutable mailbox;
    address public immutable owner;
    /// @notice The largest payload, in bytes.
    uint256 public limit;
    uint256 public created;
    uint256 public verified;

    modifier onlyMailbox() {
        require(msg.sender == mailbox, NotTheMailbox(msg.sender));
        _;
    }

    constructor(address itsMailbox, uint256 itsLimit) {
        mailbox = itsMailbox;
        owner = msg.sender;
        limit = itsLimit;
    }

    function setLimit(uint256 newLimit) external {
        require(msg.sender == owner, NotTheOwner(msg.sender));
        limit = newLimit;
        emit LimitChanged(newLimit);
    }

    function validatePreTaskCreation(address, TaskParams memory task) external view {
        uint256 size = task.payload.length;
        require(size <= limit, PayloadTooLarge(size, limit));
    }

    function handlePostTaskCreation(bytes32) external onlyMailbox {
        created++;
    }

    function validatePreTaskResultSubmission(address, bytes32, bytes memory, bytes memory) external view {}

    function handlePostTaskResultSubmission(address, bytes32) external onlyMailbox {
        verified++;
    }

    function calculateTaskFee(TaskParams memory) external pure returns (uint96) {
        return 0;
    }
}
