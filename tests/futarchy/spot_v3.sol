// SPDX-License-Identifier: MIT
// Stand-ins around Balancer v3's real Vault, pool and router: who may do what there (all may), what
// part of fees it keeps, Permit2's allowances, a wrapper with a rate that its maker sets, and a
// caller that puts the first liquidity in. On a local chain only.
pragma solidity ^0.8.20;

import {IToken, MarketToken} from "market.sol";

contract SpotAuthorizer {
    function canPerform(bytes32, address, address) external pure returns (bool) {
        return true;
    }
}

/// Half of each swap's fee, a tenth of what rates grow by.
contract SpotFees {
    address public immutable vault;

    constructor(address vault_) {
        vault = vault_;
    }

    function registerPool(address, address, bool) external pure returns (uint256, uint256) {
        return (0.5e18, 0.1e18);
    }
}

/// The half of Permit2 that routers use: allowances by approve, and transfers by them.
contract SpotPermit2 {
    struct Allowance {
        uint160 amount;
        uint48 expiration;
        uint48 nonce;
    }

    mapping(address => mapping(address => mapping(address => Allowance))) public allowance;

    error AllowanceExpired(uint256 deadline);
    error InsufficientAllowance(uint256 amount);

    event Approval(
        address indexed owner, address indexed token, address indexed spender, uint160 amount,
        uint48 expiration
    );

    function approve(address token, address spender, uint160 amount, uint48 expiration) external {
        Allowance storage a = allowance[msg.sender][token][spender];
        a.amount = amount;
        a.expiration = expiration == 0 ? uint48(block.timestamp) : expiration;
        emit Approval(msg.sender, token, spender, amount, expiration);
    }

    function transferFrom(address from, address to, uint160 amount, address token) external {
        Allowance storage a = allowance[from][token][msg.sender];
        if (block.timestamp > a.expiration) revert AllowanceExpired(a.expiration);
        if (a.amount != type(uint160).max) {
            if (amount > a.amount) revert InsufficientAllowance(a.amount);
            a.amount -= amount;
        }
        require(IToken(token).transferFrom(from, to, amount), "pull");
    }
}

/// ERC-4626 with a rate of 27 decimals, as Aave's wrappers have; a rate provider of its own.
contract SpotWrapper is MarketToken {
    IToken public immutable asset;
    uint256 public rate;

    constructor(IToken asset_, uint256 rate_) MarketToken("Wrapped company", "waCOMPANY") {
        asset = asset_;
        rate = rate_;
    }

    function setRate(uint256 rate_) external {
        require(msg.sender == maker, "maker");
        rate = rate_;
    }

    function getRate() external view returns (uint256) {
        return rate / 1e9;
    }

    function toAssets(uint256 shares, bool up) internal view returns (uint256) {
        return (shares * rate + (up ? 1e27 - 1 : 0)) / 1e27;
    }

    function toShares(uint256 assets, bool up) internal view returns (uint256) {
        return (assets * 1e27 + (up ? rate - 1 : 0)) / rate;
    }

    function convertToAssets(uint256 shares) external view returns (uint256) {
        return toAssets(shares, false);
    }

    function convertToShares(uint256 assets) external view returns (uint256) {
        return toShares(assets, false);
    }

    function previewDeposit(uint256 assets) external view returns (uint256) {
        return toShares(assets, false);
    }

    function previewMint(uint256 shares) external view returns (uint256) {
        return toAssets(shares, true);
    }

    function previewRedeem(uint256 shares) external view returns (uint256) {
        return toAssets(shares, false);
    }

    function previewWithdraw(uint256 assets) external view returns (uint256) {
        return toShares(assets, true);
    }

    function enter(uint256 assets, uint256 shares, address to) internal {
        require(asset.transferFrom(msg.sender, address(this), assets), "asset");
        totalSupply += shares;
        balanceOf[to] += shares;
        emit Transfer(address(0), to, shares);
    }

    function leave(uint256 assets, uint256 shares, address to, address owner) internal {
        require(owner == msg.sender && balanceOf[owner] >= shares, "owner");
        totalSupply -= shares;
        balanceOf[owner] -= shares;
        emit Transfer(owner, address(0), shares);
        require(asset.transfer(to, assets), "asset");
    }

    function deposit(uint256 assets, address to) external returns (uint256 shares) {
        enter(assets, shares = toShares(assets, false), to);
    }

    function mint(uint256 shares, address to) external returns (uint256 assets) {
        enter(assets = toAssets(shares, true), shares, to);
    }

    function withdraw(uint256 assets, address to, address owner)
        external
        returns (uint256 shares)
    {
        leave(assets, shares = toShares(assets, true), to, owner);
    }

    function redeem(uint256 shares, address to, address owner) external returns (uint256 assets) {
        leave(assets = toAssets(shares, false), shares, to, owner);
    }
}

interface ISavings {
    function convertToAssets(uint256) external view returns (uint256);
}

contract SpotSavingsRate {
    ISavings public immutable savings;

    constructor(ISavings savings_) {
        savings = savings_;
    }

    function getRate() external view returns (uint256) {
        return savings.convertToAssets(1e18);
    }
}

interface ISpotVault {
    function unlock(bytes calldata) external returns (bytes memory);
    function settle(address token, uint256 amount) external returns (uint256);
    function initialize(
        address pool, address to, address[] calldata tokens, uint256[] calldata amounts,
        uint256 least, bytes calldata data
    ) external returns (uint256);
    function initializeBuffer(
        address wrapper, uint256 assets, uint256 shares, uint256 least, address owner
    ) external returns (uint256);
}

/// The first liquidity of a pool and of a buffer, from what it holds itself.
contract SpotSeeder {
    ISpotVault public immutable vault;

    constructor(ISpotVault vault_) {
        vault = vault_;
    }

    function pay(address token, uint256 amount) internal {
        require(IToken(token).transfer(address(vault), amount), "pay");
        vault.settle(token, amount);
    }

    function pool(address at, address[] calldata tokens, uint256[] calldata amounts) external {
        vault.unlock(abi.encodeCall(this.poolUnlocked, (at, tokens, amounts)));
    }

    function poolUnlocked(address at, address[] calldata tokens, uint256[] calldata amounts)
        external
    {
        vault.initialize(at, address(this), tokens, amounts, 0, "");
        for (uint256 i; i < tokens.length; i++) pay(tokens[i], amounts[i]);
    }

    function buffer(address wrapper, address asset, uint256 assets, uint256 shares) external {
        vault.unlock(abi.encodeCall(this.bufferUnlocked, (wrapper, asset, assets, shares)));
    }

    function bufferUnlocked(address wrapper, address asset, uint256 assets, uint256 shares)
        external
    {
        vault.initializeBuffer(wrapper, assets, shares, 0, address(this));
        pay(asset, assets);
        pay(wrapper, shares);
    }
}
