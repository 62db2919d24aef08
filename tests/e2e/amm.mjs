// The SDK's AMM formulas against deployed contracts: random swaps and edge cases of each kind of
// pool, compared to the last wei, reverts included.
//   HAWSE_AMM_QUOTE=build/test/tests/amm-quote node amm.mjs [--swaps 2000] [--seed 1] [--kind NAME]
// Prints TAP, one line a kind. Exit code 0: no difference.
import { parseArgs } from 'node:util';
import { stable, stable2021, weighted, weighted2021 } from './amm/balancer.mjs';
import { algebra, uniswapV3 } from './amm/concentrated.mjs';
import { Lab } from './amm/lab.mjs';
import { product } from './amm/product.mjs';
import { Random } from './lib/random.mjs';

const KINDS = { uniswapV3, algebra, product, weighted, weighted2021, stable, stable2021 };
const SHOWN = 5;

async function main() {
  const { values } = parseArgs({
    options: {
      swaps: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      kind: { type: 'string' },
    },
  });
  const names = values.kind ? [values.kind] : Object.keys(KINDS);
  const program = process.env.HAWSE_AMM_QUOTE;
  if (!program || names.some((name) => !KINDS[name])) {
    throw new Error(`set HAWSE_AMM_QUOTE; kinds are ${Object.keys(KINDS).join(', ')}`);
  }
  const lab = await Lab.start(program);
  let number = 0;
  let failed = false;
  for (const name of names) {
    const begun = Date.now();
    for (const score of await KINDS[name](lab, new Random(`${name} ${values.seed}`), +values.swaps)) {
      const bad = score.differences.length;
      failed ||= bad > 0;
      score.differences.slice(0, SHOWN).forEach((text) => console.log(`# ${text}`));
      console.log(
        `${bad ? 'not ok' : 'ok'} ${++number} - ${score.name}: ${score.compared} compared, ` +
          `${score.reverts} of them reverts, ${bad} differ (${Date.now() - begun} ms)`,
      );
    }
  }
  console.log(`1..${number}`);
  await lab.stop();
  return failed ? 1 : 0;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(`amm: ${error.stack}`);
    process.exit(2);
  },
);
