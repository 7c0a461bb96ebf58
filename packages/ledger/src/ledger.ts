/**
 * The one writer. `append` is the only way into a ledger: exporter, collector and command line all come through here.
 * One batch is one SQLite transaction that ends with a signed checkpoint over everything before it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type EntryType,
  encodeBody,
  encodeVkey,
  FORMAT_VERSION,
  MerkleFrontier,
  parseVkey,
  utf8Of,
  ZERO_HASH_HEX,
} from '@infrafabric/format';
import {
  type Connection,
  createSchema,
  isEmpty,
  openForWriting,
  requireLedger,
  statement,
  upgradeSchema,
} from './database.js';
import type { Appended, Draft } from './draft.js';
import { Duplicates } from './duplicates.js';
import { EpochSigners, type SigningKey } from './epoch-signers.js';
import type { Erasure } from './erasure/erase.js';
import type { Redacted, RedactOptions } from './erasure/redacted.js';
import { headFile } from './head-file.js';
import { HeadKeeper } from './head-keeper.js';
import { insertBatch, insertCheckpoint, insertCosignatures, readBack } from './insert.js';
import { type KeyHolder, keyHolderOf } from './key-holder.js';
import { destroyPrivateHalf, keepVkey, privateKeyIds, setAsideVkeys } from './keys.js';
import { LedgerError, ledgerErrorOf } from './ledger-error.js';
import { finishRotations, ledgerKeys } from './past-keys.js';
import { planBatch } from './plan-batch.js';
import { type Prepared, prepareAll } from './prepare.js';
import { writePrivateFile } from './private-file.js';
import type { LedgerView } from './reader.js';
import { contradictionOfHead, requireNotBehindHead } from './remembered-head.js';
import type { Rotated, RotateOptions } from './rotation.js';
import { sealBatch } from './seal.js';
import type { Signer } from './signer.js';
import { newestNote, readTip, type Tip } from './tip.js';
import type { WalBackfill } from './wal-backfill.js';
import { type WitnessPaths, witnessPaths } from './witness-home.js';

/** Of a long-lived writer. A head that is behind is safe: it only ever goes forward. */
const REMEMBER_EVERY_MS = 100;

/** What a test or a golden vector may fix. */
export interface Sources {
  /** Receive time, nanoseconds since the Unix epoch. */
  readonly nowUnixNano: () => bigint;
  readonly randomBytes: (octets: number) => Uint8Array;
}

/** How to open a ledger. */
export interface LedgerOptions {
  /** Witness home; default `IF_WITNESS_HOME`, else `~/.if-witness`. */
  readonly home?: string | undefined;
  /** Ledger file; default `witness.db` in the home. */
  readonly ledger?: string | undefined;
  /** How long to wait for another writer, milliseconds; default 5,000. */
  readonly timeoutMs?: number;
  /** Longest that SQLite may block this thread at once, milliseconds; default 100. */
  readonly busyTimeoutMs?: number;
  /**
   * For writers that append many batches: keeps filters of known spans in memory, and remembers the head at most ten times a
   * second. Default false.
   */
  readonly longLived?: boolean;
  /** Moves the write-ahead log in a thread of its own; for writers that do little else. Default false. */
  readonly backfill?: boolean;
  /**
   * Signs instead of the key file, e.g. a KMS. It must hold the ledger's current key. Default: the key file, or where there is
   * none for the current key, the process that `IF_WITNESS_SIGNER` names.
   */
  readonly signer?: Signer;
  readonly sources?: Sources;
}

const SYSTEM: Sources = {
  nowUnixNano: () => BigInt(Date.now()) * 1_000_000n,
  randomBytes: (octets) => randomBytes(octets),
};

/** A ledger open for appending. Several processes may hold the same file open. */
export class Ledger {
  readonly paths: WitnessPaths;
  readonly #db: Connection;
  readonly #inode: number;
  readonly #timeoutMs: number;
  readonly #sources: Sources;
  readonly #duplicates: Duplicates;
  readonly #signers: EpochSigners;
  #tip: Tip | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  #view: LedgerView | undefined;
  readonly #head: HeadKeeper;
  #wal: WalBackfill | undefined;

