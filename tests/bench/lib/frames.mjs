// What the chain of the benchmarks says: heads, logs, as objects and as ready-made WebSocket frames in a file.
// Every subject receives these bytes. The shapes are those of eth_subscribe on Gnosis Chain; a log is about 1 kB.
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';

export const ADDRESS = '0x' + 'aa'.repeat(20);
export const LOGS_PER_BLOCK = 300;
export const SWAP = 'event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, ' +
  'uint160 price, uint128 liquidity, int24 tick)';
const TOPIC = '0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67';
const word = (n) => n.toString(16).padStart(64, '0');
const hash = (n) => '0x' + createHash('sha256').update(String(n)).digest('hex');
const hex = (n) => '0x' + n.toString(16);

/** A header. The bloom filter has no bit set or all of them: a filter may say "perhaps" of anything. */
export function head(n, { bloom = '00' } = {}) {
  return { number: hex(n), hash: hash(n), parentHash: hash(n - 1), timestamp: hex(1.7e9 + n), gasLimit: '0x1c9c380',
    gasUsed: '0xe4e1c0', baseFeePerGas: '0x7', logsBloom: '0x' + bloom.repeat(256), miner: ADDRESS, stateRoot: hash('s' + n),
    receiptsRoot: hash('r' + n), transactionsRoot: hash('t' + n), extraData: '0x', nonce: '0x0000000000000000',
    mixHash: hash('m' + n), sha3Uncles: hash('u'), difficulty: '0x0', size: '0x220' };
}

/** Log number `i` of block `n`. */
export function log(n, i) {
  return { address: ADDRESS, topics: [TOPIC, '0x' + word(i + 1), '0x' + word(i + 2)],
    data: '0x' + word(BigInt(i) * 10n ** 18n) + 'f'.repeat(64) + word(79228162514264337593543950336n) + word(10n ** 20n) + word(1234),
    blockHash: hash(n), blockNumber: hex(n), transactionHash: hash(`x${n}.${i}`), transactionIndex: hex(i), logIndex: hex(i),
    blockTimestamp: hex(1.7e9 + n), removed: false };
}

/** What eth_subscribe answers: as long as a node's. sender.c says the same. */
export const HEADS_ID = '0x1' + '0'.repeat(31), LOGS_ID = '0x2' + '0'.repeat(31);

export const note = (id, result) => JSON.stringify({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription: id, result } });

export function frame(text) {
  const body = Buffer.from(text);
  const top = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([top, body]);
}

/** The order-sensitive sum over transaction hashes that every subject must come to. */
export const addUp = (sum, transactionHash) => (Math.imul(sum, 31) + transactionHash.charCodeAt(65)) >>> 0;

/** A file of frames, block after block, and what a receiver of its first `n` messages must have seen. */
export class Frames {
  constructor(file, messages) {
    this.file = file;
    this.messages = messages;
    this.sums = new Uint32Array(messages);
    this.sizes = new Float64Array(messages + 1); // bytes of payload of the first n messages
    this.logsOf = new Uint32Array(messages + 1);
    this.#write(openSync(file, 'w'));
    writeFileSync(`${file}.head`, JSON.stringify(head(1)));
  }

  #write(fd) {
    let made = 0, sum = 0, logs = 0, parts = [];
    const add = (text) => {
      const bytes = frame(text);
      parts.push(bytes);
      this.sizes[made + 1] = this.sizes[made] + text.length;
      this.logsOf[++made] = logs;
      if (parts.length < 1000 && made < this.messages) return;
      writeSync(fd, Buffer.concat(parts));
      parts = [];
    };
    for (let block = 2; made < this.messages; block++) {
      add(note(HEADS_ID, head(block)));
      for (let i = 0; i < LOGS_PER_BLOCK && made < this.messages; i++) {
        const one = log(block, i);
        sum = addUp(sum, one.transactionHash);
        this.sums[logs++] = sum;
        add(note(LOGS_ID, one));
      }
    }
    closeSync(fd);
  }

  expected(messages) {
    const logs = this.logsOf[messages];
    return { messages, logs, sum: this.sums[logs - 1], bytes: this.sizes[messages] };
  }
}
