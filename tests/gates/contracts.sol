// SPDX-License-Identifier: MIT
pragma solidity 0.8.20;

// What the trickster calls: a token as everybody knows it, and contracts that do what they should not.

contract Token {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        move(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) private {
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}

// An exchange that is listed by the operator, and not as honest as it was taken for.
contract Pool {
    uint256 public hits;
    uint256 public asked;
    address public immutable thief;

    constructor(address thief_) {
        thief = thief_;
    }

    receive() external payable {}

    function hit(uint256) external {
        hits++;
    }

    function pay() external payable {
        hits++;
    }

    // `value` of one token for as much of the other
    function swap(Token sold, Token bought, uint256 value, uint256 out) public {
        sold.transferFrom(msg.sender, address(this), value);
        bought.transfer(msg.sender, out);
    }

    function take(Token token, uint256 value) public {
        token.transferFrom(msg.sender, thief, value);
    }

    function fail(uint256) external pure {
        revert("not today");
    }

    // not what was simulated: from a block on, or where gas has a price; what does nothing before
    // that would be refused for it
    function takeFrom(Token token, uint256 value, uint256 number) external {
        asked++;
        if (block.number >= number) take(token, value);
    }

    function takeWherePriced(Token token, uint256 value) external {
        if (tx.gasprice > 0 && block.basefee > 0 && block.prevrandao > 0) take(token, value);
    }

    function failFrom(uint256 number) external {
        asked++;
        require(block.number < number, "too late");
    }

    // takes again what it gave: into itself by way of another
    function again(Pool other) external {
        other.back(this);
    }

    function back(Pool other) external {
        other.hit(1);
    }
}

// Calls of calls, as routers and Multicall3 offer them.
contract Multicall {
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    function aggregate3(Call3[] calldata calls) external payable {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool good, ) = calls[i].target.call(calls[i].callData);
            require(good || calls[i].allowFailure, "a call failed");
        }
    }

    function multicall(bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool good, ) = address(this).delegatecall(calls[i]);
            require(good, "a call failed");
        }
    }
}

// What an account can let its code point to (EIP-7702, ERC-7821).
contract Executor {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    receive() external payable {}

    function execute(bytes32, bytes calldata executionData) external payable {
        require(msg.sender == address(this), "not yours");
        Call[] memory calls = abi.decode(executionData, (Call[]));
        for (uint256 i = 0; i < calls.length; i++) {
            (bool good, ) = calls[i].to.call{value: calls[i].value}(calls[i].data);
            require(good, "a call failed");
        }
    }
}
