// What the trial of simulations calls: tokens that are honest and not, contracts that fail in every
// way, one that can be entered again, and code for an account to point to.
// SPDX-License-Identifier: MIT
pragma solidity 0.8.20;

contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public fee; // parts in a hundred that a transfer loses

    constructor(uint256 fee_) {
        fee = fee_;
        balanceOf[msg.sender] = 1e24;
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
        require(allowance[from][msg.sender] >= value, "allowance");
        allowance[from][msg.sender] -= value;
        move(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) internal {
        require(balanceOf[from] >= value, "balance");
        balanceOf[from] -= value;
        balanceOf[to] += value - (value * fee) / 100;
        emit Transfer(from, to, value); // the whole of it, as some do
    }
}

contract Wrapped {
    event Deposit(address indexed dst, uint256 wad);
    event Withdrawal(address indexed src, uint256 wad);
    mapping(address => uint256) public balanceOf;

    function deposit() external payable {
        balanceOf[msg.sender] += msg.value;
        emit Deposit(msg.sender, msg.value);
    }

    function withdraw(uint256 wad) external {
        balanceOf[msg.sender] -= wad;
        payable(msg.sender).transfer(wad);
        emit Withdrawal(msg.sender, wad);
    }
}

contract Market {
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
    error TooLittle(uint256 got, uint256 wanted);
    address public owner = msg.sender;
    uint256 public calls;
    uint256 public when;

    function swap(Token from, Token to, uint256 amount, uint256 out) external {
        from.transferFrom(msg.sender, address(this), amount);
        to.transfer(msg.sender, out);
        calls++;
    }

    // takes more than it says
    function greedy(Token from, uint256 amount) external {
        from.transferFrom(msg.sender, address(this), amount);
        from.transferFrom(msg.sender, address(this), 1);
    }

    function words() external pure {
        revert("not today");
    }

    function panics(uint256 zero) external pure returns (uint256) {
        return 1 / zero;
    }

    function overflows(uint256 n) external pure returns (uint256) {
        return n + type(uint256).max;
    }

    function custom() external pure {
        revert TooLittle(1, 2);
    }

    function silent() external pure {
        assembly {
            revert(0, 0)
        }
    }

    function endless() external pure {
        while (true) {}
    }

    function caught() external {
        calls++;
        try this.overflows(1) {} catch {}
    }

    function give(address to) external {
        require(msg.sender == owner);
        emit OwnershipTransferred(owner, to);
        owner = to;
    }

    function late(uint256 least) external view {
        require(block.timestamp >= least, "too early");
    }

    function soon(uint256 most) external view {
        require(block.timestamp <= most, "too late");
    }

    function only(uint256 n) external {
        require(calls == n, "other state");
        calls++;
    }

    receive() external payable {}
}

contract Bank {
    mapping(address => uint256) public share;

    function put() external payable {
        share[msg.sender] += msg.value;
    }

    function take() external {
        uint256 n = share[msg.sender];
        (bool good, ) = msg.sender.call{value: n}("");
        require(good);
        share[msg.sender] = 0;
    }

    receive() external payable {}
}

contract Thief {
    Bank bank;
    uint256 times;

    constructor(Bank bank_) {
        bank = bank_;
    }

    function rob() external payable {
        times = 0;
        bank.put{value: msg.value}();
        bank.take();
    }

    receive() external payable {
        if (times++ == 0) bank.take();
    }
}

// lends and is paid back through a callback that is known
contract Lender {
    function flash(Borrower to) external {
        to.onFlashLoan(address(this), address(this), 1, 0, "");
    }
}

contract Borrower {
    uint256 public n;

    function run(Lender lender) external {
        lender.flash(this);
    }

    function onFlashLoan(address, address, uint256, uint256, bytes calldata) external returns (bytes32) {
        n++;
        return 0;
    }
}

contract Mortal {
    function end(address payable to) external {
        selfdestruct(to);
    }

    receive() external payable {}
}

// for an account to point to
contract Batch {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    function all(Call[] calldata calls) external payable {
        require(msg.sender == address(this), "only the account itself");
        for (uint256 i = 0; i < calls.length; i++) {
            (bool good, bytes memory why) = calls[i].to.call{value: calls[i].value}(calls[i].data);
            if (!good)
                assembly {
                    revert(add(why, 32), mload(why))
                }
        }
    }

    function foreign(address code, bytes calldata data) external {
        (bool good, ) = code.delegatecall(data);
        require(good);
    }

    receive() external payable {}
}
