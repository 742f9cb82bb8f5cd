// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IMemoryRegistry} from "./interfaces/IMemoryRegistry.sol";

/// @title Who is acting: the account itself, or whoever carries its signature
/// @dev The EIP-712 domain is computed at run time. Immutables would make the code differ from chain to chain, and a stored domain
/// would outlive a fork.
abstract contract SignedCalls {
    bytes32 private constant DOMAIN = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME = keccak256("MemSync");
    bytes32 private constant VERSION = keccak256("1");

    bytes32 internal constant OPEN = keccak256(
        "Open(address owner,uint256 nonce,address firstSigner,uint32 salt,bytes32 pointer,uint256 deadline)"
    );
    bytes32 internal constant SET_SIGNER = keccak256(
        "SetSigner(address owner,uint256 nonce,address signer,address newSigner,uint256 deadline)"
    );
    bytes32 internal constant COMMIT = keccak256(
        "Commit(address signer,bytes32 vault,uint32 sequence,uint32 grantEpoch,uint32 salt,bytes32 pointer,uint256 deadline)"
    );
    bytes32 internal constant COMMIT_AND_SHARE = keccak256(
        "CommitAndShare(address signer,bytes32 vault,uint32 sequence,uint32 grantEpoch,uint32 salt,bytes32 pointer,"
        "Share[] grants,bytes32[] revocations,uint256 deadline)Share(bytes32 grantId,uint40 start,uint40 end,uint8 rights)"
    );
    bytes32 internal constant SHARE = keccak256("Share(bytes32 grantId,uint40 start,uint40 end,uint8 rights)");
    bytes32 internal constant REVOKE = keccak256("Revoke(address signer,bytes32 vault,bytes32 grantId,uint256 deadline)");
    bytes32 internal constant REVOKE_ALL = keccak256("RevokeAll(address signer,bytes32 vault,uint32 grantEpoch,uint256 deadline)");
    bytes32 internal constant SUBMIT = keccak256(
        "Submit(address grantee,bytes32 vault,bytes32 scope,bytes32 grantSalt,uint32 sequence,uint48 salt,bytes32 pointer,"
        "uint256 deadline)"
    );
    bytes32 internal constant PUBLISH_KEY = keccak256("PublishKey(address account,bytes32 previous,bytes32 digest,uint256 deadline)");

    /// @dev Reverts after the deadline. True: a signature must be checked. False: `account` itself is calling.
    function _isSigned(address account, uint256 deadline, bytes calldata signature) internal view returns (bool) {
        if (block.timestamp > deadline) revert IMemoryRegistry.DeadlinePassed(deadline);
        if (signature.length != 0) return true;
        if (msg.sender != account) revert IMemoryRegistry.NotTheAccount(account, msg.sender);
        return false;
    }

    /// @dev The key comes before ERC-1271: an account with EIP-7702 code has both, and signs with its key. The only external call of
    /// the registry is the static one in here, and it precedes every effect.
    function _checkSignature(address account, bytes32 structHash, bytes calldata signature) internal view {
        bytes32 domain = keccak256(abi.encode(DOMAIN, NAME, VERSION, block.chainid, address(this)));
        bytes32 digest = MessageHashUtils.toTypedDataHash(domain, structHash);
        (uint8 v, bytes32 r, bytes32 s) = ECDSA.parseCalldata(signature);
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecover(digest, v, r, s);
        if (problem == ECDSA.RecoverError.NoError && recovered == account) return;
        if (SignatureChecker.isValidERC1271SignatureNowCalldata(account, digest, signature)) return;
        revert IMemoryRegistry.InvalidSignature(account);
    }

    /// @dev EIP-712 `hashStruct` of an array of `Share`.
    function _hashShares(IMemoryRegistry.Share[] calldata grants) internal pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](grants.length);
        for (uint256 i = 0; i < grants.length; ++i) {
            IMemoryRegistry.Share calldata grant = grants[i];
            hashes[i] = keccak256(abi.encode(SHARE, grant.grantId, grant.start, grant.end, grant.rights));
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
