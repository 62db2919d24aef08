// The tokens that the rigs trade: names, decimals and rough values of well-known ones, so that
// amounts and prices look like the real chains'. Addresses are the rig's own. Data only.

const gnosis = [
  ['WXDAI', 'Wrapped XDAI', 18, 1],
  ['GNO', 'Gnosis Token', 18, 135.4],
  ['WETH', 'Wrapped Ether', 18, 2650],
  ['USDC', 'USD Coin', 6, 1],
  ['sDAI', 'Savings xDAI', 18, 1.23],
  ['EURe', 'Monerium EUR emoney', 18, 1.085],
  ['WBTC', 'Wrapped BTC', 8, 64200],
  ['COW', 'CoW Protocol Token', 18, 0.312],
  ['USDT', 'Tether USD', 6, 1],
  ['SAFE', 'Safe Token', 18, 0.874],
  ['OLAS', 'Autonolas', 18, 1.41],
];

const polygon = [
  ['WPOL', 'Wrapped POL', 18, 0.42],
  ['USDC', 'USD Coin', 6, 1],
  ['WETH', 'Wrapped Ether', 18, 2650],
  ['USDT', 'Tether USD', 6, 1],
  ['WBTC', 'Wrapped BTC', 8, 64200],
  ['DAI', 'Dai Stablecoin', 18, 1],
  ['LINK', 'ChainLink Token', 18, 11.9],
  ['AAVE', 'Aave', 18, 148],
  ['CRV', 'Curve DAO Token', 18, 0.27],
  ['QUICK', 'QuickSwap', 18, 0.038],
  ['GHST', 'Aavegotchi GHST Token', 18, 0.96],
];

const asToken = ([symbol, name, decimals, usd]) => ({ symbol, name, decimals, usd });

/** The wrapped native token comes first in each list. */
export const TOKENS = { 100: gnosis.map(asToken), 137: polygon.map(asToken) };

/** Pairs of list indices, the best known tokens first. */
export function pairsOf(count) {
  const pairs = [];
  const tokens = TOKENS[100].length;
  for (let sum = 1; sum < 2 * tokens; sum++) {
    for (let low = 0; low * 2 < sum; low++) {
      if (sum - low < tokens) {
        pairs.push([low, sum - low]);
      }
    }
  }
  if (!Number.isInteger(count) || count < 1 || count > pairs.length) {
    throw new Error(`pools: found ${count}, expected 1 to ${pairs.length}`);
  }
  return pairs.slice(0, count);
}
