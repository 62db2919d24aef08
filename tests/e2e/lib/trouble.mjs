// What goes wrong during the great trial, and when. Each trouble is a name and a function that
// causes it and tells what it did; the seed decides their order.
// Owns: what still runs in the background. Must never: depend on how quickly the subject recovers
// when it decides what the chain holds, so that one seed always makes the same chain.
import { sleep } from './anvil.mjs';
import { reorganise } from './reorg.mjs';
import { until } from './rig.mjs';

const RECOVERY_LIMIT_MS = 30_000;

export class Troubles {
  constructor(rig, { drops = true, subjectAlive = () => {} } = {}) {
    this.rig = rig;
    this.subjectAlive = subjectAlive;
    this.background = [];
    this.tally = {};
    this.list = rig.random.shuffle([
      ...this.#cuts(),
      ...this.#reorganisations(),
      ...this.#tampering(drops),
    ]);
  }

  #cuts() {
    const { faults, node } = this.rig;
    return [
      ...repeat(6, 'reset', async () => `${this.rig.cut('resetAll')} connections reset`),
      ...repeat(2, 'close', async () => `${this.rig.cut('closeAll')} connections closed`),
      ...repeat(2, 'refuse', async () => {
        this.#later(faults.refuseFor(700));
        return `${this.rig.cut('resetAll')} connections reset, new ones refused for 700 ms`;
      }),
      ...repeat(2, 'stall', async () => {
        this.#later(faults.stallFor(800));
        return 'no byte passes for 800 ms';
      }),
      ...repeat(2, 'delay', async () => {
        faults.delayMs = 120;
        await this.#blocks(6, 60);
        faults.delayMs = 0;
        return 'every byte 120 ms late for six blocks';
      }),
      ...repeat(2, 'half-open', async () => {
        this.#later(this.rig.cut('swallowFor', 300));
        await this.#blocks(20, 100);
        await this.#recovered(
          () => ![...faults.links].some((link) => link.dead),
          'the subject did not give up a connection that had fallen silent',
        );
        return 'connections half-open, twenty blocks unheard';
      }),
      ...repeat(2, 'pause', async () => {
        node.pause();
        await sleep(1500);
        node.resume();
        return 'node stood still for 1500 ms';
      }),
    ];
  }

  #reorganisations() {
    const { faults } = this.rig;
    const depths = [1, 3, 12, 64];
    return [
      ...depths.flatMap((depth) =>
        ['reorg', 'rollback'].map((style) => [
          `${style} ${depth}`,
          () => this.#reorganise(depth, style),
        ]),
      ),
      // while the subject is cut off: it comes back to another branch
      ...depths.map((depth) => [
        `unseen reorg ${depth}`,
        async () => {
          this.#later(faults.refuseFor(500));
          const killed = this.rig.cut('resetAll');
          const told = await this.#reorganise(depth, 'reorg');
          return `${killed} connections reset, then unseen: ${told}`;
        },
      ]),
      [
        'cut within a rollback',
        async () => {
          let mined = 0;
          return this.#reorganise(12, 'rollback', async () => {
            if (++mined === 6) {
              this.rig.cut('resetAll');
            }
          });
        },
      ],
      [
        'two reorgs at once',
        async () => `${await this.#reorganise(3, 'reorg')}; ${await this.#reorganise(12, 'reorg')}`,
      ],
    ];
  }

  #tampering(drops) {
    const { proxy } = this.rig;
    const tamper = (name, act) => [
      name,
      async () => {
        act();
        await this.#blocks(2, 30);
        return 'done';
      },
    ];
    const harmless = [
      tamper('logs doubled', () => proxy.duplicate('logs', 5)),
      tamper('heads doubled', () => proxy.duplicate('newHeads', 2)),
      tamper('logs swapped', () => proxy.swap('logs', 4)),
      tamper('head after its log', () => proxy.swap('newHeads', 1)),
    ];
    const silent = [
      tamper('logs lost', () => proxy.drop('logs', 3)),
      tamper('a log lost', () => proxy.drop('logs', 1)),
      tamper('a head lost', () => proxy.drop('newHeads', 1)),
    ];
    const forgotten = ['logs', 'newHeads'].map((kind) => [
      `${kind} forgotten`,
      async () => {
        proxy.forget(kind);
        await this.#blocks(8, 60);
        return 'the node forgot a subscription; eight blocks';
      },
    ]);
    return drops ? [...harmless, ...silent, ...forgotten] : harmless;
  }

  async #reorganise(depth, style, onBlock) {
    const { chain, random, traffic } = this.rig;
    const done = await reorganise(chain, random, {
      depth,
      style,
      onBlock,
      drop: depth > 12 ? 0.005 : 0.02,
    });
    await traffic.sync();
    this.rig.swaps -= done.dropped; // what left the chain is made up for
    return done.told;
  }

  async #blocks(count, everyMs) {
    for (let i = 0; i < count; i++) {
      await this.rig.block(this.rig.random.between(3, 8));
      await sleep(everyMs);
    }
  }

  #later(promise) {
    this.background.push(promise);
  }

  async #recovered(condition, complaint) {
    await until(
      () => {
        this.subjectAlive();
        return condition();
      },
      RECOVERY_LIMIT_MS,
      complaint,
    );
  }

  get left() {
    return this.list.length;
  }

  /** Causes the next trouble once the subject is back from the last one. */
  async next() {
    const [name, cause] = this.list.shift();
    await this.settle();
    const told = await cause();
    const kind = name.replace(/ \d+$/, '');
    this.tally[kind] = (this.tally[kind] ?? 0) + 1;
    return `${name}: ${told}`;
  }

  /** Nothing is under way any more and the subject is subscribed. */
  async settle() {
    await Promise.all(this.background.splice(0));
    await this.#recovered(() => this.rig.watched(), 'the subject did not subscribe again');
  }
}

const repeat = (count, name, cause) => Array.from({ length: count }, () => [name, cause]);
