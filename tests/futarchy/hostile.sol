// SPDX-License-Identifier: MIT
// What hostile contracts of a chain look like to the strategy, on a local chain only.
pragma solidity ^0.8.20;

/// Answers as another contract does, but for the calls that it was told to lie about.
contract Liar {
    address internal immutable real;
    mapping(bytes32 => bytes) internal lies;
    mapping(bytes32 => bool) internal told;

    constructor(address real_) {
        real = real_;
    }

    function lie(bytes calldata question, bytes calldata answer) external {
        lies[keccak256(question)] = answer;
        told[keccak256(question)] = true;
    }

    fallback() external {
        bytes memory answer = lies[keccak256(msg.data)];
        if (!told[keccak256(msg.data)]) (, answer) = real.staticcall(msg.data);
        assembly {
            return(add(answer, 32), mload(answer))
        }
    }
}

/// In place of MarketToken, with its storage: what arrives is a hundredth less than what left.
contract TakingToken {
    string public name;
    string public symbol;
    uint8 public constant decimals = 18;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function move(address from, address to, uint256 value) internal returns (bool) {
        balanceOf[from] -= value;
        balanceOf[to] += value - value / 100;
        emit Transfer(from, to, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        return move(from, to, value);
    }
}

/// In place of a conditional token: says that everybody has all there can be.
contract BoastingToken {
    function balanceOf(address) external pure returns (uint256) {
        return type(uint256).max;
    }
}

/// In place of a pool: liquidity at ticks that there are not, and more than there can be.
contract ShoutingPool {
    event Mint(
        address sender, address indexed owner, int24 indexed bottomTick, int24 indexed topTick,
        uint128 liquidityAmount, uint256 amount0, uint256 amount1
    );

    function shout() external {
        emit Mint(msg.sender, msg.sender, type(int24).min, type(int24).max, type(uint128).max, 1, 1);
    }
}

/// A factory that announces whatever it is asked to.
contract Crowd {
    event NewProposal(
        address indexed proposal, string marketName, bytes32 conditionId, bytes32 questionId
    );

    function announce(uint256 from, uint256 count) external {
        for (uint256 i = from; i < from + count; i++) {
            emit NewProposal(address(uint160(uint256(keccak256(abi.encode(i))))), "", 0, 0);
        }
    }
}
