/**
 * A ledger under fire: what an independent decoder read in each request is kept, in order, and in the end the ledger must
 * hold exactly that: each content once, in the order it came, conflicts flagged, nothing else, and VALID.
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
import type { Sender } from './senders.js';

/** What became of one request. */
export interface FuzzAnswer {
  readonly outcome: 'stored' | 'refused' | string;
  readonly rejected: number;
  readonly message: string;
}

/** Where requests go, e.g. {@link Sender.sendBytes}. They are taken in the order of the calls. */
export type Take = (body: Uint8Array) => Promise<FuzzAnswer>;

/** How many requests are under way at once. */
const BATCH = 64;

/** Sends requests and knows what must come of it. */
export class FuzzLedger {
  readonly #key: string;
  readonly #home: string;
  /** Content → nothing; ids → seq of their first entry. */
  readonly #known = new Set<string>();
  readonly #firsts = new Map<string, number>();
  /** By seq, from 1 on. */
  readonly #expected: { readonly content: string; readonly conflict: number | undefined }[] = [];
  #batch: Promise<void>[] = [];
  #under: Promise<unknown> = Promise.resolve();
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

  /** Entries there must be, genesis included. */
  get entries(): number {
    return 1 + this.#expected.length;
  }

  /** Sends a request of which this reading is expected; `name` tells it from others when it fails. */
  async send(take: Take, body: Uint8Array, reading: Reading, name: string): Promise<void> {
    if (reading !== 'refused') for (const text of reading.spans) this.#expect(text);
    this.#batch.push(this.#sendOne(take, body, reading, name));
    if (this.#batch.length < BATCH) return;
    // One batch is written while the next is made.
    await this.#under;
    this.#under = Promise.all(this.#batch);
    this.#under.catch(() => undefined);
    this.#batch = [];
  }

  /** Resolves when every request sent has its answer. */
  async settled(): Promise<void> {
    await this.#under;
    await Promise.all(this.#batch);
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

  #expect(text: string): void {
    const content = digestOf(text);
    if (this.#known.has(content)) return;
    this.#known.add(content);
    const { traceId, spanId } = JSON.parse(text) as { traceId: string; spanId: string };
    const conflict = this.#firsts.get(traceId + spanId);
    if (conflict === undefined) this.#firsts.set(traceId + spanId, this.entries);
    this.#expected.push({ content, conflict });
  }

  /** The whole ledger, once it is closed. */
  expectWhole(): void {
    const path = ledgerOf(this.#home);
    const reader = LedgerReader.open(path);
    try {
      expect(reader.entryCount()).toBe(this.entries);
      for (const { seq, entry } of reader.entriesFrom(1)) {
        const expected = this.#expected[seq - 1];
        const content = digestOf(storedText(reader, seq));
        if (expected?.content !== content || expected.conflict !== entry.body.conflict) {
          expect({ seq, content, conflict: entry.body.conflict }).toEqual({ seq, ...expected });
        }
      }
    } finally {
      reader.close();
    }
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
