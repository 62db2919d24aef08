// Token, associated account and memo instructions by their layouts, for the official client, which
// has none itself. Must never: use the code under trial.
import web3 from '@solana/web3.js';

const { PublicKey, SystemProgram, TransactionInstruction } = web3;
export const TOKEN = new PublicKey('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
export const ASSOCIATED = new PublicKey('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL');
export const MEMO = new PublicKey('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr');
const MINT_BYTES = 82;
const MINT_RENT = 1_461_600;

const account = (pubkey, flags = '') => ({ pubkey, isSigner: flags.includes('s'), isWritable: flags.includes('w') });
const instruction = (programId, keys, ...parts) => new TransactionInstruction({ programId, keys, data: Buffer.concat(parts) });
const u64 = (n) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(n));
  return out;
};
const bytes = (...list) => Buffer.from(list);

export function associated(wallet, mint) {
  return PublicKey.findProgramAddressSync([wallet.toBytes(), TOKEN.toBytes(), mint.toBytes()], ASSOCIATED)[0];
}

/** Makes the account and the mint, whose authority is the payer. */
export function createMint(payer, mint, decimals) {
  return [
    SystemProgram.createAccount({ fromPubkey: payer, newAccountPubkey: mint, lamports: MINT_RENT, space: MINT_BYTES, programId: TOKEN }),
    instruction(TOKEN, [account(mint, 'w')], bytes(20, decimals), payer.toBuffer(), bytes(0)),
  ];
}

export function createAssociated(payer, wallet, mint) {
  return instruction(ASSOCIATED, [
    account(payer, 'sw'), account(associated(wallet, mint), 'w'), account(wallet), account(mint), account(SystemProgram.programId), account(TOKEN),
  ], bytes(1));
}

export function mintTo(mint, to, authority, amount) {
  return instruction(TOKEN, [account(mint, 'w'), account(to, 'w'), account(authority, 's')], bytes(7), u64(amount));
}

export function transferChecked(from, to, mint, amount, decimals) {
  return instruction(TOKEN, [
    account(associated(from, mint), 'w'), account(mint), account(associated(to, mint), 'w'), account(from, 's'),
  ], bytes(12), u64(amount), bytes(decimals));
}

export function closeToken(tokenAccount, to, owner) {
  return instruction(TOKEN, [account(tokenAccount, 'w'), account(to, 'w'), account(owner, 's')], bytes(9));
}

export function memo(text) {
  return instruction(MEMO, [], Buffer.from(text));
}
