// Which markets there are to trade in: four that are named, and as many as there are seeds.
// Owns nothing. Must never: touch a node (moves.mjs plants what is described here).
import { Random } from '../e2e/lib/random.mjs';
import { POOLS } from './moves.mjs';

/** Prices that leave the given gap between the spot price and what the outcomes say. */
function described({ yes, no, odds, gap, size, spotSize, shapes = {} }) {
  const ideal = odds * yes + (1 - odds) * no;
  const sizes = { yes: size, no: size, predYes: size * 60, predNo: size * 60 };
  const prices = { yes, no, predYes: odds, predNo: 1 - odds };
  const pools = Object.fromEntries(
    Object.keys(POOLS).map((name) => [
      name,
      { price: prices[name], size: sizes[name], ...shapes[name] },
    ]),
  );
  const price = ideal * (1 + gap);
  return { ideal, gap, pools, spot: { price, size: spotSize ?? size * 4 } };
}

/**
 * gap > 0: buying conditional tokens and selling at the spot price pays. `before` are the moves of
 * the market in earlier blocks, which is what makes dynamic fees high.
 */
export const SCENARIOS = {
  normal: (gap = 0.023) => described({ yes: 140, no: 120, odds: 0.6, gap, size: 100 }),
  volatile: (gap = 0.08) => ({
    ...described({ yes: 200, no: 90, odds: 0.5, gap, size: 100 }),
    before: [0.8, 1.25, 0.7, 1.4, 0.85].map((by) =>
      described({ yes: 200 * by, no: 90 / by, odds: 0.5, gap: 0, size: 100 }),
    ),
  }),
  thin: (gap = 0.05) =>
    described({ yes: 140, no: 120, odds: 0.6, gap, size: 0.4, spotSize: 2 }),
  large: (gap = 0.05) =>
    described({ yes: 140, no: 120, odds: 0.6, gap, size: 1500, spotSize: 3000 }),
};

const DEPTHS = { shallow: [0.02, 1], usual: [10, 100], deep: [200, 1500] };

/** The market of a seed: always the same. `kinds` says what is special about it. */
export function randomMarket(seed) {
  const random = new Random(`futarchy market ${seed}`);
  const depth = random.pick(Object.keys(DEPTHS));
  const size = random.logUniform(...DEPTHS[depth]);
  const kinds = [depth];
  const shapes = {};
  for (const name of Object.keys(POOLS)) {
    shapes[name] = {};
    if (random.chance(0.12)) {
      shapes[name].sides = random.pick(['down', 'up']);
      kinds.push('one-sided');
    }
    if (random.chance(0.15)) {
      shapes[name].edge = random.pick([-1, 0, 1]);
      kinds.push('tick border');
    }
  }
  const sign = random.pick([1, -1]);
  const gap = random.chance(0.2) ? 0 : sign * random.logUniform(0.002, 0.1);
  kinds.push(gap === 0 ? 'no gap' : gap > 0 ? 'spot above' : 'spot below');
  const market = described({
    yes: 130 * random.logUniform(0.7, 1.4),
    no: 130 * random.logUniform(0.7, 1.4),
    odds: 0.1 + 0.8 * random.unit(),
    gap,
    size,
    spotSize: size * random.logUniform(0.5, 8),
    shapes,
  });
  return { ...market, seed, kinds: [...new Set(kinds)] };
}
