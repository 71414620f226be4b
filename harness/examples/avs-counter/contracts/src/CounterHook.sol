// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title CounterHook
/// @notice Counts the tasks of an AVS, refuses payloads that are larger than its owner allows, and asks a fee for each byte of
///         a payload.
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
    event FeeChanged(uint96 feePerByte);

    address public immutable mailbox;
    address public immutable owner;
    /// @notice The largest payload, in bytes.
    uint256 public limit;
    /// @notice The fee for a byte of a payload, in the smallest unit of the fee token; at first nothing.
    uint96 public feePerByte;
    uint256 public created;
    uint256 public verified;

    modifier onlyMailbox() {
        require(msg.sender == mailbox, NotTheMailbox(msg.sender));
        _;
    }

    modifier onlyOwner() {
        require(msg.sender == owner, NotTheOwner(msg.sender));
        _;
    }

    constructor(address itsMailbox, uint256 itsLimit) {
        mailbox = itsMailbox;
        owner = msg.sender;
        limit = itsLimit;
    }

    function setLimit(uint256 newLimit) external onlyOwner {
        limit = newLimit;
        emit LimitChanged(newLimit);
    }

    function setFeePerByte(uint96 newFee) external onlyOwner {
        feePerByte = newFee;
        emit FeeChanged(newFee);
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

    function calculateTaskFee(TaskParams memory task) external view returns (uint96) {
        return feePerByte * uint96(task.payload.length);
    }
}
