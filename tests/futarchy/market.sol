// SPDX-License-Identifier: MIT
// Stand-ins for what no package has the bytecode of: same functions, same results, on a local chain
// only. Conditional Tokens, Algebra and Balancer are the real ones.
pragma solidity ^0.8.20;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
    function symbol() external view returns (string memory);
    function balanceOf(address owner) external view returns (uint256);
}

interface IConditionalTokens {
    function getCollectionId(bytes32, bytes32, uint256) external view returns (bytes32);
    function getPositionId(address, bytes32) external pure returns (uint256);
    function splitPosition(address, bytes32, bytes32, uint256[] calldata, uint256) external;
    function mergePositions(address, bytes32, bytes32, uint256[] calldata, uint256) external;
    function redeemPositions(address, bytes32, bytes32, uint256[] calldata) external;
    function payoutNumerators(bytes32, uint256) external view returns (uint256);
    function prepareCondition(address, bytes32, uint256) external;
    function getConditionId(address, bytes32, uint256) external pure returns (bytes32);
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

/// ERC-4626 over wrapped xDAI, with a rate that its maker sets (assets for 1e18 shares).
contract MarketSavings is MarketToken("Savings xDAI", "sDAI") {
    IToken public immutable asset;
    uint256 public rate = 1.25e18;

    event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
    event Withdraw(
        address indexed sender, address indexed receiver, address indexed owner, uint256 assets,
        uint256 shares
    );

    constructor(IToken asset_) {
        asset = asset_;
    }

    function setRate(uint256 rate_) external {
        require(msg.sender == maker, "maker");
        rate = rate_;
    }

    function convertToAssets(uint256 shares) public view returns (uint256) {
        return shares * rate / 1e18;
    }

    function convertToShares(uint256 assets) public view returns (uint256) {
        return assets * 1e18 / rate;
    }

    function previewDeposit(uint256 assets) external view returns (uint256) {
        return convertToShares(assets);
    }

    function previewRedeem(uint256 shares) external view returns (uint256) {
        return convertToAssets(shares);
    }

    function deposit(uint256 assets, address receiver) external returns (uint256 shares) {
        shares = convertToShares(assets);
        asset.transferFrom(msg.sender, address(this), assets);
        totalSupply += shares;
        balanceOf[receiver] += shares;
        emit Transfer(address(0), receiver, shares);
        emit Deposit(msg.sender, receiver, assets, shares);
    }

    /// For the caller's own shares only, which is all that the market needs.
    function redeem(uint256 shares, address receiver, address owner)
        external
        returns (uint256 assets)
    {
        require(owner == msg.sender, "owner");
        assets = convertToAssets(shares);
        totalSupply -= shares;
        balanceOf[owner] -= shares;
        emit Transfer(owner, address(0), shares);
        asset.transfer(receiver, assets);
        emit Withdraw(msg.sender, receiver, owner, assets, shares);
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

    event Wrapped1155Creation(
        address indexed multiToken, uint256 indexed tokenId, address indexed wrappedToken
    );

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
            token = new MarketToken(short(data, 32), short(data, 64));
            made[key(tokens, id, data)] = token;
            emit Wrapped1155Creation(tokens, id, address(token));
        }
    }

    function getWrapped1155(address tokens, uint256 id, bytes memory data)
        external
        view
        returns (MarketToken)
    {
        return made[key(tokens, id, data)];
    }

    /// A string of at most 31 bytes as storage has it: bytes from the left, twice the length last.
    function short(bytes memory data, uint256 at) internal pure returns (string memory) {
        bytes32 text;
        assembly {
            text := mload(add(data, at))
        }
        uint256 length = uint8(uint256(text)) / 2;
        require(length < 32, "name or symbol is too long");
        bytes memory out = new bytes(length);
        for (uint256 i = 0; i < length; i++) out[i] = text[i];
        return string(out);
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
    string public marketName;
    bytes32 public immutable questionId;
    bytes32 public immutable conditionId;
    bytes32 public constant parentCollectionId = 0;
    address public constant parentMarket = address(0);
    uint256 public constant parentOutcome = 0;
    uint256 public constant numOutcomes = 4;
    IToken public immutable collateralToken1;
    IToken public immutable collateralToken2;
    MarketToken[4] internal wrapped;
    bytes[4] internal data;

    constructor(
        IConditionalTokens tokens, MarketWrapper wrapper, string memory name, bytes32 question,
        bytes32 condition, IToken first, IToken second
    ) {
        marketName = name;
        questionId = question;
        conditionId = condition;
        collateralToken1 = first;
        collateralToken2 = second;
        for (uint256 i = 0; i < 4; i++) {
            IToken token = i < 2 ? first : second;
            bytes memory text = abi.encodePacked(i % 2 == 0 ? "YES_" : "NO_", token.symbol());
            bytes32 packed = bytes32(text) | bytes32(text.length * 2);
            data[i] = abi.encodePacked(packed, packed, uint8(18));
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

/// Makes proposals and tells of them; their conditions wait for `oracle`.
contract MarketFactory {
    struct Params {
        string marketName;
        IToken collateral1;
        IToken collateral2;
        string category;
        string lang;
        uint256 minBond;
        uint32 openingTime;
    }

    IConditionalTokens public immutable conditionalTokens;
    MarketWrapper public immutable wrapped1155Factory;
    address public immutable oracle;
    MarketProposal[] public proposals;

    event NewProposal(
        address indexed proposal, string marketName, bytes32 conditionId, bytes32 questionId
    );

    constructor(IConditionalTokens tokens, MarketWrapper wrapper, address oracle_) {
        conditionalTokens = tokens;
        wrapped1155Factory = wrapper;
        oracle = oracle_;
    }

    function createProposal(Params calldata wanted) external returns (address) {
        bytes32 question = keccak256(abi.encode(wanted, proposals.length));
        conditionalTokens.prepareCondition(oracle, question, 2);
        bytes32 condition = conditionalTokens.getConditionId(oracle, question, 2);
        MarketProposal made = new MarketProposal(
            conditionalTokens, wrapped1155Factory, wanted.marketName, question, condition,
            wanted.collateral1, wanted.collateral2
        );
        proposals.push(made);
        emit NewProposal(address(made), wanted.marketName, condition, question);
        return address(made);
    }

    function marketsCount() external view returns (uint256) {
        return proposals.length;
    }

    function allMarkets() external view returns (MarketProposal[] memory) {
        return proposals;
    }
}

/// Splits, merges and redeems for proposals without a parent.
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

    /// Only the side that won pays. Before a resolution Conditional Tokens refuses.
    function redeemPositions(MarketProposal proposal, IToken token, uint256 value) external {
        bytes32 condition = proposal.conditionId();
        uint256 side = conditionalTokens.payoutNumerators(condition, 0) == 1 ? 0 : 1;
        (uint256 id, MarketToken wrapped, bytes memory data) = outcome(proposal, token, side);
        wrapped.transferFrom(msg.sender, address(this), value);
        wrapped1155Factory.unwrap(address(conditionalTokens), id, value, address(this), data);
        uint256[] memory sets = new uint256[](1);
        sets[0] = 1 << side;
        uint256 before = token.balanceOf(address(this));
        conditionalTokens.redeemPositions(address(token), 0, condition, sets);
        token.transfer(msg.sender, token.balanceOf(address(this)) - before);
    }
}
