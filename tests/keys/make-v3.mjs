// Makes tests/vectors/v3-keystores.json: V3 keystores of both key derivations, made here and opened
// with ethers before they are kept. Keys are keccak256("hawse v3 N").
//
//   make-v3.mjs > tests/vectors/v3-keystores.json       (packages of tests/e2e)
import { createCipheriv, createHash, pbkdf2Sync, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const { ethers } = require('ethers');
const { keccak256, toUtf8Bytes, concat } = ethers;

const bytesOf = (hex) => Buffer.from(hex.slice(2), 'hex');
const filler = (text, n) => createHash('sha256').update(text).digest().subarray(0, n);

function pbkdf2(privateKey, address, password, count) {
  const salt = filler(`salt ${address}`, 32);
  const iv = filler(`iv ${address}`, 16);
  const derived = pbkdf2Sync(Buffer.from(password), salt, count, 32, 'sha256');
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(bytesOf(privateKey)), cipher.final()]);
  return JSON.stringify({
    address: address.slice(2).toLowerCase(), id: randomUUID(), version: 3,
    crypto: {
      cipher: 'aes-128-ctr', cipherparams: { iv: iv.toString('hex') },
      ciphertext: ciphertext.toString('hex'), kdf: 'pbkdf2',
      kdfparams: { c: count, dklen: 32, prf: 'hmac-sha256', salt: salt.toString('hex') },
      mac: keccak256(concat([derived.subarray(16), ciphertext])).slice(2),
    },
  });
}

const cases = [];
for (const [name, kdf, password] of [
  ['scrypt', 'scrypt', 'correct horse battery staple'],
  ['scrypt, passphrase with other letters', 'scrypt', 'Schlüssel für 鍵 🔑'],
  ['pbkdf2', 'pbkdf2', 'correct horse battery staple'],
  ['pbkdf2, empty passphrase', 'pbkdf2', ''],
]) {
  const privateKey = keccak256(toUtf8Bytes(`hawse v3 ${cases.length}`));
  const wallet = new ethers.Wallet(privateKey);
  const text = kdf === 'scrypt'
    ? ethers.encryptKeystoreJsonSync({ address: wallet.address, privateKey }, password,
      { scrypt: { N: 1024, r: 8, p: 1 } })
    : pbkdf2(privateKey, wallet.address, password, 2000);
  const opened = await ethers.Wallet.fromEncryptedJson(text, password);
  if (opened.privateKey !== privateKey) throw new Error(`${name}: ethers opens it to another key`);
  cases.push({ name, password, privateKey, address: wallet.address, keystore: text });
}
console.log(JSON.stringify({
  source: `tests/keys/make-v3.mjs; each was opened with ethers ${ethers.version}`,
  note: 'keystore is the text of the file. Derivations are cheap: for tests only.',
  cases,
}, null, 1));
