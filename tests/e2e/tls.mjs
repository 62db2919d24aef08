// TLS of streams: a certificate of a trusted authority is taken, by name and by address; another
// authority, another name and an expired one are refused with the reason. Prints TAP.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { WebSocketServer } from 'ws';
import { makeAuthority, makeCertificate } from './lib/certificates.mjs';

const { HAWSE_BIN, HAWSE_PLUGIN_DIR } = process.env;
const folder = mkdtempSync(path.join(os.tmpdir(), 'hawse-tls-'));
const file = (name) => path.join(folder, name);
function serve(name) {
  const server = https.createServer({ key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.pem`)) });
  new WebSocketServer({ server });
  return new Promise((ok) => server.listen(0, '127.0.0.1', () => ok(server)));
}

/** What the host says of a stream to this server within two seconds. */
async function trial(port, host, ca) {
  const config = file('config.json');
  writeFileSync(config, JSON.stringify({
    hawse: 1, plugins: { path: [HAWSE_PLUGIN_DIR] }, state_dir: file('state'),
    instances: { chain: { plugin: 'org.hawse.gnosis', grants: ['net', 'rpc'], endpoints: {
      ws: { url: `wss://${host}:${port}/`, ...(ca ? { ca_file: file(`${ca}.pem`) } : {}), backoff_min_ms: 200 },
      http: `https://${host}:${port}/` } } },
  }));
  const child = spawn(HAWSE_BIN, ['run', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (d) => { text += d; });
  await new Promise((r) => setTimeout(r, 1200));
  child.kill('SIGTERM');
  await new Promise((r) => child.once('exit', r));
  return text;
}

const rows = [
  ['a certificate of the trusted authority is taken by name', 'good', 'localhost', 'trusted', /open: wss:/],
  ['and by address', 'good', '127.0.0.1', 'trusted', /open: wss:/],
  ['without the authority it is refused', 'good', 'localhost', null, /could not connect: SSL certificate problem/],
  ['another authority is refused', 'good', 'localhost', 'other', /could not connect: SSL certificate problem/],
  ['another name is refused', 'misnamed', 'localhost', 'trusted', /could not connect: SSL: no alternative certificate subject name/],
  ['an expired one is refused', 'expired', 'localhost', 'trusted', /could not connect: SSL certificate problem: certificate has expired/],
];

makeAuthority(folder, 'trusted');
makeAuthority(folder, 'other');
makeCertificate(folder, 'good', 'trusted', 'DNS:localhost,IP:127.0.0.1');
makeCertificate(folder, 'misnamed', 'trusted', 'DNS:elsewhere.example');
makeCertificate(folder, 'expired', 'trusted', 'DNS:localhost,IP:127.0.0.1', '-1');
let failed = 0;
for (const [i, [sentence, name, host, ca, want]] of rows.entries()) {
  const server = await serve(name);
  const text = await trial(server.address().port, host, ca);
  const good = want.test(text) && (want.source.startsWith('open') || !/open: wss/.test(text));
  if (!good) console.log(`# ${text.replace(/\n/g, '\n# ')}`);
  console.log(`${good ? '' : 'not '}ok ${i + 1} - tls: ${sentence}`);
  failed += !good;
  server.closeAllConnections?.();
  server.close();
}
console.log(`1..${rows.length}`);
rmSync(folder, { recursive: true, force: true });
process.exit(failed ? 1 : 0);
