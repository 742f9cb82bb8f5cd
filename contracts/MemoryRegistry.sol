// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignedCalls} from "./SignedCalls.sol";
import {IMemoryRegistry} from "./interfaces/IMemoryRegistry.sol";

/// @title The MemSync registry
/// @dev Specification and warnings: `IMemoryRegistry`. Each call reads its vault, refuses an unknown one, checks who is acting, then the
/// rest, and only then writes. No admin, no proxy, no pause, no constructor argument; code and address are the same on every chain.
contract MemoryRegistry is IMemoryRegistry, SignedCalls {
    uint8 private constant WRITE = 2;
    uint8 private constant ALL_RIGHTS = 3;

    mapping(bytes32 vault => Vault) private _vaults;
    mapping(bytes32 vault => mapping(bytes32 grantId => Grant)) private _grants;
    /// @inheritdoc IMemoryRegistry
    mapping(bytes32 vault => mapping(bytes32 grantId => bytes32)) public parcelOf;
    /// @inheritdoc IMemoryRegistry
    mapping(address account => bytes32) public keyOf;

    // ------------------------------------------------------------------------------------------------------------------ vaults

    /// @inheritdoc IMemoryRegistry
    function open(
        address owner,
        uint256 nonce,
        address firstSigner,
        uint32 salt,
        bytes32 pointer,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes32 vault = vaultIdOf(owner, nonce);
        if (_vaults[vault].signer != address(0)) revert VaultExists(vault);
        if (_isSigned(owner, deadline, signature)) {
            bytes32 hash = keccak256(abi.encode(OPEN, owner, nonce, firstSigner, salt, pointer, deadline));
            _checkSignature(owner, hash, signature);
        }
        if (firstSigner == address(0)) revert InvalidSigner(firstSigner);
        _vaults[vault] = Vault({signer: firstSigner, sequence: 1, grantEpoch: 0, salt: salt, pointer: pointer});
        emit Opened(vault);
    }

    /// @inheritdoc IMemoryRegistry
    function setSigner(address owner, uint256 nonce, address newSigner, uint256 deadline, bytes calldata signature) external {
        bytes32 vault = vaultIdOf(owner, nonce);
        Vault storage head = _vaults[vault];
        address signer = _signerOf(vault, head);
        if (_isSigned(owner, deadline, signature)) {
            bytes32 hash = keccak256(abi.encode(SET_SIGNER, owner, nonce, signer, newSigner, deadline));
            _checkSignature(owner, hash, signature);
        }
        if (newSigner == address(0) || newSigner == signer) revert InvalidSigner(newSigner);
        head.signer = newSigner;
        emit SignerChanged(vault);
    }

    /// @inheritdoc IMemoryRegistry
    function commit(
        bytes32 vault,
        uint32 sequence,
        uint32 grantEpoch,
        uint32 salt,
        bytes32 pointer,
        uint256 deadline,
        bytes calldata signature
    ) external {
        Vault storage head = _vaults[vault];
        address signer = _signerOf(vault, head);
        if (_isSigned(signer, deadline, signature)) {
            bytes32 hash = keccak256(abi.encode(COMMIT, signer, vault, sequence, grantEpoch, salt, pointer, deadline));
            _checkSignature(signer, hash, signature);
        }
        _moveHead(vault, head, sequence, grantEpoch, salt, pointer);
    }

    function _signerOf(bytes32 vault, Vault storage head) private view returns (address signer) {
        signer = head.signer;
        if (signer == address(0)) revert UnknownVault(vault);
    }

    function _moveHead(bytes32 vault, Vault storage head, uint32 sequence, uint32 grantEpoch, uint32 salt, bytes32 pointer) private {
        if (head.sequence != sequence) revert StaleSequence(head.sequence);
        if (head.grantEpoch != grantEpoch) revert StaleEpoch(head.grantEpoch);
        uint32 next = sequence + 1;
        head.pointer = pointer; // first: so the compiler makes one write of the next two
        head.sequence = next;
        head.salt = salt;
        emit Committed(vault, next, salt, pointer);
    }

    // ------------------------------------------------------------------------------------------------------------------ grants

    /// @inheritdoc IMemoryRegistry
    function commitAndShare(
        bytes32 vault,
        uint32 sequence,
        uint32 grantEpoch,
        uint32 salt,
        bytes32 pointer,
        Share[] calldata grants,
        bytes32[] calldata revocations,
        uint256 deadline,
        bytes calldata signature
    ) external {
        Vault storage head = _vaults[vault];
        address signer = _signerOf(vault, head);
        if (_isSigned(signer, deadline, signature)) {
            bytes32 hash = keccak256(
                abi.encode(
                    COMMIT_AND_SHARE,
                    signer,
                    vault,
                    sequence,
                    grantEpoch,
                    salt,
                    pointer,
                    _hashShares(grants),
                    keccak256(abi.encodePacked(revocations)),
                    deadline
                )
            );
            _checkSignature(signer, hash, signature);
        }
        _moveHead(vault, head, sequence, grantEpoch, salt, pointer);
        for (uint256 i = 0; i < revocations.length; ++i) {
            _revoke(vault, revocations[i]);
        }
        for (uint256 i = 0; i < grants.length; ++i) {
            _grant(vault, grantEpoch, grants[i]);
        }
    }

    /// @inheritdoc IMemoryRegistry
    function revoke(bytes32 vault, bytes32 grantId, uint256 deadline, bytes calldata signature) external {
        address signer = _signerOf(vault, _vaults[vault]);
        if (_isSigned(signer, deadline, signature)) {
            _checkSignature(signer, keccak256(abi.encode(REVOKE, signer, vault, grantId, deadline)), signature);
        }
        _revoke(vault, grantId);
    }

    /// @inheritdoc IMemoryRegistry
    function revokeAll(bytes32 vault, uint32 grantEpoch, uint256 deadline, bytes calldata signature) external {
        Vault storage head = _vaults[vault];
        address signer = _signerOf(vault, head);
        if (_isSigned(signer, deadline, signature)) {
            _checkSignature(signer, keccak256(abi.encode(REVOKE_ALL, signer, vault, grantEpoch, deadline)), signature);
        }
        if (head.grantEpoch != grantEpoch) revert StaleEpoch(head.grantEpoch);
        head.grantEpoch = grantEpoch + 1;
        emit RevokedAll(vault, grantEpoch + 1);
    }

    function _grant(bytes32 vault, uint32 grantEpoch, Share calldata share) private {
        Grant storage grant = _grants[vault][share.grantId];
        if (grant.end != 0) revert GrantIdUsed(share.grantId);
        if (share.start >= share.end) revert InvalidTimes(share.grantId, share.start, share.end);
        if (share.rights == 0 || share.rights > ALL_RIGHTS) revert InvalidRights(share.grantId, share.rights);
        grant.start = share.start;
        grant.end = share.end;
        grant.epoch = grantEpoch;
        grant.rights = share.rights;
        emit Granted(vault, share.grantId);
    }

    /// @dev A tombstone has an end and no rights. The inbox's number and salt stay: they open its last parcel.
    function _revoke(bytes32 vault, bytes32 grantId) private {
        Grant storage grant = _grants[vault][grantId];
        if (grant.end == 0) grant.end = 1;
        else if (grant.rights == 0) return;
        else grant.rights = 0;
        emit Revoked(vault, grantId);
    }

    // ------------------------------------------------------------------------------------------------------------------- inbox

    /// @inheritdoc IMemoryRegistry
    function submit(
        address grantee,
        bytes32 vault,
        bytes32 scope,
        bytes32 grantSalt,
        uint32 sequence,
        uint48 salt,
        bytes32 pointer,
        uint256 deadline,
        bytes calldata signature
    ) external {
        Vault storage head = _vaults[vault];
        _signerOf(vault, head);
        if (_isSigned(grantee, deadline, signature)) {
            bytes32 hash = keccak256(abi.encode(SUBMIT, grantee, vault, scope, grantSalt, sequence, salt, pointer, deadline));
            _checkSignature(grantee, hash, signature);
        }
        bytes32 grantId = grantIdOf(vault, grantee, scope, grantSalt);
        Grant storage grant = _grants[vault][grantId];
        if (!_holds(grant, head.grantEpoch, WRITE)) revert NotGranted(vault, grantId);
        if (grant.parcels != sequence) revert StaleSequence(grant.parcels);
        grant.parcels = sequence + 1;
        grant.parcelSalt = salt;
        parcelOf[vault][grantId] = pointer;
        emit Submitted(vault, grantId, sequence + 1);
    }

    // -------------------------------------------------------------------------------------------------------------------- keys

    /// @inheritdoc IMemoryRegistry
    function publishKey(address account, bytes32 previous, bytes32 digest, uint256 deadline, bytes calldata signature) external {
        if (_isSigned(account, deadline, signature)) {
            bytes32 hash = keccak256(abi.encode(PUBLISH_KEY, account, previous, digest, deadline));
            _checkSignature(account, hash, signature);
        }
        bytes32 current = keyOf[account];
        if (current != previous) revert StaleDigest(current);
        if (digest == 0 || digest == previous) revert InvalidDigest(digest);
        keyOf[account] = digest;
        emit KeyPublished(account, digest);
    }

    // ------------------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IMemoryRegistry
    function vaultOf(bytes32 vault) external view returns (Vault memory) {
        return _vaults[vault];
    }

    /// @inheritdoc IMemoryRegistry
    function grantOf(bytes32 vault, bytes32 grantId) external view returns (Grant memory) {
        return _grants[vault][grantId];
    }

    /// @inheritdoc IMemoryRegistry
    function vaultIdOf(address owner, uint256 nonce) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), owner, nonce));
    }

    /// @inheritdoc IMemoryRegistry
    function grantIdOf(bytes32 vault, address grantee, bytes32 scope, bytes32 grantSalt) public pure returns (bytes32) {
        return keccak256(abi.encode(vault, grantee, scope, grantSalt));
    }

    /// @inheritdoc IMemoryRegistry
    function isGranted(bytes32 vault, address grantee, bytes32 scope, bytes32 grantSalt, uint8 rights) external view returns (bool) {
        if (rights == 0) return false;
        return _holds(_grants[vault][grantIdOf(vault, grantee, scope, grantSalt)], _vaults[vault].grantEpoch, rights);
    }

    /// @inheritdoc IMemoryRegistry
    function snapshot(
        bytes32 vault,
        bytes32[] calldata grantIds
    ) external view returns (uint256 time, Vault memory head, Grant[] memory grants, bytes32[] memory parcels) {
        time = block.timestamp;
        head = _vaults[vault];
        grants = new Grant[](grantIds.length);
        parcels = new bytes32[](grantIds.length);
        for (uint256 i = 0; i < grantIds.length; ++i) {
            grants[i] = _grants[vault][grantIds[i]];
            parcels[i] = parcelOf[vault][grantIds[i]];
        }
    }

    function _holds(Grant storage grant, uint32 grantEpoch, uint8 rights) private view returns (bool) {
        return
            grant.rights & rights == rights && grant.epoch == grantEpoch && grant.start <= block.timestamp && block.timestamp < grant.end;
    }
}
