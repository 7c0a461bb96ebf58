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

/** Where the current key came from. */
export interface EpochStart {
  readonly seq: number;
  /** Receive time of that entry, Unix nanoseconds. */
  readonly at: bigint;
}

/** The end of the chain as one committed state. */
export interface Tip {
  readonly origin: string;
  /** Verifier key of the epoch that the next checkpoint is in. */
  readonly vkey: string;
  /** The entry that began this epoch: genesis, or the newest rotation. */
  readonly epoch: EpochStart;
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
    const [rotation, before] = newestRotations(db, 2);
    const vkey = rotation?.vkey ?? key;
    const checkpoint = parseCheckpoint(parseNote(note).text);
    const closesEpoch = rotation !== undefined && checkpoint.size === rotation.seq + 1;
    // The closing checkpoint has the old key's line before the new one's.
    requireSigned(note, checkpoint, origin, closesEpoch ? [before?.vkey ?? key, vkey] : [vkey]);
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
      vkey,
      epoch: rotation ?? { seq: 0, at: BigInt(genesis.at) },
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

/** A rotation as it is stored; what it names is believed by nobody until a checkpoint of that key is seen. */
export interface StoredRotation extends EpochStart {
  readonly vkey: string;
}

/** The newest rotations, newest first. A look into an index, whatever the ledger's size. @throws FormatError */
export function newestRotations(db: Connection, limit: number): StoredRotation[] {
  const sql = `SELECT seq, entry FROM entries INDEXED BY entries_control
    WHERE type = 'rotation' AND type <> 'span' ORDER BY seq DESC LIMIT ?`;
  const rows = statement(db, sql).all(limit) as { seq: number; entry: string }[];
  return rows.map(({ seq, entry }) => {
    const { at, body } = parseEntry(entry);
    return { seq, at: BigInt(at), vkey: String(body.key) };
  });
}

function requireSigned(note: Uint8Array, checkpoint: Checkpoint, origin: string, vkeys: readonly string[]): void {
  if (!isSignedBy(note, vkeys)) throw tampered('the newest checkpoint is not signed by the current key alone');
  if (checkpoint.origin !== origin || vkeys.some((vkey) => parseVkey(vkey).name !== origin)) {
    throw tampered('the newest checkpoint has another origin');
  }
}

/** Whether a note carries exactly the signatures of these keys, in this order. @throws FormatError when it is no note. */
export function isSignedBy(bytes: Uint8Array, vkeys: readonly string[]): boolean {
  const { text, signatures } = parseNote(bytes);
  if (signatures.length !== vkeys.length) return false;
  return vkeys.every((vkey, i) => {
    const { name, keyIdHex, publicKey } = parseVkey(vkey);
    const line = signatures[i]!;
    if (line.name !== name || line.keyIdHex !== keyIdHex || line.signature.length !== 64) return false;
    // RFC 8410 §4: SubjectPublicKeyInfo of a raw Ed25519 key.
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
    return verify(null, utf8Of(text), createPublicKey({ key: der, format: 'der', type: 'spki' }), line.signature);
  });
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

/** Stored text of one entry. */
export function entryText(db: Connection, seq: number): string | undefined {
  return statement(db, 'SELECT entry FROM entries WHERE seq = ?').pluck().get(seq) as string | undefined;
}

function tampered(what: string, cause?: unknown): LedgerError {
  return new LedgerError('tampered', `refusing to continue this ledger: ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'run if-witness verify; nothing was written',
  });
}
