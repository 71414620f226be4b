// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title PowerSettings
/// @notice What the performers of the AVS compute: the power of each number to this exponent.
contract PowerSettings {
    error NotTheOwner(address caller);

    event ExponentChanged(uint8 exponent);

    address public immutable owner;
    uint8 public exponent = 2;

    constructor() {
        owner = msg.sender;
    }

    function setExponent(uint8 newExponent) external {
        require(msg.sender == owner, NotTheOwner(msg.sender));
        exponent = newExponent;
        emit ExponentChanged(newExponent);
    }
}
