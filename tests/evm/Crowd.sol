// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMemoryRegistry} from "contracts/interfaces/IMemoryRegistry.sol";

/// Many vaults of one owner, each with a grant and a parcel; and this account's own key.
contract Crowd {
    function settle(IMemoryRegistry registry, uint256 from, uint256 to) external {
        IMemoryRegistry.Share[] memory grants = new IMemoryRegistry.Share[](1);
        bytes32[] memory none = new bytes32[](0);
        for (uint256 i = from; i < to; ++i) {
            registry.open(address(this), i, address(this), uint32(i), bytes32(i), type(uint256).max, "");
            bytes32 vault = registry.vaultIdOf(address(this), i);
            bytes32 grantId = registry.grantIdOf(vault, address(this), 0, 0);
            grants[0] = IMemoryRegistry.Share(grantId, 1, type(uint40).max, 3);
            registry.commitAndShare(vault, 1, 0, 7, bytes32(i), grants, none, type(uint256).max, "");
            registry.submit(address(this), vault, 0, 0, 0, 7, bytes32(i), type(uint256).max, "");
        }
    }
}
