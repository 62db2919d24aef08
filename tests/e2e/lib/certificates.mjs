// Certificates made where they are used, by openssl: an authority, and what it signs. Never kept.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });

/** `NAME.key` and `NAME.pem` in `folder`: an authority of its own. */
export function makeAuthority(folder, name) {
  const file = (end) => path.join(folder, `${name}.${end}`);
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', `/CN=${name}`, '-keyout', file('key'),
    '-out', file('pem'));
}

/** `NAME.key` and `NAME.pem` in `folder`: for the names in `san`, signed by authority `ca`. */
export function makeCertificate(folder, name, ca, san, days = '30') {
  const file = (end) => path.join(folder, end);
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`));
  writeFileSync(file(`${name}.ext`), `subjectAltName=${san}\n`);
  openssl('x509', '-req', '-in', file(`${name}.csr`), '-CA', file(`${ca}.pem`), '-CAkey', file(`${ca}.key`), '-CAcreateserial',
    '-days', days, '-extfile', file(`${name}.ext`), '-out', file(`${name}.pem`));
}

/** A server on this machine and the authority that vouches for it. */
export function certificates(folder) {
  makeAuthority(folder, 'trusted');
  makeCertificate(folder, 'server', 'trusted', 'DNS:localhost,IP:127.0.0.1');
  const file = (end) => path.join(folder, end);
  return { ca: file('trusted.pem'), certificate: file('server.pem'), key: file('server.key') };
}
