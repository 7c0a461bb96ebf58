/**
 * Where the chain ends, checked before anything is built on top of it: the stored frontier must hash to the newest
 * checkpoint's root, and its signature must be the current key's. A writer that skipped this would sign what an attacker
 * left there.
 */
import { createPublicKey, verify } from 'node:crypto';
import {
  type Checkpoint,
  hexOf,
  LOWEST_STORED_LEVEL,
  leafHashHex,
  MerkleFrontier,
  parseCheckpoint,
  parseEntry,
  parseNote,
  parseVkey,
  utf8Of,
} from '@infrafabric/format';
import { type Connection, statement } from './database.js';
import { LedgerError } from './ledger-error.js';

/** The end of the chain as one committed state. */
export interface Tip {
  readonly origin: string;
  /** Verifier key of the epoch that `size` is in. */
  readonly vkey: string;
  readonly size: number;
  /** Newest checkpoint note, exactly as stored. */
  readonly note: Uint8Array;
  readonly frontier: MerkleFrontier;
  /** Leaf hash of the newest entry, hex. */
  readonly prevHex: string;
  /** Receive time of the newest entry, Unix nanoseconds. */
  readonly lastAt: bigint;
}

/** Octets of the newest checkpoint note, or undefined in a file without one. */
export function newestNote(db: Connection): Uint8Array | undefined {
  return statement(db, 'SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1').pluck().get() as
    | Uint8Array
    | undefined;
}

/** Reads and checks the tip. Call inside a transaction. @throws LedgerError `tampered`. */
export function readTip(db: Connection): Tip {
  const note = newestNote(db);
  const first = entryText(db, 0);
  if (note === undefined || first === undefined) throw tampered('there is no genesis entry or no checkpoint');
  try {
    const genesis = parseEntry(first);
    const { origin, key } = genesis.body as { origin?: unknown; key?: unknown };
    if (genesis.type !== 'genesis' || typeof origin !== 'string' || typeof key !== 'string') {
      throw tampered('entry 0 is not genesis');
    }
    const checkpoint = openNote(note, origin, currentVkey(db) ?? key);
    const size = checkpoint.size;
    if (statement(db, 'SELECT max(size) FROM checkpoints').pluck().get() !== size) {
      throw tampered('the newest checkpoint is stored under a size that is not its own');
    }
    if (statement(db, 'SELECT max(seq) FROM entries').pluck().get() !== size - 1) {
      throw tampered('the newest checkpoint does not cover exactly the entries there are');
    }
    const frontier = frontierAt(db, size);
    if (frontier.rootHex() !== checkpoint.rootHex) throw tampered('the stored tree does not hash to the signed root');
    const last = entryText(db, size - 1)!;
    const newest = parseEntry(last);
    return {
      origin,
      vkey: currentVkey(db) ?? key,
      size,
      note,
      frontier,
      prevHex: leafHashHex(last),
      lastAt: BigInt(newest.at),
    };
  } catch (error) {
    throw error instanceof LedgerError ? error : tampered('the newest checkpoint or entry is malformed', error);
  }
}

/** Verifier key that the newest rotation names, if there was one. */
function currentVkey(db: Connection): string | undefined {
  const text = statement(
    db,
    "SELECT entry FROM entries WHERE type = 'rotation' AND type <> 'span' ORDER BY seq DESC LIMIT 1",
  )
    .pluck()
    .get() as string | undefined;
  return text === undefined ? undefined : String(parseEntry(text).body.key);
}

function openNote(bytes: Uint8Array, origin: string, vkey: string): Checkpoint {
  if (!isSignedBy(bytes, vkey)) throw tampered('the newest checkpoint is not signed by the current key alone');
  const checkpoint = parseCheckpoint(parseNote(bytes).text);
  if (checkpoint.origin !== origin || parseVkey(vkey).name !== origin) {
    throw tampered('the newest checkpoint has another origin');
  }
  return checkpoint;
}

/** Whether a note carries one signature, which is the key's. @throws FormatError when it is no note. */
export function isSignedBy(bytes: Uint8Array, vkey: string): boolean {
  const { text, signatures } = parseNote(bytes);
  const { name, keyIdHex, publicKey } = parseVkey(vkey);
  const [first] = signatures;
  if (first === undefined || signatures.length > 1 || first.name !== name || first.keyIdHex !== keyIdHex) return false;
  // RFC 8410 §4: SubjectPublicKeyInfo of a raw Ed25519 key.
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return first.signature.length === 64 && verify(null, utf8Of(text), key, first.signature);
}

/** The tree's right edge when it had `size` leaves, from stored nodes and at most 255 leaves. */
export function frontierAt(db: Connection, size: number): MerkleFrontier {
  const peaks: (string | undefined)[] = [];
  const width = 2 ** LOWEST_STORED_LEVEL;
  const base = size - (size % width);
  const node = statement(db, 'SELECT hash FROM nodes WHERE level = ? AND node = ?').pluck();
  for (let level = LOWEST_STORED_LEVEL, index = base / width; index > 0; level++, index = Math.floor(index / 2)) {
    if (index % 2 === 0) continue;
    const hash = node.get(level, index - 1);
    if (!(hash instanceof Uint8Array)) throw tampered('a stored tree node is missing');
    peaks[level] = hexOf(hash);
  }
  const frontier = new MerkleFrontier(base, peaks);
  const rest = statement(db, 'SELECT entry FROM entries WHERE seq >= ? AND seq < ? ORDER BY seq')
    .pluck()
    .all(base, size);
  for (const text of rest) frontier.push(leafHashHex(String(text)));
  if (frontier.size !== size) throw tampered('entries are missing at the end of the chain');
  return frontier;
}

function entryText(db: Connection, seq: number): string | undefined {
  return statement(db, 'SELECT entry FROM entries WHERE seq = ?').pluck().get(seq) as string | undefined;
}

function tampered(what: string, cause?: unknown): LedgerError {
  return new LedgerError('tampered', `refusing to continue this ledger: ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'run if-witness verify; nothing was written',
  });
}
