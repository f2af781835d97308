// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title Callers' view of ForkCourt (implemented in Vyper: ForkCourt.vy).
/// @notice Convicts, for good, an authority that signed two checkpoints of one log which cannot both be true.
/// Each function reverts unless its evidence holds, also against a defendant who was convicted before.
interface IForkCourt {
    /// @param signature r, s, v (65 bytes) over EIP-712 Checkpoint(bytes32 origin,uint64 size,bytes32 root),
    /// domain {name: "tallystick", version: "1"}; v is 27 or 28 and s the lower one.
    struct Signed {
        uint64 size;
        bytes32 root;
        bytes signature;
    }

    /// @param defendant keccak256(abi.encode(authority, origin)), origin = SHA-256 of the log's origin text.
    event Convicted(
        bytes32 indexed defendant,
        address indexed authority,
        bytes32 origin,
        uint64 first_size,
        bytes32 first_root,
        uint64 second_size,
        bytes32 second_root
    );

    /// @notice One size with two roots.
    function convict_roots(bytes32 origin, Signed calldata first, Signed calldata second) external;

    /// @notice A root that the larger tree did not have at the smaller size. The proof leads to the larger root.
    function convict_history(
        bytes32 origin,
        Signed calldata first,
        Signed calldata second,
        bytes32[] calldata proof
    ) external;

    /// @notice Two leaves at one index.
    function convict_leaves(
        bytes32 origin,
        uint64 index,
        Signed calldata first,
        bytes32 firstLeaf,
        bytes32[] calldata firstProof,
        Signed calldata second,
        bytes32 secondLeaf,
        bytes32[] calldata secondProof
    ) external;

    /// @return keccak256(abi.encode(first size, first root, second size, second root)) of the evidence, or zero.
    function conviction(bytes32 defendant) external view returns (bytes32);
}
