/** The newest checkpoint of a ledger, once it is known to be one to keep: signed, not behind, and what the stored tree gives. */
import { parseVkey, type VerifierKey } from '@infrafabric/format';
import { isNotBehindHead, localKeys, type WitnessPaths } from '@infrafabric/ledger';
import { LedgerReader, LedgerTree } from '@infrafabric/ledger/reader';
import { claimedEpochs, openNote, otherKeyIdsOf, readNote } from '@infrafabric/verify';
import { AnchorError } from './anchor-error.js';

/** A checkpoint to be anchored. */
export interface NewestCheckpoint {
  /** As stored. */
  readonly note: Uint8Array;
  readonly origin: string;
  readonly size: number;
  readonly rootHex: string;
  /** The key that signed it. */
  readonly key: VerifierKey;
}

/** A ledger whose newest checkpoints are looked at, again and again. It holds no lasting transaction. */
export class AnchoredLedger {
  readonly paths: WitnessPaths;
  readonly reader: LedgerReader;
  readonly #key: VerifierKey | undefined;

  /** @param key that must have signed; default: one of those in the witness home @throws LedgerError */
  constructor(paths: WitnessPaths, key?: VerifierKey) {
    this.paths = paths;
    this.#key = key;
    this.reader = LedgerReader.open(paths.ledger, { sees: 'latest' });
  }

  close(): void {
    this.reader.close();
  }

  /** The newest checkpoint as of now. @throws AnchorError `no-key`, `ledger`; LedgerError. */
  newest(): NewestCheckpoint {
    const note = this.reader.newestNote();
    if (note === undefined) throw bad(`there is no checkpoint in ${this.paths.ledger}`);
    const key = this.#key ?? heldKeyOf(this.paths.home, note);
    if (key === undefined) {
      throw new AnchorError('no-key', 'no key is held that could check the checkpoint', {
        hint: 'give it with --key, or run this where the ledger is written',
      });
    }
    const opened = openNote(note, key);
    if (!opened.ok) throw bad(`the newest checkpoint is not one to keep: ${opened.message}`, hintFor(note, key));
    const { origin, size, rootHex } = opened.checkpoint;
    requireNotBehindHead(this.paths.ledger, origin, size);
    return { note, origin, size, rootHex, key };
  }

  /** Consistency proof between two sizes of the ledger, hex. @throws LedgerError `tampered` */
  proof(oldSize: number, newSize: number): readonly string[] {
    return new LedgerTree(this.reader).consistencyProof(oldSize, newSize);
  }

  /** Root of the first `size` entries as the file has them, hex; undefined beyond its end. @throws LedgerError `tampered` */
  rootHex(size: number): string | undefined {
    return size > this.reader.entryCount() ? undefined : new LedgerTree(this.reader).rootHex(size);
  }

  /** Keys that may have signed an earlier checkpoint: that of the newest one, and those that the ledger says it had. */
  keys({ key }: NewestCheckpoint): readonly VerifierKey[] {
    return [key, ...(claimedEpochs(this.reader) ?? []).flatMap((epoch) => epoch.key ?? [])];
  }

  /** Refuses a file whose tree is not what its newest checkpoint signed. @throws AnchorError `ledger`. */
  requireTree({ size, rootHex }: NewestCheckpoint): void {
    if (this.rootHex(size) !== rootHex) throw bad('the stored tree does not give the root that was signed');
  }
}

/** Of the keys in the home the one that signed a note, else the first of that origin. */
function heldKeyOf(home: string, note: Uint8Array): VerifierKey | undefined {
  const read = readNote(note);
  if (!read.ok) return undefined;
  const keys = localKeys(home, read.checkpoint.origin).map(({ vkey }) => parseVkey(vkey));
  return keys.find((key) => openNote(note, key).ok) ?? keys[0];
}

/** An older copy would be anchored as if it were all there is. */
function requireNotBehindHead(ledger: string, origin: string, size: number): void {
  if (isNotBehindHead(ledger, origin, size)) return;
  throw bad('the ledger is behind its remembered head, or the head is not its own');
}

/** A key that was changed by a rotation is no reason to suspect the ledger. */
function hintFor(note: Uint8Array, key: VerifierKey): string | undefined {
  const ids = otherKeyIdsOf(note, key);
  if (ids.length === 0) return undefined;
  return `it is signed by key ${ids.join(' and ')} of that name: if the key was changed, run if-witness verify, then give the newer key, which if-witness keys show prints`;
}

function bad(message: string, hint: string = 'run if-witness verify'): AnchorError {
  return new AnchorError('ledger', message, { hint });
}
