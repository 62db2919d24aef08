// What the node answers of Balancer's pools as long as nobody changes them, for the sample that the
// quickstart plays: everything that a reader may ask of them but their balances, which swaps change.
// Owns nothing. Must never: hold an answer that a swap, a join or an exit would change.
import { encodeFunctionData, parseAbi } from 'viem';

const ABI = parseAbi([
  'function getSwapFeePercentage() view returns (uint256)',
  'function getNormalizedWeights() view returns (uint256[])',
  'function getAmplificationParameter() view returns (uint256, bool, uint256)',
  'function getPausedState() view returns (bool, uint256, uint256)',
  'function inRecoveryMode() view returns (bool)',
  'function getScalingFactors() view returns (uint256[])',
  'function getRateProviders() view returns (address[])',
  'function getTokenRateCache(address) view returns (uint256, uint256, uint256, uint256)',
  'function getRate() view returns (uint256)',
  'function getPoolId() view returns (bytes32)',
  'function decimals() view returns (uint8)',
  'function symbol() view returns (string)',
]);
const OF_POOL = ['getSwapFeePercentage', 'getNormalizedWeights', 'getAmplificationParameter', 'getPausedState',
  'inRecoveryMode', 'getScalingFactors', 'getRateProviders', 'getPoolId', 'decimals', 'symbol'];

/** [{to, data, result}], without what the contracts refuse. */
export async function answersThatStay(market) {
  const wanted = [[market.vault, 'getPausedState']];
  for (const pool of market.pools) {
    wanted.push(...OF_POOL.map((name) => [pool.address, name]));
    wanted.push(...pool.assets.map((asset) => [pool.address, 'getTokenRateCache', [asset]]));
    wanted.push(...pool.rates.filter((rate) => BigInt(rate) !== 0n).map((rate) => [rate, 'getRate']));
  }
  const answers = [];
  for (const [to, functionName, args] of wanted) {
    const data = encodeFunctionData({ abi: ABI, functionName, args });
    try {
      const result = await market.node.call('eth_call', { to, data }, 'latest');
      if (result !== '0x') {
        answers.push({ to: to.toLowerCase(), data, result });
      }
    } catch (error) {
      if (!/revert/i.test(error.message)) {
        throw error;
      }
    }
  }
  return answers;
}
