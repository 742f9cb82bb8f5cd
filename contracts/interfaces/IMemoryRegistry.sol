// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The MemSync registry
/// @notice Holds, per vault, a sealed pointer to encrypted memories and the access grants to them; per account, the digest of its
/// current key card. Nothing here is plaintext, nobody administers it, nothing can be paused, changed or taken out.
///
/// Three roles. The *owner* stands in the vault's id and not in storage: it opens the vault and replaces its signer, nothing else.
/// The *signer* commits, shares and revokes, and can't replace itself. The *payer* is whoever sends the transaction: it pays and
/// decides nothing.
///
/// Every call ends in `deadline` and `signature`. With an empty signature `msg.sender` must be the acting account itself. With a
/// signature anybody may send the call: it must be the account's secp256k1 signature (65 bytes, or 64 as in EIP-2098) over the
/// EIP-712 struct named at the call, or else one that the account confirms by ERC-1271. The key comes first, so that an account
/// with EIP-7702 code still signs with its key. A call passes while `block.timestamp <= deadline`, a direct one too;
/// `type(uint256).max` stands for no deadline.
///
/// EIP-712 domain: name "MemSync", version "1", chainId, verifyingContract.
///
/// @dev Warning: current state is in the views. Events are a convenience for following and are never needed to know the truth.
/// @dev Warning: an account with code answers ERC-1271 as it likes, and may answer differently tomorrow. That can harm its own
/// vaults, grants and key only.
/// @dev Warning: chains reorganise. Treat a call as done when its block is final, and pin reads that belong together to one block.
interface IMemoryRegistry {
    // ------------------------------------------------------------------------------------------------------------------ values

    /// @notice A vault's head, by vault id. Two slots.
    /// @param signer Who may commit, share and revoke. Zero: no such vault.
    /// @param sequence Commits so far, the opening included. `pointer` is sealed under this number.
    /// @param grantEpoch Grants of earlier epochs are void.
    /// @param salt Belongs to the sealing of `pointer`.
    /// @param pointer The sealed digest of the vault's root block. The contract doesn't interpret it; zero is a value like any other.
    struct Vault {
        address signer;
        uint32 sequence;
        uint32 grantEpoch;
        uint32 salt;
        bytes32 pointer;
    }

    /// @notice A grant, by vault and grant id. One slot.
    /// @dev Warning: a grant that stands here may be early, over, void or revoked. `end` alone, or mere existence, proves nothing:
    /// ask `isGranted`.
    /// @param start First second at which it holds, unix time.
    /// @param end First second at which it holds no more. Zero: this id was never used. Non-zero with `rights` zero: revoked.
    /// @param epoch The vault's grant epoch when it was granted.
    /// @param rights `1` read, `2` write, `3` both, `0` revoked.
    /// @param parcels Parcels submitted so far; the last one is sealed under this number.
    /// @param parcelSalt Belongs to the sealing of the last parcel's pointer.
    struct Grant {
        uint40 start;
        uint40 end;
        uint32 epoch;
        uint8 rights;
        uint32 parcels;
        uint48 parcelSalt;
    }

    /// @notice One grant to be made by `commitAndShare`.
    /// @param grantId See `grantIdOf`; used once in a vault's life.
    /// @param start Unix seconds, inclusive.
    /// @param end Unix seconds, exclusive, later than `start`. There is no "for ever".
    /// @param rights `1` read, `2` write, `3` both.
    struct Share {
        bytes32 grantId;
        uint40 start;
        uint40 end;
        uint8 rights;
    }

    // ------------------------------------------------------------------------------------------------------------------ errors

