// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import "IAnchorRegistry.sol";
import "IForkCourt.sol";

/// @title What a contract of somebody else does with ours: it pays out once a work is logged.
contract Caller {
    IAnchorRegistry public immutable registry;
    IForkCourt public immutable court;

    constructor(IAnchorRegistry registry_, IForkCourt court_) {
        registry = registry_;
        court = court_;
    }

    /// @notice Reverts unless the work is in the log's newest anchored checkpoint, by an authority not convicted.
    /// @param first The authority that the log began with; `authority` is the one in force.
    function release(
        address first,
        address authority,
        bytes32 origin,
        bytes32 leaf,
        uint64 index,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof
    ) external view returns (bool) {
        require(court.conviction(keccak256(abi.encode(authority, origin))) == 0, "convicted of a fork");
        registry.verify_logged(keccak256(abi.encode(first, origin)), authority, leaf, index, size, root, proof);
        return true;
    }

    /// @notice Structs cross the border as the interface says.
    function accuse(bytes32 origin, IForkCourt.Signed calldata one, IForkCourt.Signed calldata two) external {
        court.convict_roots(origin, one, two);
    }

    /// @notice So does a checkpoint signed elsewhere.
    function relay(address first, bytes32 origin, uint64 size, bytes32 root, bytes calldata signature) external {
        registry.relay(first, origin, 0, size, root, new bytes32[](0), signature);
    }
}
