// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title Callers' view of AnchorRegistry (implemented in Vyper: AnchorRegistry.vy).
/// @notice One slot for each log, moved only along an RFC 6962 consistency proof.
interface IAnchorRegistry {
    /// @param log_id keccak256(abi.encode(authority, origin)), origin = SHA-256 of the log's origin text.
    event Anchored(bytes32 indexed log_id, uint64 size, bytes32 root, address authority);

    /// @notice Anchor the caller's own log. The first time oldSize is 0 and the proof empty.
    /// @param proof RFC 6962 consistency proof; the old root comes first when oldSize is a power of two.
    function anchor(
        bytes32 origin,
        uint64 oldSize,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external;

    /// @notice Anchor a checkpoint that `authority` signed; anyone may call and pay.
    /// @param signature r, s, v (65 bytes) over EIP-712 Checkpoint(bytes32 origin,uint64 size,bytes32 root),
    /// domain {name: "tallystick", version: "1"}; v is 27 or 28 and s the lower one.
    function relay(
        address authority,
        bytes32 origin,
        uint64 oldSize,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external;

    /// @notice Reverts unless `leaf` (an RFC 6962 leaf hash) stands at `index` in the tree (size, root).
    /// @dev Proves nothing about who vouches for the tree: also compare `slot`.
    function verify_inclusion(
        bytes32 leaf,
        uint64 index,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof
    ) external view;

    /// @return keccak256(abi.encode(size, root, authority)) of the newest anchored checkpoint, or zero.
    function slot(bytes32 logId) external view returns (bytes32);
}
