// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

// What the registry is weighed against in `gas.py`. Nothing of this is in the shipped artifact.

/// The plainest token there is.
contract Token is ERC721("Token", "T") {
    function mint(address to, uint256 id) external {
        _mint(to, id);
    }
}

/// The registry that most people would write first: who calls is the owner, strings for pointers, a list for grants.
contract Naive {
    struct Memory {
        string cid;
        uint256 version;
        uint256 timestamp;
    }

    struct Grant {
        address grantee;
        string scope;
        uint256 expires;
        bool revoked;
    }

    mapping(address owner => Memory) public memoryOf;
    mapping(address owner => Grant[]) public grantsOf;

    event Updated(address indexed owner, string cid, uint256 version);
    event Granted(address indexed owner, address indexed grantee, string scope, uint256 expires);
    event Revoked(address indexed owner, uint256 index);

    function update(string calldata cid) external {
        Memory storage mine = memoryOf[msg.sender];
        mine.cid = cid;
        mine.version += 1;
        mine.timestamp = block.timestamp;
        emit Updated(msg.sender, cid, mine.version);
    }

    function grant(address grantee, string calldata scope, uint256 expires) external {
        grantsOf[msg.sender].push(Grant(grantee, scope, expires, false));
        emit Granted(msg.sender, grantee, scope, expires);
    }

    function revoke(uint256 index) external {
        grantsOf[msg.sender][index].revoked = true;
        emit Revoked(msg.sender, index);
    }
}
