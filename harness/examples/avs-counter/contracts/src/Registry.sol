// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title Registry
/// @notice Counts entries, behind a proxy.
contract Registry {
    error AlreadyInitialized();
    error NotTheOwner(address caller);

    address public owner;
    uint256 public entries;

    function initialize(address itsOwner) external {
        require(owner == address(0), AlreadyInitialized());
        owner = itsOwner;
    }

    function add() external {
        require(msg.sender == owner, NotTheOwner(msg.sender));
        entries++;
    }
}
