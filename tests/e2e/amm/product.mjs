// Constant product: Uniswap v2's own router against hawse_product_out and hawse_product_in.
import { createRequire } from 'node:module';
import { encodeFunctionData, toFunctionSelector } from 'viem';
import { anySize, Score, word, wordAt } from './lab.mjs';

const require = createRequire(import.meta.url);
const BATCH = 500;

export async function product(lab, random, wanted) {
  const { abi, bytecode } = require('@uniswap/v2-periphery/build/UniswapV2Router02.json');
  const router = await lab.deploy({ abi, bytecode: prefixed(bytecode) }, [lab.owner, lab.owner]);
  const selectors = ['getAmountOut', 'getAmountIn'].map((name) =>
    toFunctionSelector(`${name}(uint256,uint256,uint256)`),
  );
  const score = new Score('uniswap v2');
  while (score.compared < wanted) {
    const cases = Array.from({ length: BATCH }, () => ({
      exactOut: random.below(2),
      amount: random.chance(0.05) ? 1n : anySize(random, random.chance(0.02) ? 256 : 112),
      reserves: [anySize(random, 112), anySize(random, 112)],
    }));
    const told = await lab.ask(
      cases.map(({ exactOut, amount, reserves: [a, b] }) => [
        router,
        `${selectors[exactOut]}${word(amount)}${word(a)}${word(b)}`,
      ]),
    );
    const lines = cases.map(
      ({ exactOut, amount, reserves: [a, b] }) => `product ${a} ${b} ${amount} 3 1000 ${exactOut}`,
    );
    const ours = await lab.quoter.ask(lines);
    told.forEach(({ good, data }, i) => {
      const chain = good ? String(wordAt(data, 0)) : 'revert';
      score.compare(lines[i], chain, ours[i].startsWith('refused') ? 'revert' : ours[i]);
    });
  }
  return [score];
}

const prefixed = (code) => (code.startsWith('0x') ? code : `0x${code}`);
