// Replaces the newest blocks of the chain by others, as reorganisations do: most transactions
// come back in the same block, some in another one, some never.
// Owns nothing. Must never: break the order of one sender's nonces, which would strand the later
// ones.
import { keccak256 } from 'viem';

/**
 * Which transaction goes to which of the new blocks: [{ tx, offset }] in the order of inclusion.
 */
function plan(blocks, random, { move, drop }) {
  const depth = blocks.length;
  const kept = [];
  const senders = new Map(); // sender -> { last offset, gone }
  let moved = 0;
  let dropped = 0;
  blocks.forEach(({ txs }, offset) => {
    for (const tx of txs) {
      const state = senders.get(tx.sender) ?? { last: 0, gone: false };
      senders.set(tx.sender, state);
      state.gone ||= random.chance(drop);
      if (state.gone) {
        dropped++;
        continue;
      }
      const shift = random.chance(move) ? random.pick([-2, -1, 1, 1, 2, 3]) : 0;
      const target = Math.min(depth - 1, Math.max(state.last, offset + shift));
      state.last = target;
      moved += target === offset ? 0 : 1;
      kept.push({ tx, offset: target });
    }
  });
  kept.sort((a, b) => a.offset - b.offset); // stable: within a block the old order stays
  return { kept, moved, dropped };
}

/** Each branch has a proposer of its own, so that no block of it equals the one it replaces. */
function proposer(random) {
  const words = Array.from({ length: 5 }, () => random.u32().toString(16).padStart(8, '0'));
  return `0x${words.join('')}`;
}

/**
 * Styles: 'reorg' lets the node replace the blocks in one go and announce them from the fork
 * upward; 'rollback' takes the head back without a word, and the sibling blocks are then mined
 * one after another.
 */
export async function reorganise(
  chain,
  random,
  { depth, style = 'reorg', move = 0.2, drop = 0.02, onBlock = async () => {} },
) {
  const first = chain.height - depth + 1;
  const old = Array.from({ length: depth }, (_, i) => chain.blocks.get(first + i));
  if (old.some((block) => block === undefined)) {
    throw new Error(
      `reorganisation of depth ${depth} at height ${chain.height}: not so many blocks are known`,
    );
  }
  const { kept, moved, dropped } = plan(old, random, { move, drop });
  const byHash = new Map(kept.map(({ tx }) => [keccak256(tx.raw), tx]));
  const { node } = chain;
  await node.call('anvil_setCoinbase', proposer(random));
  if (style === 'reorg') {
    await node.call('anvil_setBlockTimestampInterval', chain.blockSeconds);
    await node.call(
      'anvil_reorg',
      depth,
      kept.map(({ tx, offset }) => [tx.raw, offset]),
    );
    await node.call('anvil_removeBlockTimestampInterval');
    await chain.refresh(first, byHash);
  } else {
    await node.call('anvil_rollback', depth);
    await chain.refresh(first, byHash);
    chain.time = Number((await node.block('latest')).timestamp);
    for (let offset = 0; offset < depth; offset++) {
      await chain.mine(kept.filter((one) => one.offset === offset).map((one) => one.tx));
      await onBlock();
    }
    await chain.syncNonces();
  }
  const back = Array.from({ length: depth }, (_, i) => chain.blocks.get(first + i));
  const count = back.reduce((sum, block) => sum + (block?.txs.length ?? 0), 0);
  if (count !== kept.length || back.some((block, i) => block.hash === old[i].hash)) {
    throw new Error(
      `reorganisation of depth ${depth}: ${count} transactions came back, ` +
        `${kept.length} were planned`,
    );
  }
  const told =
    `${style} of depth ${depth} from block ${first}: ` +
    `${kept.length} kept, ${moved} moved, ${dropped} dropped`;
  return { depth, style, kept: kept.length, moved, dropped, told };
}
