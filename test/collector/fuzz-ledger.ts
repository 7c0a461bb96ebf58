/**
 * A ledger under fire: what an independent decoder read in each request is kept, and in the end the ledger must hold exactly
 * that: each content once, other content under the same ids flagged, nothing else, and VALID.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { encodeVkey } from '@infrafabric/format';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { expect } from 'vitest';
import { decodeWithProtobufjs } from '../../packages/otlp/test/protobufjs-records.js';
import { concat, field } from '../../packages/otlp/test/samples.js';
import { cleanEnv, programPath } from '../cli/run.js';
import type { OpenIntake } from './inside.js';
import { ledgerOf, pinKey } from './ledger-spans.js';
import { type Reading, textOfSpan } from './second-reading.js';

/** What became of one request. */
export interface FuzzAnswer {
  readonly outcome: 'stored' | 'refused' | string;
  readonly rejected: number;
  readonly message: string;
}

/** Where requests go, e.g. `Sender.sendBytes`. */
export type Take = (body: Uint8Array) => Promise<FuzzAnswer>;

/** How many requests are under way at once. */
const BATCH = 64;

/** Sends requests and knows what must come of it. */
export class FuzzLedger {
  readonly #key: string;
  readonly #home: string;
  /** Digests of what must be there. */
  readonly #contents = new Set<string>();
  #batch: Promise<void>[] = [];
  #under: Promise<unknown> = Promise.resolve();
  /** The first of them. */
  #failure: unknown;
  /** Of one request, from its sending to its answer. */
  slowestMs = 0;
  readonly counts: Record<'refused' | 'stored' | 'partly' | 'spans', number> = {
    refused: 0,
    stored: 0,
    partly: 0,
    spans: 0,
  };

  constructor({ home }: Pick<OpenIntake, 'home'>) {
    this.#home = home;
    const key = pinKey(home);
    this.#key = encodeVkey(key.name, key.publicKey);
  }

  /** Spans that must be there. */
  get entries(): number {
    return this.#contents.size;
  }

  /** Sends a request of which this reading is expected; `name` tells it from others when it fails. */
  async send(take: Take, body: Uint8Array, reading: Reading, name: string): Promise<void> {
    this.expect(reading);
    this.#batch.push(
      this.#sendOne(take, body, reading, name).catch((error: unknown) => {
        this.#failure ??= error;
      }),
    );
    if (this.#batch.length < BATCH) return;
    // One batch is written while the next is made.
    await this.#under;
    this.#under = Promise.all(this.#batch);
    this.#batch = [];
    if (this.#failure !== undefined) await this.settled();
  }

  /** What must be there, whoever sends it. */
  expect(reading: Reading): void {
    if (reading !== 'refused') for (const text of reading.spans) this.#contents.add(digestOf(text));
  }

  /** Resolves when every request sent has its answer; rejects when one of them was not as expected. */
  async settled(): Promise<void> {
    await this.#under;
    await Promise.all(this.#batch);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #sendOne(take: Take, body: Uint8Array, reading: Reading, name: string): Promise<void> {
    const began = performance.now();
    const { outcome, rejected, message } = await take(body);
    this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
    if (reading === 'refused') {
      expect(outcome, `${name}: ${message}`).toBe('refused');
      this.counts.refused++;
      return;
    }
    const counts = JSON.parse(reading.rejected) as [string, number][];
    const expected = counts.reduce((sum, [, count]) => sum + count, 0);
    expect({ outcome, rejected }, `${name}: ${message}`).toEqual({ outcome: 'stored', rejected: expected });
    this.counts[expected === 0 ? 'stored' : 'partly']++;
    this.counts.spans += reading.spans.length;
  }

  /** The ledger holds all of what was sent, and nothing else. Call once nobody writes it any more. */
  expectWhole(): void {
    const path = ledgerOf(this.#home);
    const reader = LedgerReader.open(path);
    const missing = new Set(this.#contents);
    /** Seq of the first entry by ids. */
    const firsts = new Map<string, number>();
    try {
      for (const { seq, entry } of reader.entriesFrom(1)) {
        const { trace, span, conflict } = entry.body;
        const ids = `${trace}${span}`;
        // Not through expect() each time: it is slow, and there are many.
        if (conflict !== firsts.get(ids)) expect({ seq, conflict }).toEqual({ seq, conflict: firsts.get(ids) });
        if (!firsts.has(ids)) firsts.set(ids, seq);
        const text = storedText(reader, seq);
        if (!missing.delete(digestOf(text))) expect.fail(`entry ${seq} was not sent, or is there twice: ${text}`);
      }
      expect(missing.size, 'spans that are missing').toBe(0);
    } finally {
      reader.close();
    }
    this.expectValid();
  }

  /** `if-witness verify --deep` says VALID, by the key that was pinned. */
  expectValid(): void {
    const args = ['verify', '--home', this.#home, '--deep', '--key', this.#key];
    const verify = spawnSync(process.execPath, [programPath('if-witness'), ...args], {
      encoding: 'utf8',
      env: cleanEnv(),
    });
    expect(verify.status, verify.stdout + verify.stderr).toBe(0);
    expect(verify.stdout).toMatch(/^VALID/);
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** What protobufjs reads in a payload and the contexts that it names. */
function storedText(reader: LedgerReader, seq: number): string {
  const { payload } = reader.payload(seq)!;
  const resource = reader.context(payload.subarray(0, 32))!;
  const scope = reader.context(payload.subarray(32, 64))!;
  const request = field(1, concat(resource, field(2, concat(scope, field(2, payload.subarray(64))))));
  return textOfSpan(decodeWithProtobufjs(request).spans[0]!);
}