  private constructor(db: Connection, paths: WitnessPaths, options: LedgerOptions, holder: KeyHolder | undefined) {
    this.#db = db;
    this.paths = paths;
    this.#inode = statSync(paths.ledger).ino;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#sources = options.sources ?? SYSTEM;
    const { randomBytes } = this.#sources;
    this.#signers = new EpochSigners({ home: paths.home, given: options.signer, holder, randomBytes });
    this.#duplicates = new Duplicates(options.longLived === true);
    this.#head = new HeadKeeper(db, paths.ledger, options.longLived === true ? REMEMBER_EVERY_MS : 0);
  }

  /**
   * Opens a ledger, creating home, key, file and genesis entry when there is none.
   * @throws LedgerError; nothing is created when a remembered head says that a ledger was here.
   */
  static async open(options: LedgerOptions = {}): Promise<Ledger> {
    const paths = witnessPaths(options);
    if (!existsSync(paths.ledger) && existsSync(headFile(paths.ledger))) {
      throw new LedgerError(
        'behind-head',
        `the ledger is gone, but its head is remembered: ${headFile(paths.ledger)}`,
        {
          hint: 'restore the ledger from a copy; to start another one, name another file with --ledger',
        },
      );
    }
    const holder = keyHolderOf();
    const db = openForWriting(paths.ledger, options.busyTimeoutMs ?? 100);
    try {
      const ledger = new Ledger(db, paths, options, holder);
      await ledger.#exclusively(() => ledger.#prepareFile());
      requireLedger(db, paths.ledger);
      // Outside of a write transaction: for a large ledger it takes a second or two.
      db.transaction(() => ledger.#duplicates.catchUp(db, entryCount(db)))();
      if (options.backfill === true)
        ledger.#wal = new (await import('./wal-backfill.js')).WalBackfill(db, paths.ledger);
      return ledger;
    } catch (error) {
      db.close();
      throw ledgerErrorOf(error, paths.ledger);
    }
  }

  /** The ledger's name; known after the first append, or read from the file. */
  origin(): string {
    return (this.#tip ?? this.#db.transaction(() => readTip(this.#db))()).origin;
  }

  /**
   * Appends a batch and answers after it is durable: one result a draft, in order. Calls are carried out one after another.
   * @throws LedgerError, FormatError; then nothing of the batch is acknowledged. After a failed commit whether the batch is
   * stored is unknown: append it again, duplicates are recognised.
   */
  append(drafts: readonly Draft[]): Promise<Appended[]> {
    return this.#inTurn(() => this.#appendPrepared(prepareAll(drafts, this.#sources.randomBytes)));
  }

  /** {@link Ledger.append} of what is prepared already: see pack-spans.ts and import/prepare-import.ts. */
  appendPrepared(prepared: readonly Prepared[]): Promise<Appended[]> {
    return this.#inTurn(() => this.#appendPrepared(prepared));
  }

  /**
   * Appends what `decide` makes of the ledger as the write transaction sees it: nobody can append between its look and the
   * commit. It must not wait for anything. Nothing decided, nothing
   * appended.
   * @throws as {@link Ledger.append}, and what `decide` throws; then nothing is appended.
   */
  async appendDecided(decide: (view: LedgerView) => readonly Draft[]): Promise<Appended[]> {
    const view = await this.view();
    return this.#appendDecided(() => decide(view));
  }

  #appendDecided(decide: () => readonly Draft[], erasure?: Erasure): Promise<Appended[]> {
    const run = this.#inTurn(() =>
      this.#exclusively(async () => {
        this.#currentTip();
        const drafts = decide();
        return drafts.length === 0
          ? []
          : this.#appendInTransaction(prepareAll(drafts, this.#sources.randomBytes), { erasure });
      }),
    );
    return run.catch((error) => {
      throw ledgerErrorOf(error, this.paths.ledger);
    });
  }

  /**
   * Erases the payloads of entries, and gets rid of older copies of them; the entries stay, and signed redaction entries say
   * who went and why. In batches, each a transaction of its own. Without targets it only finishes what an earlier call could
   * not. What a batch erased stays erased when a later one fails.
   * @throws as {@link Ledger.append}; RangeError for a target that is no seq, or a reason that is empty or too long
   */
  async redact(targets: readonly number[], reason: string, options: RedactOptions = {}): Promise<Redacted> {
    const { redact } = await import('./erasure/redact.js');
    const writer = {
      db: this.#db,
      path: this.paths.ledger,
      home: this.paths.home,
      inTurn: <T>(work: () => Promise<T>) => this.#inTurn(work),
      append: (decide: () => readonly Draft[], erasure: Erasure) => this.#appendDecided(decide, erasure),
      exclusively: (work: () => void) =>
        this.#inTurn(() =>
          this.#exclusively(async () => {
            work();
            this.#db.exec('COMMIT');
          }),
        ),
      origin: () => this.origin(),
    };
    return redact(writer, targets, reason, options).catch((error) => {
      throw ledgerErrorOf(error, this.paths.ledger);
    });
  }

  /** Look-ups in what is committed, over this connection. */
  async view(): Promise<LedgerView> {
    // Loaded only now: a process that appends one event has no use for it.
    this.#view ??= (await import('./reader.js')).viewOf(this.paths.ledger, this.#db);
    return this.#view;
  }

  /** Whether there is an entry of a type other than `span`. A look into an index: cheap, whatever the ledger's size. */
  has(type: Exclude<EntryType, 'span'>): boolean {
    const sql = "SELECT 1 FROM entries INDEXED BY entries_control WHERE type = ? AND type <> 'span' LIMIT 1";
    return statement(this.#db, sql).get(type) !== undefined;
  }

  /**
   * Accepts an older or other copy that was restored on purpose: a `restored` entry records the head that is given up, and
   * the new one is remembered in its place. Undefined when the ledger does not contradict its remembered head.
   * @throws LedgerError
   */
  acceptHead(reason: string): Promise<Appended | undefined> {
    return this.#inTurn(() => this.#exclusively(() => this.#acceptHeadInTransaction(reason)));
  }

  /**
   * Keeps signature lines of witnesses under the checkpoint of a size; of two by one witness the one that came last. No entry
   * and no checkpoint is made of it. Whether they verify is the caller's to know.
   * @throws LedgerError; FormatError `note.malformed`; RangeError where no checkpoint has that size.
   */
  storeCosignatures(size: number, lines: readonly string[]): Promise<void> {
    return this.#inTurn(() =>
      this.#exclusively(async () => {
        this.#currentTip();
        insertCosignatures(this.#db, size, lines);
        this.#db.exec('COMMIT');
      }).catch((error) => {
        throw ledgerErrorOf(error, this.paths.ledger);
      }),
    );
  }

  /**
   * Hands over to another key: a signed entry names it, both keys sign the checkpoint behind that entry, then the old private
   * key is destroyed. Other writers of this home go on with the new one by themselves. Undefined when the current key is not as
   * old as was asked.
   * @throws LedgerError `key.missing`, `key.invalid`, `signer` and as {@link Ledger.append}; after a failed commit whether the
   * key was changed is unknown, and the ledger goes on with the one that it names.
   */
  rotate(options: RotateOptions = {}): Promise<Rotated | undefined> {
    return this.#inTurn(() =>
      this.#exclusively(() => this.#rotateInTransaction(options)).catch((error) => {
        throw ledgerErrorOf(error, this.paths.ledger);
      }),
    );
  }

  /** Whether the ledger could be continued now: takes the write lock, checks tip and key, writes nothing. @throws LedgerError */
  probe(): Promise<void> {
    return this.#inTurn(() =>
      this.#exclusively(async () => {
        await this.#signers.current(this.#db, this.#currentTip()).check?.();
      }).catch((error) => {
        throw ledgerErrorOf(error, this.paths.ledger);
      }),
    );
  }

  /** Waits for what is under way, then closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue;
    await this.#wal?.close();
    this.#head.close();
    this.#db.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new LedgerError('closed', 'the ledger is closed'));
    const run = this.#queue.then(work);
    this.#queue = run.catch(() => undefined);
    return run;
  }

  async #appendPrepared(prepared: readonly Prepared[]): Promise<Appended[]> {
    if (prepared.length === 0) return [];
    try {
      return await this.#exclusively(() => this.#appendInTransaction(prepared));
    } catch (error) {
      throw ledgerErrorOf(error, this.paths.ledger);
    }
  }

  async #appendInTransaction(prepared: readonly Prepared[], { next, erasure }: Beside = {}): Promise<Appended[]> {
    const db = this.#db;
    const tip = this.#currentTip();
    this.#duplicates.catchUp(db, tip.size);
    const { toSeal, results } = planBatch(db, prepared, tip.size, this.#duplicates);
    const appended: Appended[] = new Array(prepared.length);
    if (toSeal.length > 0) {
      const batch = sealBatch(tip, toSeal, this.#sources.nowUnixNano());
      insertBatch(db, batch, erasure);
      // A log was once lost to one leaf that differed from its hash: what is signed is what the file gives back.
      readBack(db, batch);
      const current = { vkey: tip.vkey, signer: this.#signers.current(db, tip) };
      const keys = next === undefined ? [current] : [current, next];
      const note = await this.#signers.checkpoint(tip.origin, keys, batch.frontier);
      insertCheckpoint(db, batch.frontier.size, note);
      if (next !== undefined) next.isCommitting = true;
      // Dies here: SQLite rolls the batch back, the signature was never published, no caller was told.
      db.exec('COMMIT');
      // Dies here: the batch is stored and covered; the caller was not told and will send it again, as duplicates.
      this.#tip = {
        ...tip,
        size: batch.frontier.size,
        note,
        frontier: batch.frontier,
        prevHex: batch.prevHex,
        lastAt: batch.at,
        ...(next === undefined ? {} : { vkey: next.vkey, epoch: { seq: batch.frontier.size - 1, at: batch.at } }),
      };
      this.#duplicates.addedUpTo(batch.frontier.size);
      this.#head.committed();
      this.#wal?.committed(batch.octets.length + payloadOctets(prepared));
      for (const [i, { seq, hashHex }] of batch.entries.entries())
        appended[toSeal[i]!.index] = { outcome: 'appended', seq, hashHex };
    }
    for (const [i, result] of results.entries()) {
      // A duplicate of a span of this same batch is known by that span's index.
      if (typeof result === 'number') appended[i] = { ...appended[result]!, outcome: 'duplicate' };
      else if (result !== undefined) appended[i] = result;
    }
    return appended;
  }

  async #acceptHeadInTransaction(reason: string): Promise<Appended | undefined> {
    const tip = readTip(this.#db);
    const contradiction = contradictionOfHead(this.#db, this.paths.ledger, tip);
    if (contradiction === undefined) return undefined;
    this.#tip = tip;
    const { head } = contradiction;
    const body = {
      reason,
      ...(head === undefined ? {} : { origin: head.origin, root: head.rootHex, size: head.size }),
    };
    const [appended] = await this.#appendInTransaction(
      prepareAll([{ type: 'restored', body }], this.#sources.randomBytes),
    );
    // Dies here: the entry is there, the old head too; accepting it once more adds a second such entry and then this file.
    writePrivateFile(headFile(this.paths.ledger), this.#tip!.note);
    // Keys of the history that is given up are no longer expected.
    const keys = ledgerKeys(this.#db).map(({ vkey }) => vkey);
    setAsideVkeys(this.paths.home, tip.origin, (vkey) => keys.includes(vkey));
    return appended;
  }

  async #rotateInTransaction(options: RotateOptions): Promise<Rotated | undefined> {
    const { reason, ifOlderThanMs = 0 } = options;
    const { home } = this.paths;
    const tip = this.#currentTip();
    const ageMs = (this.#sources.nowUnixNano() - tip.epoch.at) / 1_000_000n;
    if (ifOlderThanMs > 0 && ageMs < ifOlderThanMs) return undefined;
    // First: without the old key there is no handing over.
    this.#signers.current(this.#db, tip);
    const usedIds = ledgerKeys(this.#db).map(({ vkey }) => parseVkey(vkey).keyIdHex);
    const signer = await this.#signers.next(tip.origin, usedIds, options);
    const vkey = encodeVkey(tip.origin, signer.publicKey);
    const next: NextKey = { vkey, signer, isCommitting: false };
    const { keyIdHex: newKeyIdHex } = parseVkey(vkey);
    const body = utf8Of(encodeBody({ key: vkey, ...(reason === undefined ? {} : { reason }) }));
    let seq: number;
    try {
      const [appended] = await this.#appendInTransaction([{ type: 'rotation', critical: true, body }], { next });
      seq = appended!.seq;
    } catch (error) {
      // A failed commit is unknown, not absent: then the new key stays. One that no ledger names does no harm.
      if (this.#signers.isOfFile(signer) && !next.isCommitting) destroyPrivateHalf(home, tip.origin, newKeyIdHex);
      throw error;
    }
    // Dies here: both private halves are on disk, the ledger says which one signs, and the next writer does what follows.
    this.#signers.handOver(signer);
    const { keyIdHex: oldKeyIdHex } = parseVkey(tip.vkey);
    const wasHere = privateKeyIds(home, tip.origin).includes(oldKeyIdHex);
    finishRotations(this.#db, home, this.#tip!);
    const isHere = privateKeyIds(home, tip.origin).includes(oldKeyIdHex);
    const oldPrivateHalf = isHere ? 'kept' : wasHere ? 'destroyed' : 'elsewhere';
    return { origin: tip.origin, seq, oldKeyIdHex, newKeyIdHex, newVkey: vkey, oldPrivateHalf };
  }

  /** The tip as the transaction sees it; checked in full unless this process wrote it. */
  #currentTip(): Tip {
    const note = newestNote(this.#db);
    if (this.#tip !== undefined && note !== undefined && Buffer.compare(this.#tip.note, note) === 0) return this.#tip;
    const tip = readTip(this.#db);
    requireNotBehindHead(this.#db, this.paths.ledger, tip);
    this.#tip = tip;
    return tip;
  }

  /** Creates what is empty, and brings an older schema up to date. */
  async #prepareFile(): Promise<void> {
    if (isEmpty(this.#db)) await this.#create();
    else if (upgradeSchema(this.#db)) this.#db.exec('COMMIT');
  }

  async #create(): Promise<void> {
    const db = this.#db;
    const origin = `if-witness/${Buffer.from(this.#sources.randomBytes(10)).toString('hex')}`;
    // Durable before the ledger that needs it.
    const signer = await this.#signers.first(origin);
    const vkey = encodeVkey(origin, signer.publicKey);
    keepVkey(this.paths.home, origin, vkey);
    createSchema(db);
    const start = {
      origin,
      vkey,
      size: 0,
      note: undefined,
      frontier: new MerkleFrontier(),
      prevHex: ZERO_HASH_HEX,
      lastAt: 0n,
    };
    const body = utf8Of(encodeBody({ format: FORMAT_VERSION, key: vkey, origin }));
    const genesis = { index: 0, prepared: { type: 'genesis', body } } as const;
    const batch = sealBatch(start, [genesis], this.#sources.nowUnixNano());
    insertBatch(db, batch);
    readBack(db, batch);
    insertCheckpoint(db, 1, await this.#signers.checkpoint(origin, [{ vkey, signer }], batch.frontier));
    db.exec('COMMIT');
    this.#head.committed();
  }

  /** Runs `work` inside BEGIN IMMEDIATE; `work` commits itself when it has something to keep. */
  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    await this.#begin();
    try {
      return await work();
    } catch (error) {
      this.#tip = undefined;
      throw error;
    } finally {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    }
  }

  async #begin(): Promise<void> {
    const deadline = Date.now() + this.#timeoutMs;
    for (let pauseMs = 5; ; pauseMs = Math.min(2 * pauseMs, 100)) {
      this.#requireSameFile();
      try {
        this.#db.exec('BEGIN IMMEDIATE');
        return;
      } catch (error) {
        const translated = ledgerErrorOf(error, this.paths.ledger);
        if (!(translated instanceof LedgerError) || translated.code !== 'locked' || Date.now() >= deadline)
          throw translated;
        await sleep(pauseMs * (0.5 + Math.random()));
      }
    }
  }

  #requireSameFile(): void {
    if (statSync(this.paths.ledger, { throwIfNoEntry: false })?.ino !== this.#inode) {
      throw new LedgerError('gone', `the ledger file was moved or replaced: ${this.paths.ledger}`, {
        hint: 'put the file back, then restart the writer',
      });
    }
  }
}

/** The key of the next epoch. */
interface NextKey extends SigningKey {
  /** From then on it may be the ledger's. */
  isCommitting: boolean;
}

/** What happens in the transaction of a batch beside its entries. */
interface Beside {
  /** The key that takes over with this batch. */
  readonly next?: NextKey | undefined;
  /** Payloads to erase. */
  readonly erasure?: Erasure | undefined;
}

function entryCount(db: Connection): number {
  return 1 + (statement(db, 'SELECT max(seq) FROM entries').pluck().get() as number);
}

function payloadOctets(prepared: readonly Prepared[]): number {
  return prepared.reduce((sum, item) => sum + ('payload' in item ? item.payload.length : 0), 0);
}
