// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemoryRegistry} from "contracts/interfaces/IMemoryRegistry.sol";
import {Proofs} from "./Harness.sol";

/// One step from any state: what holds for one call of anybody in any state holds for every sequence of calls.
contract RegistryProofs is Proofs {
    // ------------------------------------------------------------------------------------------------------- mine stays mine

    /// Whoever I am not: no call of theirs moves my vault's head while my owner's key and my signer's are silent.
    function check_NobodyElseMovesMyVault(address owner, uint256 nonce) public {
        bytes32 vault = registry.vaultIdOf(owner, nonce);
        IMemoryRegistry.Vault memory before = registry.vaultOf(vault);
        vm.assume(registry.silent(owner) && (before.signer == address(0) || registry.silent(before.signer)));
        _anyTime();
        _anyCall();
        IMemoryRegistry.Vault memory later = registry.vaultOf(vault);
        assert(later.signer == before.signer);
        assert(later.sequence == before.sequence && later.grantEpoch == before.grantEpoch);
        assert(later.salt == before.salt && later.pointer == before.pointer);
    }

    /// No call of theirs, my own grantees' among them, makes, changes or ends a grant of my vault: it holds for whom and when it did.
    /// @custom:halmos --default-array-lengths 0,1,2
    function check_NobodyElseTouchesMyGrants(bytes32 vault, bytes32 grantId) public {
        address signer = registry.vaultOf(vault).signer;
        vm.assume(signer != address(0) && registry.silent(signer));
        IMemoryRegistry.Grant memory before = registry.grantOf(vault, grantId);
        _anyTime();
        _anyCall();
        IMemoryRegistry.Grant memory later = registry.grantOf(vault, grantId);
        assert(later.start == before.start && later.end == before.end);
        assert(later.epoch == before.epoch && later.rights == before.rights);
    }

    /// What lies in an inbox changes only by its grantee.
    function check_NobodyElseWritesToMyInbox(bytes32 vault, address grantee, bytes32 scope, bytes32 grantSalt) public {
        vm.assume(registry.silent(grantee));
        bytes32 grantId = registry.grantIdOf(vault, grantee, scope, grantSalt);
        IMemoryRegistry.Grant memory before = registry.grantOf(vault, grantId);
        bytes32 parcel = registry.parcelOf(vault, grantId);
        vm.assume(before.end != 0);
        _anyTime();
        _anyCall();
        IMemoryRegistry.Grant memory later = registry.grantOf(vault, grantId);
        assert(later.parcels == before.parcels && later.parcelSalt == before.parcelSalt);
        assert(registry.parcelOf(vault, grantId) == parcel);
    }

    /// A published key changes only by its account.
    function check_NobodyElsePublishesMyKey(address account) public {
        vm.assume(registry.silent(account));
        bytes32 before = registry.keyOf(account);
        _anyTime();
        _anyCall();
        assert(registry.keyOf(account) == before);
    }

    // ---------------------------------------------------------------------------------------------------------------- heads

    /// Only the owner changes the signer, whatever the signer and everybody else have signed.
    function check_OnlyTheOwnerChangesTheSigner(address owner, uint256 nonce) public {
        bytes32 vault = registry.vaultIdOf(owner, nonce);
        address before = registry.vaultOf(vault).signer;
        vm.assume(registry.silent(owner));
        _anyTime();
        _anyCall();
        assert(registry.vaultOf(vault).signer == before);
    }

    /// The sequence of an open vault stays or moves by exactly one; the owner's key alone can't move it.
    function check_TheSequenceMovesByOneAndOnlyByTheSigner(bytes32 vault) public {
        IMemoryRegistry.Vault memory before = registry.vaultOf(vault);
        vm.assume(before.signer != address(0));
        _anyTime();
        _anyCall();
        uint256 later = registry.vaultOf(vault).sequence;
        assert(later == before.sequence || later == uint256(before.sequence) + 1);
        assert(later == before.sequence || !registry.silent(before.signer));
    }

    /// Pointer and salt never change without the sequence, and never with anything but the sequence.
    function check_PointerSaltAndSequenceChangeTogether(bytes32 vault) public {
        IMemoryRegistry.Vault memory before = registry.vaultOf(vault);
        vm.assume(before.signer != address(0));
        _anyTime();
        _anyCall();
        IMemoryRegistry.Vault memory later = registry.vaultOf(vault);
        if (later.sequence == before.sequence) {
            assert(later.pointer == before.pointer && later.salt == before.salt);
        } else {
            assert(later.grantEpoch == before.grantEpoch && later.signer == before.signer);
        }
    }

    /// A commit that goes through leaves exactly its own pointer and salt, under the next sequence.
    function check_ACommitLeavesWhatItSays(bytes32 vault, uint32 sequence, uint32 epoch, uint32 salt, bytes32 pointer) public {
        _anyTime();
        bytes memory signature = svm.createBytes(65, "signature");
        address caller = svm.createAddress("caller");
        uint256 deadline = svm.createUint256("deadline");
        vm.assume(_send(caller, abi.encodeCall(registry.commit, (vault, sequence, epoch, salt, pointer, deadline, signature))));
        IMemoryRegistry.Vault memory later = registry.vaultOf(vault);
        assert(later.sequence == uint256(sequence) + 1 && later.salt == salt && later.pointer == pointer);
    }

    /// The grant epoch of an open vault never falls, and moves by exactly one.
    function check_TheGrantEpochNeverFalls(bytes32 vault) public {
        IMemoryRegistry.Vault memory before = registry.vaultOf(vault);
        vm.assume(before.signer != address(0));
        _anyTime();
        _anyCall();
        uint256 later = registry.vaultOf(vault).grantEpoch;
        assert(later == before.grantEpoch || later == uint256(before.grantEpoch) + 1);
    }

    /// A vault that is open stays open.
    function check_AnOpenVaultStaysOpen(bytes32 vault) public {
        vm.assume(registry.vaultOf(vault).signer != address(0));
        _anyTime();
        _anyCall();
        assert(registry.vaultOf(vault).signer != address(0));
    }

    // ------------------------------------------------------------------------------- controls: these are false and must be refuted

    /// @custom:halmos --early-exit
    function check_Refute_NoCommitGoesThrough(bytes32 vault, uint32 sequence, uint32 epoch, uint32 salt, bytes32 pointer) public {
        _anyTime();
        bytes memory signature = svm.createBytes(65, "signature");
        address caller = svm.createAddress("caller");
        uint256 deadline = svm.createUint256("deadline");
        assert(!_send(caller, abi.encodeCall(registry.commit, (vault, sequence, epoch, salt, pointer, deadline, signature))));
    }

    /// @custom:halmos --early-exit
    function check_Refute_NoHeadEverChanges(bytes32 vault) public {
        vm.assume(registry.vaultOf(vault).signer != address(0));
        bytes32 before = _headOf(vault);
        _anyTime();
        _anyCall();
        assert(_headOf(vault) == before);
    }

    /// @custom:halmos --early-exit
    function check_Refute_NoGrantIsEverMadeOrEnded(bytes32 vault, bytes32 grantId) public {
        IMemoryRegistry.Grant memory before = registry.grantOf(vault, grantId);
        _anyTime();
        _anyCall();
        assert(registry.grantOf(vault, grantId).rights == before.rights);
    }

    /// @custom:halmos --early-exit
    function check_Refute_NoParcelIsEverSubmitted(bytes32 vault, bytes32 grantId) public {
        bytes32 before = registry.parcelOf(vault, grantId);
        _anyTime();
        _anyCall();
        assert(registry.parcelOf(vault, grantId) == before);
    }

    /// @custom:halmos --early-exit
    function check_Refute_NoKeyIsEverPublished(address account) public {
        bytes32 before = registry.keyOf(account);
        _anyTime();
        _anyCall();
        assert(registry.keyOf(account) == before);
    }

    // --------------------------------------------------------------------------------------------------------------- grants

    /// A tombstone is one for ever, whoever signs whatever: nothing about it changes again.
    /// @custom:halmos --default-array-lengths 0,1,2
    function check_ATombstoneIsPermanent(bytes32 vault, bytes32 grantId) public {
        IMemoryRegistry.Grant memory before = registry.grantOf(vault, grantId);
        bytes32 parcel = registry.parcelOf(vault, grantId);
        vm.assume(before.end != 0 && before.rights == 0);
        _anyTime();
        _anyCall();
        IMemoryRegistry.Grant memory later = registry.grantOf(vault, grantId);
        assert(later.rights == 0 && later.end == before.end && later.start == before.start && later.epoch == before.epoch);
        assert(later.parcels == before.parcels && later.parcelSalt == before.parcelSalt);
        assert(registry.parcelOf(vault, grantId) == parcel);
    }

    /// A grant that was made keeps its times and its epoch, and gains no right, whoever signs whatever.
    /// @custom:halmos --default-array-lengths 0,1,2
    function check_AGrantNeverGrows(bytes32 vault, bytes32 grantId) public {
        IMemoryRegistry.Grant memory before = registry.grantOf(vault, grantId);
        vm.assume(before.end != 0);
        _anyTime();
        _anyCall();
        IMemoryRegistry.Grant memory later = registry.grantOf(vault, grantId);
        assert(later.start == before.start && later.end == before.end && later.epoch == before.epoch);
        assert(later.rights == before.rights || later.rights == 0);
    }

    /// No call leaves a grant with rights that have no name.
    function check_RightsAreNeverMoreThanThree(bytes32 vault, bytes32 grantId) public {
        vm.assume(registry.grantOf(vault, grantId).rights <= 3);
        _anyTime();
        _anyCall();
        assert(registry.grantOf(vault, grantId).rights <= 3);
    }

    /// `isGranted` is exactly: asked for by name, held in full, started, not over, of this epoch, for these words.
    function check_IsGrantedIsExact(bytes32 vault, address grantee, bytes32 scope, bytes32 grantSalt, uint8 rights) public {
        IMemoryRegistry.Grant memory grant = registry.grantOf(vault, registry.grantIdOf(vault, grantee, scope, grantSalt));
        vm.assume(grant.rights <= 3);
        uint256 time = svm.createUint256("now");
        vm.warp(time);
        bool expected = rights >= 1 && rights <= 3; // has a name
        if (rights & 1 != 0 && grant.rights & 1 == 0) expected = false; // asked to read, may not
        if (rights & 2 != 0 && grant.rights & 2 == 0) expected = false; // asked to write, may not
        if (grant.rights == 0 || grant.end == 0) expected = false; // revoked, or never made
        if (grant.epoch != registry.vaultOf(vault).grantEpoch) expected = false;
        if (time < grant.start || time >= grant.end) expected = false;
        assert(registry.isGranted(vault, grantee, scope, grantSalt, rights) == expected);
    }

    /// Nothing but a call by the vault's signer makes a grant hold that didn't, at any one time.
    function check_OnlyTheSignerGrants(bytes32 vault, address grantee, bytes32 scope, bytes32 grantSalt, uint8 rights) public {
        address signer = registry.vaultOf(vault).signer;
        vm.assume(signer != address(0) && registry.silent(signer));
        _anyTime();
        bool before = registry.isGranted(vault, grantee, scope, grantSalt, rights);
        _anyCall();
        assert(registry.isGranted(vault, grantee, scope, grantSalt, rights) == before);
    }

    /// No call leaves anything under an id without making the id a used one.
    function check_AnIdNeverUsedIsEmpty(bytes32 vault, bytes32 grantId) public {
        IMemoryRegistry.Grant memory before = registry.grantOf(vault, grantId);
        vm.assume(before.end == 0);
        vm.assume(_isEmpty(before));
        _anyTime();
        _anyCall();
        IMemoryRegistry.Grant memory later = registry.grantOf(vault, grantId);
        if (later.end == 0) assert(_isEmpty(later));
    }

    /// The signer can revoke any id of its vault at any time in any state.
    function check_RevokeByTheSignerNeverReverts(bytes32 vault, bytes32 grantId, uint256 deadline) public {
        address signer = registry.vaultOf(vault).signer;
        vm.assume(signer != address(0) && _neverUsedIsEmpty(registry.grantOf(vault, grantId)));
        vm.assume(_anyTime() <= deadline);
        assert(_send(signer, abi.encodeCall(registry.revoke, (vault, grantId, deadline, ""))));
        IMemoryRegistry.Grant memory later = registry.grantOf(vault, grantId);
        assert(later.end != 0 && later.rights == 0);
    }
}
