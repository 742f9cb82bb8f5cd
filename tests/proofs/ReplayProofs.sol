// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemoryRegistry} from "contracts/interfaces/IMemoryRegistry.sol";
import {Proofs} from "./Harness.sol";

/// What became of a signature once it was used, or once its signer was replaced.
contract ReplayProofs is Proofs {
    /// The same signature sent a second time, by anybody, at any later time, reverts or changes no slot.
    function _twice(bytes memory data) private {
        _anyTime();
        vm.assume(_send(svm.createAddress("first"), data));
        bytes32 before = svm.snapshotStorage(address(registry));
        _anyTime();
        bool again = _send(svm.createAddress("second"), data);
        assert(!again || svm.snapshotStorage(address(registry)) == before);
    }

    function _signature() private returns (bytes memory) {
        return svm.createBytes(65, "signature");
    }

    function check_OpenTwice(address owner, uint256 nonce, address signer, uint32 salt, bytes32 pointer, uint256 deadline) public {
        _twice(abi.encodeCall(registry.open, (owner, nonce, signer, salt, pointer, deadline, _signature())));
    }

    function check_SetSignerTwice(address owner, uint256 nonce, address newSigner, uint256 deadline) public {
        _twice(abi.encodeCall(registry.setSigner, (owner, nonce, newSigner, deadline, _signature())));
    }

    function check_CommitTwice(bytes32 vault, uint32 sequence, uint32 epoch, uint32 salt, bytes32 pointer, uint256 deadline) public {
        _twice(abi.encodeCall(registry.commit, (vault, sequence, epoch, salt, pointer, deadline, _signature())));
    }

    function check_CommitAndShareTwice(
        bytes32 vault,
        uint32 sequence,
        uint32 epoch,
        IMemoryRegistry.Share calldata share,
        bytes32 gone,
        uint256 deadline
    ) public {
        IMemoryRegistry.Share[] memory grants = new IMemoryRegistry.Share[](1);
        bytes32[] memory revocations = new bytes32[](1);
        (grants[0], revocations[0]) = (share, gone);
        _twice(
            abi.encodeCall(
                registry.commitAndShare,
                (vault, sequence, epoch, 7, bytes32("pointer"), grants, revocations, deadline, _signature())
            )
        );
    }

    function check_RevokeTwice(bytes32 vault, bytes32 grantId, uint256 deadline) public {
        vm.assume(_neverUsedIsEmpty(registry.grantOf(vault, grantId)));
        _twice(abi.encodeCall(registry.revoke, (vault, grantId, deadline, _signature())));
    }

    /// False, and must be refuted: the first time, something changes.
    function check_Refute_RevokeOnceChangesNothing(bytes32 vault, bytes32 grantId, uint256 deadline) public {
        bytes32 before = svm.snapshotStorage(address(registry));
        bool done = _send(svm.createAddress("first"), abi.encodeCall(registry.revoke, (vault, grantId, deadline, _signature())));
        assert(!done || svm.snapshotStorage(address(registry)) == before);
    }

    function check_RevokeAllTwice(bytes32 vault, uint32 epoch, uint256 deadline) public {
        _twice(abi.encodeCall(registry.revokeAll, (vault, epoch, deadline, _signature())));
    }

    function check_SubmitTwice(address grantee, bytes32 vault, bytes32 scope, bytes32 grantSalt, uint32 sequence, uint256 deadline) public {
        _twice(abi.encodeCall(registry.submit, (grantee, vault, scope, grantSalt, sequence, 7, bytes32("p"), deadline, _signature())));
    }

    function check_PublishKeyTwice(address account, bytes32 previous, bytes32 digest, uint256 deadline) public {
        _twice(abi.encodeCall(registry.publishKey, (account, previous, digest, deadline, _signature())));
    }

    /// Once the owner has replaced the signer, nothing that the old one ever signed, or sends, moves the vault or its grants.
    function check_AReplacedSignerIsDead(address owner, uint256 nonce, address fresh, bytes32 grantId) public {
        bytes32 vault = registry.vaultIdOf(owner, nonce);
        address old = registry.vaultOf(vault).signer;
        vm.prank(owner);
        registry.setSigner(owner, nonce, fresh, type(uint256).max, "");
        vm.assume(registry.silent(fresh) && registry.silent(owner) && !registry.silent(old));
        bytes32 head = _headOf(vault);
        IMemoryRegistry.Grant memory before = registry.grantOf(vault, grantId);
        _anyTime();
        _anyCallBy(old);
        IMemoryRegistry.Grant memory later = registry.grantOf(vault, grantId);
        assert(_headOf(vault) == head);
        assert(later.end == before.end && later.rights == before.rights && later.epoch == before.epoch && later.start == before.start);
    }
}
