// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @title OpenRegistrar
/// @notice The registrar of an AVS that everybody may join, with a socket for each operator. Set 0 aggregates, set 1 executes.
contract OpenRegistrar {
    struct AvsConfig {
        uint32 aggregatorOperatorSetId;
        uint32[] executorOperatorSetIds;
    }

    error NotTheAllocationManager(address caller);
    error NotTheOperator(address caller);

    address public immutable allocationManager;
    address public immutable avs;
    /// @notice How many operators have joined a set.
    uint256 public joined;
    mapping(address operator => string) private _sockets;

    modifier onlyAllocationManager() {
        require(msg.sender == allocationManager, NotTheAllocationManager(msg.sender));
        _;
    }

    constructor(address itsAllocationManager, address itsAvs) {
        allocationManager = itsAllocationManager;
        avs = itsAvs;
    }

    function registerOperator(address operator, address, uint32[] calldata ids, bytes calldata data)
        external
        onlyAllocationManager
    {
        joined += ids.length;
        _sockets[operator] = abi.decode(data, (string));
    }

    function deregisterOperator(address, address, uint32[] calldata ids) external onlyAllocationManager {
        joined -= ids.length;
    }

    function updateSocket(address operator, string calldata socket) external {
        require(msg.sender == operator, NotTheOperator(msg.sender));
        _sockets[operator] = socket;
    }

    function getOperatorSocket(address operator) external view returns (string memory) {
        return _sockets[operator];
    }

    function supportsAVS(address candidate) external view returns (bool) {
        return candidate == avs;
    }

    function getAvsConfig() external pure returns (AvsConfig memory config) {
        config.executorOperatorSetIds = new uint32[](1);
        config.executorOperatorSetIds[0] = 1;
    }
}
