// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What `tools/prove.py` puts in the place of `_checkSignature`: an account has said whatever it has said, and that is all that is known.
/// Halmos begins with storage of which nothing is known, so both mappings hold anything at all. The check itself is proved in
/// `SignatureProofs`.
library Oracle {
    struct Sayings {
        mapping(address account => bool) silent;
        mapping(address account => mapping(bytes32 structHash => bool)) said;
    }

    function sayings() internal pure returns (Sayings storage all) {
        assembly {
            all.slot := 1000
        }
    }

    function accepts(address account, bytes32 structHash) internal view returns (bool) {
        return !sayings().silent[account] && sayings().said[account][structHash];
    }
}