    /// @notice `block.timestamp` is later than `deadline`.
    error DeadlinePassed(uint256 deadline);
    /// @notice The signature is empty and `caller` isn't `account`.
    error NotTheAccount(address account, address caller);
    /// @notice The signature is neither by the key of `account` nor confirmed by it through ERC-1271.
    error InvalidSignature(address account);
    /// @notice No vault has this id.
    error UnknownVault(bytes32 vault);
    /// @notice A vault with this id was opened before.
    error VaultExists(bytes32 vault);
    /// @notice A signer can't be zero, nor be replaced by itself.
    error InvalidSigner(address signer);
    /// @notice The vault, or the inbox, has moved on to `current`.
    error StaleSequence(uint32 current);
    /// @notice The vault's grant epoch has moved on to `current`.
    error StaleEpoch(uint32 current);
    /// @notice This id was granted or revoked before, or is revoked in this call.
    error GrantIdUsed(bytes32 grantId);
    /// @notice A grant must begin before it ends.
    error InvalidTimes(bytes32 grantId, uint40 start, uint40 end);
    /// @notice A grant's rights are 1, 2 or 3.
    error InvalidRights(bytes32 grantId, uint8 rights);
    /// @notice There is no such grant, or it doesn't hold now, or it lacks the right to write.
    error NotGranted(bytes32 vault, bytes32 grantId);
    /// @notice The account's published digest is `current`.
    error StaleDigest(bytes32 current);
    /// @notice A digest can't be zero, nor be replaced by itself.
    error InvalidDigest(bytes32 digest);

    // ------------------------------------------------------------------------------------------------------------------ events

    /// @notice A vault came to be, with sequence 1; its first pointer is in `vaultOf`. No `Committed` for it.
    event Opened(bytes32 indexed vault);
    /// @notice The vault's head moved to `sequence`.
    event Committed(bytes32 indexed vault, uint32 sequence, uint32 salt, bytes32 pointer);
    /// @notice A grant was made.
    event Granted(bytes32 indexed vault, bytes32 indexed grantId);
    /// @notice An id became a tombstone; perhaps one that was never granted.
    event Revoked(bytes32 indexed vault, bytes32 indexed grantId);
    /// @notice Every grant made before is void; the vault's grant epoch is now `grantEpoch`.
    event RevokedAll(bytes32 indexed vault, uint32 grantEpoch);
    /// @notice The owner replaced the vault's signer.
    event SignerChanged(bytes32 indexed vault);
    /// @notice Parcel number `sequence` lies in the grant's inbox.
    event Submitted(bytes32 indexed vault, bytes32 indexed grantId, uint32 sequence);
    /// @notice The account's current key card has this digest.
    event KeyPublished(address indexed account, bytes32 digest);

    // ------------------------------------------------------------------------------------------------------------------ vaults

