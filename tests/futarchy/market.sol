// SPDX-License-Identifier: MIT
// Stand-ins for what no package has the bytecode of: same functions, same results, on a local chain
// only. Conditional Tokens, Algebra and Balancer are the real ones.
pragma solidity ^0.8.20;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
    function symbol() external view returns (string memory);
}

interface IConditionalTokens {
    function getCollectionId(bytes32, bytes32, uint256) external view returns (bytes32);
    function getPositionId(address, bytes32) external pure returns (uint256);
    function splitPosition(address, bytes32, bytes32, uint256[] calldata, uint256) external;
    function mergePositions(address, bytes32, bytes32, uint256[] calldata, uint256) external;
    function safeTransferFrom(address, address, uint256, uint256, bytes calldata) external;
}

/// ERC-20 that whoever made it may mint and burn.
contract MarketToken {
    string public name;
    string public symbol;
    uint8 public constant decimals = 18;
    uint256 public totalSupply;
    address public immutable maker = msg.sender;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory name_, string memory symbol_) {
        name = name_;
        symbol = symbol_;
    }

    function mint(address to, uint256 value) external {
        require(msg.sender == maker, "maker");
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function burn(address from, uint256 value) external {
        require(msg.sender == maker, "maker");
        totalSupply -= value;
        balanceOf[from] -= value;
        emit Transfer(from, address(0), value);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            require(allowed >= value, "ERC20: insufficient allowance");
            allowance[from][msg.sender] = allowed - value;
        }
        return move(from, to, value);
    }

    function move(address from, address to, uint256 value) internal returns (bool) {
        require(balanceOf[from] >= value, "ERC20: transfer amount exceeds balance");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }
}

/// The part of ERC-4626 that says what a share is worth.
contract MarketSavings is MarketToken("Savings xDAI", "sDAI") {
    uint256 public rate = 1.25e18;

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return shares * rate / 1e18;
    }
}

abstract contract Holder {
    function onERC1155Received(address, address, uint256, uint256, bytes calldata)
        external
        virtual
        returns (bytes4)
    {
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(
        address, address, uint256[] calldata, uint256[] calldata, bytes calldata
    ) external pure returns (bytes4) {
        return this.onERC1155BatchReceived.selector;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0x4e2312e0;
    }
}

/// Positions as ERC-20 tokens; one for each position and 65 bytes of name, symbol and decimals.
contract MarketWrapper is Holder {
    mapping(bytes32 => MarketToken) internal made;

    function key(address tokens, uint256 id, bytes memory data) internal pure returns (bytes32) {
        return keccak256(abi.encode(tokens, id, data));
    }

    function requireWrapped1155(address tokens, uint256 id, bytes memory data)
        public
        returns (MarketToken token)
    {
        require(data.length == 65, "data must be 65 bytes");
        token = made[key(tokens, id, data)];
        if (address(token) == address(0)) {
            token = new MarketToken(string(data), string(data));
            made[key(tokens, id, data)] = token;
        }
    }

    function onERC1155Received(
        address operator, address, uint256 id, uint256 value, bytes calldata data
    ) external override returns (bytes4) {
        requireWrapped1155(msg.sender, id, data).mint(operator, value);
        return this.onERC1155Received.selector;
    }

    function unwrap(address tokens, uint256 id, uint256 value, address to, bytes calldata data)
        external
    {
        made[key(tokens, id, data)].burn(msg.sender, value);
        IConditionalTokens(tokens).safeTransferFrom(address(this), to, id, value, "");
    }
}

/// Getters of a proposal: outcomes 0 YES and 1 NO of collateral 1, 2 YES and 3 NO of collateral 2.
contract MarketProposal {
    bytes32 public immutable conditionId;
    IToken public immutable collateralToken1;
    IToken public immutable collateralToken2;
    MarketToken[4] internal wrapped;
    bytes[4] internal data;

    constructor(
        IConditionalTokens tokens, MarketWrapper wrapper, bytes32 condition, IToken first,
        IToken second
    ) {
        conditionId = condition;
        collateralToken1 = first;
        collateralToken2 = second;
        for (uint256 i = 0; i < 4; i++) {
            IToken token = i < 2 ? first : second;
            bytes32 name = bytes32(abi.encodePacked(i % 2 == 0 ? "YES_" : "NO_", token.symbol()));
            data[i] = abi.encodePacked(name, name, uint8(18));
            uint256 id = tokens.getPositionId(
                address(token), tokens.getCollectionId(0, condition, 1 << (i % 2))
            );
            wrapped[i] = wrapper.requireWrapped1155(address(tokens), id, data[i]);
        }
    }

    function wrappedOutcome(uint256 index) external view returns (MarketToken, bytes memory) {
        return (wrapped[index], data[index]);
    }
}

/// Splits and merges for proposals without a parent.
contract MarketRouter is Holder {
    IConditionalTokens public immutable conditionalTokens;
    MarketWrapper public immutable wrapped1155Factory;

    constructor(IConditionalTokens tokens, MarketWrapper wrapper) {
        conditionalTokens = tokens;
        wrapped1155Factory = wrapper;
    }

    function both() internal pure returns (uint256[] memory sets) {
        sets = new uint256[](2);
        sets[0] = 1;
        sets[1] = 2;
    }

    function outcome(MarketProposal proposal, IToken token, uint256 side)
        internal
        view
        returns (uint256 id, MarketToken wrapped, bytes memory data)
    {
        uint256 first = token == proposal.collateralToken1() ? 0 : 2;
        (wrapped, data) = proposal.wrappedOutcome(first + side);
        bytes32 condition = proposal.conditionId();
        id = conditionalTokens.getPositionId(
            address(token), conditionalTokens.getCollectionId(0, condition, 1 << side)
        );
    }

    function splitPosition(MarketProposal proposal, IToken token, uint256 value) external {
        token.transferFrom(msg.sender, address(this), value);
        token.approve(address(conditionalTokens), value);
        conditionalTokens.splitPosition(address(token), 0, proposal.conditionId(), both(), value);
        for (uint256 side = 0; side < 2; side++) {
            (uint256 id, MarketToken wrapped, bytes memory data) = outcome(proposal, token, side);
            conditionalTokens.safeTransferFrom(
                address(this), address(wrapped1155Factory), id, value, data
            );
            wrapped.transfer(msg.sender, value);
        }
    }

    function mergePositions(MarketProposal proposal, IToken token, uint256 value) external {
        for (uint256 side = 0; side < 2; side++) {
            (uint256 id, MarketToken wrapped, bytes memory data) = outcome(proposal, token, side);
            wrapped.transferFrom(msg.sender, address(this), value);
            wrapped1155Factory.unwrap(address(conditionalTokens), id, value, address(this), data);
        }
        conditionalTokens.mergePositions(address(token), 0, proposal.conditionId(), both(), value);
        token.transfer(msg.sender, value);
    }
}
