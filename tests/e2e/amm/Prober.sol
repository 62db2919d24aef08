// SPDX-License-Identifier: MIT
// Helpers of the AMM trial, compiled when it runs: a token that anyone may mint, a rate, and a
// contract that asks pools many questions in one call. They hold nothing and never leave a test.
pragma solidity 0.8.20;

contract Token {
    uint8 public immutable decimals;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    string public constant name = "trial";
    string public constant symbol = "TRIAL";

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function mint(address to, uint256 value) external {
        unchecked {
            balanceOf[to] += value;
        }
        emit Transfer(address(0), to, value);
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        return move(from, to, value);
    }

    function move(address from, address to, uint256 value) private returns (bool) {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}

contract Rate {
    uint256 public getRate;

    constructor(uint256 rate) {
        getRate = rate;
    }

    function set(uint256 rate) external {
        getRate = rate;
    }
}

interface Pool {
    function token0() external view returns (Token);
    function token1() external view returns (Token);
    function swap(address, bool, int256, uint160, bytes calldata) external returns (int256, int256);
    function mint(address, int24, int24, uint128, bytes calldata) external returns (uint256, uint256);
    function mint(address, address, int24, int24, uint128, bytes calldata)
        external
        returns (uint256, uint256, uint128);
}

contract Prober {
    // A contract that fails by an invalid opcode takes all gas that it was given.
    uint256 private constant CALL_GAS = 3_000_000;

    // ---- any questions: each answer is its success and its bytes ----

    function ask(address[] calldata to, bytes[] calldata data)
        external
        returns (bool[] memory good, bytes[] memory answers)
    {
        good = new bool[](to.length);
        answers = new bytes[](to.length);
        for (uint256 i = 0; i < to.length; i++) {
            (good[i], answers[i]) = to[i].call{gas: CALL_GAS}(data[i]);
        }
    }

    // ---- concentrated pools: swaps that are undone, and told as they were ----

    struct Swap {
        bool down;
        int256 amount;
        uint160 limit;
    }

    function probe(Pool pool, Swap[] calldata swaps, bytes[] calldata views)
        external
        returns (bytes[] memory answers)
    {
        answers = new bytes[](swaps.length);
        bytes memory data = abi.encode(false, views);
        for (uint256 i = 0; i < swaps.length; i++) {
            Swap calldata s = swaps[i];
            try pool.swap(address(this), s.down, s.amount, s.limit, data) {}
            catch (bytes memory reason) {
                answers[i] = reason;
            }
        }
    }

    function trade(Pool pool, Swap calldata s) external {
        pool.swap(address(this), s.down, s.amount, s.limit, abi.encode(true, new bytes[](0)));
    }

    function provide(Pool pool, bool algebra, int24 low, int24 high, uint128 liquidity) external {
        if (algebra) pool.mint(address(this), address(this), low, high, liquidity, "");
        else pool.mint(address(this), low, high, liquidity, "");
    }

    function uniswapV3SwapCallback(int256 a, int256 b, bytes calldata data) external {
        swapped(a, b, data);
    }

    function algebraSwapCallback(int256 a, int256 b, bytes calldata data) external {
        swapped(a, b, data);
    }

    // Pays, or reverts with both amounts and what the pool's views say at this moment.
    function swapped(int256 a, int256 b, bytes calldata data) private {
        (bool pay, bytes[] memory views) = abi.decode(data, (bool, bytes[]));
        if (pay) {
            if (a > 0) Pool(msg.sender).token0().mint(msg.sender, uint256(a));
            if (b > 0) Pool(msg.sender).token1().mint(msg.sender, uint256(b));
            return;
        }
        bytes memory told = abi.encode(a, b);
        for (uint256 i = 0; i < views.length; i++) {
            (, bytes memory answer) = msg.sender.staticcall(views[i]);
            told = bytes.concat(told, answer);
        }
        assembly {
            revert(add(told, 32), mload(told))
        }
    }

    function uniswapV3MintCallback(uint256 a, uint256 b, bytes calldata) external {
        minted(a, b);
    }

    function algebraMintCallback(uint256 a, uint256 b, bytes calldata) external {
        minted(a, b);
    }

    function minted(uint256 a, uint256 b) private {
        Pool(msg.sender).token0().mint(msg.sender, a);
        Pool(msg.sender).token1().mint(msg.sender, b);
    }
}
