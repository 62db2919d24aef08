// Peer: viem's watchEvent with its decoding.   peer-viem.mjs PORT MESSAGES
import { createRequire } from 'node:module';
import path from 'node:path';
const require = createRequire(path.join(process.cwd(), 'package.json'));
const { createPublicClient, webSocket, parseAbiItem } = require('viem');
const [port, want] = process.argv.slice(2).map(Number);
const logs = want - Math.ceil(want / 301);
const client = createPublicClient({ transport: webSocket(`ws://127.0.0.1:${port}/`) });
const event = parseAbiItem('event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, uint160 price, uint128 liquidity, int24 tick)');
let seen = 0;
const begin = process.cpuUsage();
client.watchBlocks({ onBlock: () => {} , emitMissed: false });
client.watchEvent({ address: '0x' + 'aa'.repeat(20), event, onLogs: (list) => {
  seen += list.length;
  if (seen >= logs) {
    const used = process.cpuUsage(begin);
    console.log(JSON.stringify({ cpu_us: (used.user + used.system) / want, rss_kb: process.resourceUsage().maxRSS }));
    process.exit(0);
  }
} });