    /// @notice Opens the vault `vaultIdOf(owner, nonce)` with sequence 1 and grant epoch 0.
    /// Struct: `Open(address owner,uint256 nonce,address firstSigner,uint32 salt,bytes32 pointer,uint256 deadline)`.
    /// @dev Reverts with `VaultExists`, `InvalidSigner`.
    /// @dev Warning: a direct call shows the owner's address. Owners who want to stay unseen sign and let a payer send.
    /// @param owner Acting account.
    /// @param nonce Tells the vaults of one owner apart.
    /// @param firstSigner Not zero.
    function open(
        address owner,
        uint256 nonce,
        address firstSigner,
        uint32 salt,
        bytes32 pointer,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Replaces the signer of `vaultIdOf(owner, nonce)`.
    /// Struct: `SetSigner(address owner,uint256 nonce,address signer,address newSigner,uint256 deadline)`, `signer` being the current one.
    /// @dev Reverts with `UnknownVault`, `InvalidSigner`. Needs no sequence: a thief who commits without pause can't hold it up.
    /// @dev Warning: never reinstate a signer that was replaced. The signature that replaced it would work once more, for anybody.
    /// @dev Warning: grants stay as they are. If the old signer was stolen, follow with `revokeAll` by the new one.
    /// @param owner Acting account.
    /// @param newSigner Not zero, not the current signer.
    function setSigner(address owner, uint256 nonce, address newSigner, uint256 deadline, bytes calldata signature) external;

    /// @notice Moves the vault's head from `sequence` to `sequence + 1`.
    /// Struct: `Commit(address signer,bytes32 vault,uint32 sequence,uint32 grantEpoch,uint32 salt,bytes32 pointer,uint256 deadline)`.
    /// @dev Reverts with `UnknownVault`, `StaleSequence`, `StaleEpoch`. The acting account is the vault's signer.
    /// @dev Warning: `pointer` must be sealed under `sequence + 1`, not under `sequence`.
    /// @dev Warning: a relayer may hold a signature back until its deadline. It can't land once the head or the epoch has moved.
    /// @param sequence The vault's current sequence.
    /// @param grantEpoch The vault's current grant epoch: whoever sealed must know of the last `revokeAll`.
    function commit(
        bytes32 vault,
        uint32 sequence,
        uint32 grantEpoch,
        uint32 salt,
        bytes32 pointer,
        uint256 deadline,
        bytes calldata signature
    ) external;

    // ------------------------------------------------------------------------------------------------------------------ grants

    /// @notice `commit`, and in the same step first the revocations, then the grants.
    /// Struct: `CommitAndShare(address signer,bytes32 vault,uint32 sequence,uint32 grantEpoch,uint32 salt,bytes32 pointer,
    /// Share[] grants,bytes32[] revocations,uint256 deadline)Share(bytes32 grantId,uint40 start,uint40 end,uint8 rights)`
    /// (without the line break).
    /// @dev Reverts like `commit`, and with `GrantIdUsed`, `InvalidTimes`, `InvalidRights`. A revocation of what is revoked is skipped.
    /// @dev Warning: an id is used once. Live, over, revoked, void by `revokeAll` or revoked in this call: all are `GrantIdUsed`. To
    /// prolong a grant, grant anew under a fresh grant salt.
    /// @dev Warning: times with seconds tell when the owner clicked. Round them.
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
    ) external;

    /// @notice Makes an id a tombstone for ever, also one that was never granted. Done again, it changes nothing and says nothing.
    /// Struct: `Revoke(address signer,bytes32 vault,bytes32 grantId,uint256 deadline)`.
    /// @dev Reverts with `UnknownVault`. Needs neither sequence nor epoch; only a new signer makes a signed one void. Replay is harmless.
    /// @dev Warning: this takes no key away. Whoever could read keeps what it read, and reads what is sealed under the same keys until
    /// the vault rotates them. Prefer `commitAndShare` with a rotated vault; this call is for emergencies.
    /// @dev Warning: the inbox stays as it was, so that its last parcel can still be opened.
    function revoke(bytes32 vault, bytes32 grantId, uint256 deadline, bytes calldata signature) external;

    /// @notice Voids every grant of the vault by moving its grant epoch from `grantEpoch` to `grantEpoch + 1`.
    /// Struct: `RevokeAll(address signer,bytes32 vault,uint32 grantEpoch,uint256 deadline)`.
    /// @dev Reverts with `UnknownVault`, `StaleEpoch`.
    /// @dev Warning: sign it with a short deadline only. Withheld by a relayer and sent later, it ends grants made meanwhile.
    /// @dev Warning: keys are another matter, as with `revoke`.
    /// @param grantEpoch The vault's current grant epoch.
    function revokeAll(bytes32 vault, uint32 grantEpoch, uint256 deadline, bytes calldata signature) external;

    // ------------------------------------------------------------------------------------------------------------------- inbox

