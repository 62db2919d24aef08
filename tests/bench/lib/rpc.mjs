// The HTTP side of the benchmarks' node: answers JSON-RPC from a ledger, which is empty for the floods.
import http from 'node:http';
import { head } from './frames.mjs';

export const emptyLedger = {
  eth_chainId: () => '0x64',
  net_version: () => '100',
  eth_blockNumber: () => '0x1',
  eth_getBlockByNumber: () => head(1),
  eth_getBlockByHash: () => head(1),
  eth_getLogs: () => [],
};

export function answer(ledger, { id, method, params }) {
  const result = ledger[method]?.(...(params ?? [])) ?? null;
  return { jsonrpc: '2.0', id, result };
}

/** The listener of an HTTP server that answers JSON-RPC, single or in batches. */
export const takeRequests = (ledger) => (req, res) => {
  const parts = [];
  req.on('data', (d) => parts.push(d));
  req.on('end', () => {
    const asked = JSON.parse(Buffer.concat(parts));
    const said = Array.isArray(asked) ? asked.map((one) => answer(ledger, one)) : answer(ledger, asked);
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(said));
  });
};

/** Serves until close(); `port` is its own choice. */
export async function serveRpc(ledger = emptyLedger) {
  const server = http.createServer(takeRequests(ledger));
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  return { port: server.address().port, close: () => { server.closeAllConnections?.(); server.close(); } };
}
