// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

import {Registry} from "./Registry.sol";

/// @title RegistryV2
/// @notice The next version of Registry, with the same storage.
contract RegistryV2 is Registry {
    function clear() external {
        require(msg.sender == owner, NotTheOwner(msg.sender));
        entries = 0;
    }
}
