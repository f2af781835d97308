// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title Callers' view of AnchorRegistry 2 (implemented in Vyper: AnchorRegistry.vy).
/// @notice One slot for each log, moved only along an RFC 6962 consistency proof.
interface IAnchorRegistry {
    /// @param log_id keccak256(abi.encode(first authority, origin)), origin = SHA-256 of the log's origin text.
    /// @param authority The authority in force.
    event Anchored(bytes32 indexed log_id, uint64 size, bytes32 root, address authority);

    /// @notice The log that stands at (size, root) was handed over to `authority`.
    event AuthorityRotated(
        bytes32 indexed log_id,
        uint64 size,
        bytes32 root,
        address authority,
        address predecessor
    );

    /// @notice First anchor of the caller's own log, of which the caller is the first authority.
    function begin(bytes32 origin, uint64 size, bytes32 root) external;

    /// @notice Anchor a new checkpoint of a log of which the caller is the authority in force.
    /// @param proof RFC 6962 consistency proof; the old root comes first when oldSize is a power of two.
    function anchor(
        bytes32 logId,
        uint64 oldSize,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) external;

    /// @notice Anchor a checkpoint that the authority in force signed; anyone may call and pay.
    /// The first time oldSize is 0, the proof empty, and the signer `firstAuthority`.
    /// @param signature r, s, v (65 bytes) over EIP-712 Checkpoint(bytes32 origin,uint64 size,bytes32 root),
    /// domain {name: "tallystick", version: "1"}; v is 27 or 28 and s the lower one.
    function relay(
        address firstAuthority,
        bytes32 origin,
        uint64 oldSize,
        uint64 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external;

    /// @notice Hand the log, whose slot holds (size, root), over to `successor`; anyone may call and pay.
    /// @param consent EIP-712 Rotation(bytes32 log,uint64 size,bytes32 root,address successor), signed by the
    /// authority in force; `acceptance` is the same message signed by the successor.
    function rotate(
        bytes32 logId,
        uint64 size,
        bytes32 root,
        address successor,
        bytes calldata consent,
        bytes calldata acceptance
    ) external;

    /// @notice Reverts unless `leaf` (an RFC 6962 leaf hash) stands at `index` in the tree (size, root).
    /// @dev Proves nothing about who vouches for the tree: see verify_logged.
    function verify_inclusion(
        bytes32 leaf,
        uint64 index,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof
    ) external view;

    /// @notice Reverts unless `leaf` stands at `index` in the newest anchored checkpoint of the log.
    function verify_logged(
        bytes32 logId,
        address authority,
        bytes32 leaf,
        uint64 index,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof
    ) external view;

    /// @return keccak256(abi.encode(size, root, authority)) of the newest anchored checkpoint, or zero.
    function slot(bytes32 logId) external view returns (bytes32);

    /// @return Whether `authority` was replaced in this log; it never comes back.
    function retired(bytes32 logId, address authority) external view returns (bool);
}
