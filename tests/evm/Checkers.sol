// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SignatureCheckerLib} from "solady/src/utils/SignatureCheckerLib.sol";
import {SignedCalls} from "contracts/SignedCalls.sol";

/// Ours and two others, asked the same.
contract Checkers is SignedCalls {
    /// Reverts for no, as the registry does.
    function ours(address account, bytes32 structHash, bytes calldata signature) external view returns (bool) {
        _checkSignature(account, structHash, signature);
        return true;
    }

    function openZeppelin(address account, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return SignatureChecker.isValidSignatureNow(account, digest, signature);
    }

    function solady(address account, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return SignatureCheckerLib.isValidSignatureNowCalldata(account, digest, signature);
    }
}
