// A futarchy market to try things in, as a command and as a module.
//   node rig.mjs URL [--scenario normal|volatile|thin|large] [--random SEED] [--v3 FOLDER] [--serve]
// deploys the market on the anvil at URL (chain id 100, prague), plants what is asked for, and
// prints the addresses as one line of JSON. With --serve it then reads orders, one JSON object a
// line, and answers each with a line {"ok": ...} or {"error": "..."}; see ORDERS.
// Owns: the node, when it started it. Must never: leave it running.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Rpc, startAnvil } from '../e2e/lib/anvil.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { deployMarket } from './market.mjs';
import { Moves, POOLS } from './moves.mjs';
import { randomMarket, SCENARIOS } from './scenarios.mjs';

/** A description of scenarios.mjs, planted: what led to it first, a block each; or one step of it. */
async function plant(moves, market, only) {
  const steps = [...(market.before ?? []), market];
  for (const [number, step] of steps.entries()) {
    if (only === undefined || number === only) {
      await moves.plant(step);
    }
  }
  return {
    ideal: market.ideal,
    gap: market.gap,
    kinds: market.kinds ?? [],
    steps: steps.length,
  };
}

const ORDERS = {
  /** {"do": "scenario", "name": "thin", "gap": -0.05}; with "step": 0, 1, ... one block of it */
  scenario: ({ moves }, { name, gap, step }) => plant(moves, SCENARIOS[name](gap), step),
  /** {"do": "random", "seed": 7} */
  random: ({ moves }, { seed }) => plant(moves, randomMarket(seed)),
  /** {"do": "plant", "pools": {"yes": {"price": 150, "size": 10}}, "spot": {...}} */
  plant: ({ moves }, { pools, spot }) => moves.plant({ pools, spot }),
  /** {"do": "adversary", "hurts": "buy"}: into the pool of transactions, ahead of the others */
  adversary: ({ moves, random }, { hurts }) => moves.adversary(random, hurts),
  /** {"do": "prices"} */
  prices: async ({ moves }) => {
    const found = { spot: (await moves.spot()).price };
    for (const name of Object.keys(POOLS)) {
      found[name] = (await moves.state(name)).price;
    }
    return found;
  },
  /** {"do": "propose", "name": "..."} */
  propose: ({ moves }, { name }) => moves.propose(name),
  /** {"do": "resolve", "yes": true} */
  resolve: ({ moves }, { yes }) => moves.resolve(yes),
};

export class FutarchyRig {
  /** On the node at `url`, or on one of its own. */
  static async start({ url, seed = 1, blockSeconds, v3 } = {}) {
    const rig = new FutarchyRig();
    const extra = blockSeconds ? ['--block-time', String(blockSeconds)] : [];
    rig.own = url ? null : await startAnvil({ chainId: 100, order: 'fees', extra });
    rig.url = url ?? rig.own.url;
    rig.node = rig.own ?? new Rpc(Number(new URL(url).port));
    await rig.node.call('evm_setAutomine', true);
    rig.random = new Random(`futarchy rig ${seed}`);
    rig.at = await deployMarket(rig.url, { v3 });
    rig.moves = await Moves.open(rig.node, rig.at);
    return rig;
  }

  do(order, args = {}) {
    if (!Object.hasOwn(ORDERS, order)) {
      throw new Error(`order: found ${order}, expected one of ${Object.keys(ORDERS).join(', ')}`);
    }
    return ORDERS[order](this, args);
  }

  async stop() {
    await (this.own ? this.own.stop() : this.node.close());
  }
}

function options(args) {
  const url = args.find((one) => one.startsWith('http'));
  const found = { url, serve: args.includes('--serve') };
  for (const name of ['scenario', 'random', 'v3']) {
    const at = args.indexOf(`--${name}`);
    found[name] = at < 0 ? undefined : args[at + 1];
  }
  return found;
}

async function serve(rig) {
  for await (const line of createInterface({ input: process.stdin })) {
    let answer;
    try {
      const { do: order, ...args } = JSON.parse(line);
      answer = { ok: (await rig.do(order, args)) ?? true };
    } catch (error) {
      answer = { error: error.message };
    }
    console.log(JSON.stringify(answer));
  }
}

async function main() {
  const { url, scenario, random, v3, serve: serving } = options(process.argv.slice(2));
  if (!url) {
    throw new Error('usage: rig.mjs URL [--scenario NAME] [--random SEED] [--v3 FOLDER] [--serve]');
  }
  const rig = await FutarchyRig.start({ url, v3 });
  if (scenario) {
    await rig.do('scenario', { name: scenario });
  }
  if (random) {
    await rig.do('random', { seed: random });
  }
  console.log(JSON.stringify(rig.at));
  if (serving) {
    await serve(rig);
  }
  await rig.stop();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main();
}
