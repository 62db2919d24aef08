// SPDX-License-Identifier: MIT
pragma solidity ^0.8.17;

/// What an account's code points to (EIP-7702) so that it makes up to ten calls in one transaction.
/// Same functions, limits and messages as the executor that is deployed on Gnosis Chain. It holds no
/// storage and takes orders from nobody but the account itself: that check is all that protects it.
contract Executor10 {
    receive() external payable {}

    /// Makes the first `count` calls, in order, without value; all of them or none.
    function execute10(address[10] calldata targets, bytes[10] calldata calldatas, uint256 count)
        external
        payable
    {
        require(msg.sender == address(this), "Only self");
        require(count <= 10, "Too many calls");
        for (uint256 i = 0; i < count; i++) {
            if (targets[i] == address(0)) continue;
            (bool ok,) = targets[i].call(calldatas[i]);
            require(ok, "Failed");
        }
    }

    /// One call, with value, and what it returned.
    function executeOne(address target, bytes calldata data)
        external
        payable
        returns (bytes memory)
    {
        require(msg.sender == address(this), "Only self");
        (bool ok, bytes memory result) = target.call{value: msg.value}(data);
        require(ok, "Failed");
        return result;
    }
}
