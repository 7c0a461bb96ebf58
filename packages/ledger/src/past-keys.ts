/**
 * What a rotation leaves to be done when the machine dies after its commit: the old private half to be destroyed, the new
 * public half to be kept. Done by whoever next loads the current key, inside the write transaction. docs/format.md §rotation.
 */
import { leafHashHex, parseCheckpoint, parseEntry, parseNote, parseVkey } from '@infrafabric/format';
import { type Connection, statement } from './database.js';
import { destroyPrivateHalf, keepVkey, privateKeyIds } from './keys.js';
import { entryText, frontierAt, isSignedBy, newestRotations, type Tip } from './tip.js';

/** A key of the ledger, and the rotation that ended it. */
interface LedgerKey {
  readonly vkey: string;
  /** Undefined for the current one. */
  readonly endedBy: number | undefined;
}

/** Every key that the ledger names, in order of their epochs, as far as they can be read. */
export function ledgerKeys(db: Connection): LedgerKey[] {
  const rotations = newestRotations(db, -1).reverse();
  const first = String(parseEntry(entryText(db, 0) ?? '').body.key);
  return [first, ...rotations.map(({ vkey }) => vkey)].map((vkey, i) => ({ vkey, endedBy: rotations[i]?.seq }));
}

/** Finishes a rotation that was committed. Call inside the transaction that checked `tip`. Never throws. */
export function finishRotations(db: Connection, home: string, { origin, vkey, epoch }: Tip): void {
  if (epoch.seq === 0) return;
  try {
    keepVkey(home, origin, vkey);
    const current = parseVkey(vkey).keyIdHex;
    const others = privateKeyIds(home, origin).filter((id) => id !== current);
    if (others.length === 0) return;
    const keys = ledgerKeys(db);
    for (const [i, { vkey: past, endedBy }] of keys.entries()) {
      if (endedBy === undefined || !others.includes(parseVkey(past).keyIdHex)) continue;
      // A file in the ledger's place could name rotations that never were, to have the real key destroyed.
      if (isProven(db, endedBy, past, keys[i + 1]!.vkey)) destroyPrivateHalf(home, origin, parseVkey(past).keyIdHex);
    }
  } catch {
    // A home that cannot be written now, or a rotation that is no such thing: what is here stays, and doctor says so.
  }
}

/** Whether the key that a rotation ends has signed the tree with that rotation as its last entry. */
export function isProven(db: Connection, seq: number, before: string, after: string): boolean {
  const note = statement(db, 'SELECT note FROM checkpoints WHERE size = ?')
    .pluck()
    .get(seq + 1);
  const text = entryText(db, seq);
  if (!(note instanceof Uint8Array) || text === undefined || !isSignedBy(note, [before, after])) return false;
  const checkpoint = parseCheckpoint(parseNote(note).text);
  // Not the frontier at seq + 1: stored nodes alone may make that up, and nobody would have hashed the rotation.
  const frontier = frontierAt(db, seq);
  frontier.push(leafHashHex(text));
  return checkpoint.size === seq + 1 && frontier.rootHex() === checkpoint.rootHex;
}