    /// @notice Places parcel number `sequence + 1` in the inbox of the grant `grantIdOf(vault, grantee, scope, grantSalt)`.
    /// Struct: `Submit(address grantee,bytes32 vault,bytes32 scope,bytes32 grantSalt,uint32 sequence,uint48 salt,bytes32 pointer,
    /// uint256 deadline)` (without the line break).
    /// @dev Reverts with `UnknownVault`, `NotGranted`, `StaleSequence`. The grant must hold now and include the right to write.
    /// @dev Warning: an inbox holds one pointer. What its owner hasn't fetched is gone from the chain's state with the next parcel,
    /// so a parcel carries everything not yet acknowledged.
    /// @dev Warning: a submission shows grantee, scope and grant salt, and thus the preimage of the grant id. In a private grant the
    /// first two are one-time words.
    /// @param grantee Acting account.
    /// @param sequence The grant's parcels so far; zero for the first.
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
    ) external;

    // -------------------------------------------------------------------------------------------------------------------- keys

    /// @notice Replaces the digest of the account's key card.
    /// Struct: `PublishKey(address account,bytes32 previous,bytes32 digest,uint256 deadline)`.
    /// @dev Reverts with `StaleDigest`, `InvalidDigest`.
    /// @dev Warning: never publish a digest a second time. The signature that replaced it would work once more, for anybody. Cards carry
    /// their issue time, so that no two have one digest.
    /// @dev Warning: this directory answers "is this card still the current one?" and nothing else. Publishing shows the account.
    /// @param account Acting account.
    /// @param previous The digest published now; zero for the first.
    /// @param digest Neither zero nor `previous`.
    function publishKey(address account, bytes32 previous, bytes32 digest, uint256 deadline, bytes calldata signature) external;

    // ------------------------------------------------------------------------------------------------------------------- views

    /// @notice A vault's head; all zero if there is none.
    function vaultOf(bytes32 vault) external view returns (Vault memory);

    /// @notice A grant as it stands; all zero if the id was never used.
    /// @dev Warning: not a verdict. See `Grant`, ask `isGranted`.
    function grantOf(bytes32 vault, bytes32 grantId) external view returns (Grant memory);

    /// @notice The sealed pointer of a grant's last parcel.
    function parcelOf(bytes32 vault, bytes32 grantId) external view returns (bytes32);

    /// @notice The digest of an account's current key card; zero if it never published one.
    function keyOf(address account) external view returns (bytes32);

    /// @notice `keccak256(abi.encode(block.chainid, address(this), owner, nonce))`.
    function vaultIdOf(address owner, uint256 nonce) external view returns (bytes32);

    /// @notice `keccak256(abi.encode(vault, grantee, scope, grantSalt))`.
    function grantIdOf(bytes32 vault, address grantee, bytes32 scope, bytes32 grantSalt) external pure returns (bytes32);

    /// @notice Whether `grantee` holds, at this block's time, all of `rights` (1, 2 or 3) on `scope` of `vault`. Never reverts; other
    /// values of `rights` are false.
    /// @dev Warning: it says nothing about whose vault this is. Anybody can open a vault and grant anything in it. A contract that means
    /// a certain person's memory must bind them itself: `vault == vaultIdOf(owner, nonce)`.
    /// @dev Warning: `grantee` is only what was written into the id. A contract must itself know that it deals with that account, for
    /// example because `msg.sender` is it.
    /// @dev Warning: private grants use one-time addresses and blinded scopes. Only a grant whose preimage its owner publishes can be
    /// asked for here in a meaningful way.
    function isGranted(bytes32 vault, address grantee, bytes32 scope, bytes32 grantSalt, uint8 rights) external view returns (bool);

    /// @notice Everything a client needs at one block.
    /// @dev Warning: nodes limit the gas of a read. Ask for at most 500 ids at once, all pages pinned to one block hash.
    /// @return time `block.timestamp`.
    /// @return head As `vaultOf`.
    /// @return grants As `grantOf`, in the order of `grantIds`.
    /// @return parcels As `parcelOf`, in the order of `grantIds`.
    function snapshot(
        bytes32 vault,
        bytes32[] calldata grantIds
    ) external view returns (uint256 time, Vault memory head, Grant[] memory grants, bytes32[] memory parcels);
}
