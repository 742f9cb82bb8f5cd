// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MemoryRegistry} from "contracts/MemoryRegistry.sol";
import {IMemoryRegistry} from "contracts/interfaces/IMemoryRegistry.sol";
import {Oracle} from "./Oracle.sol";

/// The registry, word for word but for that one function, and a window to the oracle.
contract Harness is MemoryRegistry {
    /// Silent accounts sign nothing, and don't call.
    function silent(address account) external view returns (bool) {
        return Oracle.sayings().silent[account];
    }
}

interface Vm {
    function assume(bool) external;
    function prank(address) external;
    function warp(uint256) external;
    function etch(address, bytes calldata) external;
}

/// https://github.com/a16z/halmos-cheatcodes
interface Svm {
    function enableSymbolicStorage(address) external;
    function snapshotStorage(address) external returns (bytes32);
    function createCalldata(string calldata) external returns (bytes memory);
    function createAddress(string calldata) external returns (address);
    function createUint256(string calldata) external returns (uint256);
    function createBytes(uint256, string calldata) external returns (bytes memory);
    function createBytes32(string calldata) external returns (bytes32);
}

/// What all proofs begin with: the registry in *any* state, reachable or not, at any time.
abstract contract Proofs {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Svm internal constant svm = Svm(0xF3993A62377BCd56AE39D773740A5390411E8BC9);
    Harness internal registry;

    function setUp() public virtual {
        registry = new Harness();
        svm.enableSymbolicStorage(address(registry));
    }

    function _anyTime() internal returns (uint256 time) {
        time = svm.createUint256("time");
        vm.warp(time);
    }

    /// Any call of the contract, with any arguments and any signature, by an account that isn't silent. Whether it went through.
    function _anyCall() internal returns (bool done) {
        address caller = svm.createAddress("caller");
        vm.assume(!registry.silent(caller));
        return _anyCallBy(caller);
    }

    function _anyCallBy(address caller) internal returns (bool done) {
        bytes memory data = svm.createCalldata("MemoryRegistry");
        return _send(caller, data);
    }

    function _send(address caller, bytes memory data) internal returns (bool done) {
        vm.prank(caller);
        (done, ) = address(registry).call(data);
    }

    /// An id that was never used has nothing under it, as `check_AnIdNeverUsedIsEmpty` proves: what no call leaves, no call finds.
    function _neverUsedIsEmpty(IMemoryRegistry.Grant memory grant) internal pure returns (bool) {
        return grant.end != 0 || _isEmpty(grant);
    }

    /// Without a branch, which Halmos would have to follow.
    function _isEmpty(IMemoryRegistry.Grant memory grant) internal pure returns (bool) {
        return uint256(grant.start) | grant.epoch | grant.rights | grant.parcels | grant.parcelSalt == 0;
    }

    function _headOf(bytes32 vault) internal view returns (bytes32) {
        return keccak256(abi.encode(registry.vaultOf(vault)));
    }
}
