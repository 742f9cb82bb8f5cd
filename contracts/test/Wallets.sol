// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IMemoryRegistry} from "../interfaces/IMemoryRegistry.sol";

// Accounts with code, honest and not, for tests only. Nothing of this is in the shipped artifact.

/// An account that anybody may drive: enough to be `msg.sender`.
abstract contract Driven {
    function execute(address target, bytes calldata data) external {
        (bool success, bytes memory answer) = target.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
    }
}

/// An honest ERC-1271 wallet with one key.
contract KeyWallet is Driven {
    address private immutable _key;

    constructor(address key) {
        _key = key;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return ECDSA.recoverCalldata(hash, signature) == _key ? bytes4(0x1626ba7e) : bytes4(0);
    }
}

/// Confirms the one hash it is told, whatever the signature: shows which digest the registry computes.
contract DigestWallet is Driven {
    bytes32 private _expected;

    function expect(bytes32 digest) external {
        _expected = digest;
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        return hash == _expected ? bytes4(0x1626ba7e) : bytes4(0);
    }
}

/// Code that an EIP-7702 account delegates to. It refuses every signature, so that only the account's key can sign.
contract Delegate is Driven {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0xffffffff;
    }
}

/// Says yes to anything.
contract YesWallet is Driven {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }
}

/// Says yes or no to anything, as it was last told.
contract FickleWallet is Driven {
    bool private _yes;

    function turn(bool yes) external {
        _yes = yes;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return _yes ? bytes4(0x1626ba7e) : bytes4(0);
    }
}

/// Answers with a whole word that is not the magic value, though it begins like it.
contract AlmostWallet is Driven {
    fallback() external {
        assembly {
            mstore(0, or(shl(224, 0x1626ba7e), 1))
            return(0, 32)
        }
    }
}

/// Answers the magic value in less than a word.
contract ShortWallet is Driven {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 31)
        }
    }
}

/// Reverts with the magic value.
contract RevertingWallet is Driven {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            revert(0, 32)
        }
    }
}

/// Answers yes, followed by half a megabyte.
contract HugeWallet is Driven {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 524288)
        }
    }
}

/// Burns all gas that it is given.
contract BurningWallet is Driven {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// Calls back into the registry while it is asked, and says yes exactly when that call succeeded.
contract ReenteringWallet is Driven {
    address private _target;
    bytes private _data;

    function prepare(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    fallback() external {
        (bool success, ) = _target.call(_data);
        bytes4 answer = success ? bytes4(0x1626ba7e) : bytes4(0);
        assembly {
            mstore(0, answer)
            return(0, 32)
        }
    }
}

/// A signer that calls `revokeAll` as often as it is told, in one piece of memory.
contract TirelessSigner {
    function revokeAllAgain(address registry, bytes32 vault, uint256 grantEpoch, uint256 times) external {
        bytes memory data = abi.encodeCall(IMemoryRegistry.revokeAll, (vault, 0, type(uint256).max, ""));
        for (uint256 i = 0; i < times; ++i) {
            bool success;
            assembly ("memory-safe") {
                mstore(add(data, 0x44), add(grantEpoch, i))
                success := call(gas(), registry, 0, add(data, 0x20), mload(data), 0, 0)
            }
            require(success, "refused");
        }
    }
}
