// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SignedCalls} from "contracts/SignedCalls.sol";

interface Vm {
    function assume(bool) external;
    function prank(address) external;
    function warp(uint256) external;
}

/// The check itself, as it is.
contract Checker is SignedCalls {
    function check(address account, bytes32 structHash, bytes calldata signature) external view {
        _checkSignature(account, structHash, signature);
    }

    function isSigned(address account, uint256 deadline, bytes calldata signature) external view returns (bool) {
        return _isSigned(account, deadline, signature);
    }

    function digest(bytes32 structHash) external view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("MemSync"),
                keccak256("1"),
                block.chainid,
                address(this)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }
}

/// An account with code that says no, whatever it is asked.
contract No {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0xffffffff;
    }
}

/// The signature check of the contract, unchanged, for every signature of 65 and of 64 bytes and any key. `ecrecover` is a function of
/// which nothing is known but that equal questions get equal answers.
contract SignatureProofs {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant HALF = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    Checker private checker;
    No private wallet;

    function setUp() public {
        checker = new Checker();
        wallet = new No();
    }

    function _passes(address account, bytes32 structHash, bytes memory signature) private view returns (bool passed) {
        (passed, ) = address(checker).staticcall(abi.encodeCall(checker.check, (account, structHash, signature)));
    }

    /// 65 bytes pass for an account without a yes of its own exactly if `s` is low and `ecrecover` gives the account, which isn't zero.
    function check_SixtyFiveBytesPassExactlyByTheKey(bytes32 structHash, bytes32 r, uint256 s, uint8 v) public view {
        bool passed = _passes(address(wallet), structHash, abi.encodePacked(r, s, v));
        address recovered = ecrecover(checker.digest(structHash), v, r, bytes32(s));
        assert(passed == (s <= HALF && recovered == address(wallet)));
    }

    /// 64 bytes are the same in the form of EIP-2098.
    function check_SixtyFourBytesPassExactlyByTheKey(bytes32 structHash, bytes32 r, uint256 vs) public view {
        bool passed = _passes(address(wallet), structHash, abi.encodePacked(r, vs));
        uint256 s = vs & (2 ** 255 - 1);
        address recovered = ecrecover(checker.digest(structHash), uint8(27 + (vs >> 255)), r, bytes32(s));
        assert(passed == (s <= HALF && recovered == address(wallet)));
    }

    /// Other lengths never pass by a key. Taken as given: `ecrecover` gives nothing for a `v` that is neither 27 nor 28.
    function check_OtherLengthsNeverPass(bytes32 structHash, bytes32 one, bytes32 two, bytes2 three) public {
        vm.assume(ecrecover(checker.digest(structHash), 0, 0, 0) == address(0));
        assert(!_passes(address(wallet), structHash, abi.encodePacked(one, two, three)));
        assert(!_passes(address(wallet), structHash, abi.encodePacked(one, bytes31(two))));
        assert(!_passes(address(wallet), structHash, abi.encodePacked(one)));
        assert(!_passes(address(wallet), structHash, abi.encodePacked(bytes1(one))));
    }

    /// False, and must be refuted.
    function check_Refute_NothingEverPasses(bytes32 structHash, bytes32 r, bytes32 s, uint8 v) public view {
        assert(!_passes(address(wallet), structHash, abi.encodePacked(r, s, v)));
    }

    /// The zero address can't sign.
    function check_TheZeroAddressNeverSigns(bytes32 structHash, bytes32 r, bytes32 s, uint8 v) public view {
        assert(!_passes(address(0), structHash, abi.encodePacked(r, s, v)));
    }

    /// Without a signature only the account itself acts, and after the deadline nobody does.
    function check_WithoutASignatureOnlyTheAccountActs(address account, address caller, uint256 deadline, uint256 time) public {
        vm.warp(time);
        vm.prank(caller);
        (bool passed, bytes memory answer) = address(checker).call(abi.encodeCall(checker.isSigned, (account, deadline, "")));
        assert(passed == (time <= deadline && caller == account));
        if (passed) assert(!abi.decode(answer, (bool)));
    }

    /// With a signature, whoever sends, a check follows; after the deadline nothing does.
    function check_WithASignatureACheckFollows(address account, address caller, uint256 deadline, uint256 time, bytes1 one) public {
        vm.warp(time);
        vm.prank(caller);
        (bool passed, bytes memory answer) = address(checker).call(
            abi.encodeCall(checker.isSigned, (account, deadline, abi.encodePacked(one)))
        );
        assert(passed == (time <= deadline));
        if (passed) assert(abi.decode(answer, (bool)));
    }
}
