// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

// A pool that pays 1,000 of itself for a swap, 100 less after each one in the same direction; it tells of swaps as those of
// Uniswap V2 do, and is its own token. For trials alone.
contract Pool {
    mapping(address => uint256) public balanceOf;
    uint256 public price = 1000;

    event Swap(address indexed sender, uint256 in0, uint256 in1, uint256 out0, uint256 out1, address indexed to);
    event Transfer(address indexed from, address indexed to, uint256 value);

    function swap(bool forward) external {
        uint256 paid = price;
        if (forward) {
            price -= 100;
            emit Swap(msg.sender, 1, 0, 0, paid, msg.sender);
        } else {
            price += 100;
            emit Swap(msg.sender, 0, 1, paid, 0, msg.sender);
        }
        balanceOf[msg.sender] += paid;
        emit Transfer(address(this), msg.sender, paid);
    }
}

// Who runs into others' trades has a contract of their own.
contract Attacker {
    function swap(Pool pool, bool forward) external {
        pool.swap(forward);
    }
}
