/** kill -9 under load: what was acknowledged is there, once; what was not is there at most once; the ledger is VALID. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCheckpoint, parseNote } from '@infrafabric/format';
import { readHead } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import type { SpanRecord } from '@infrafabric/otlp';
import { expect, test } from 'vitest';
import { newDirectory, randomOf } from '../attacks/ledger-files.js';
import { spanRecord } from '../attacks/spans.js';
import { CollectorProcess } from './collector-process.js';
import { countsByIds, expectValid, idsOf, ledgerOf, pinKey } from './ledger-spans.js';
import { grpcSender, httpSender, type Reply, type Sender } from './senders.js';

const KILLS = Number(process.env.ROUNDS ?? 100);
const SEED = Number(process.env.SEED ?? 3);

/** What the senders know. */
class Senders {
  readonly acknowledged = new Set<string>();
  /** Requests without an answer: sent again, now or later. */
  readonly unanswered: SpanRecord[][] = [];
  /** Requests without an answer whose senders gave up. */
  readonly givenUp: SpanRecord[][] = [];
  readonly counts = { requests: 0, lost: 0, again: 0, refused: 0 };
  readonly #random: () => number;
  #spans = 0;
  /** Whether spans have 100 kB, so that the write-ahead log is moved between two commits. */
  isHeavy = false;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Sends one request after the other until one gets no answer. */
  async work(sender: Sender): Promise<void> {
    while ((await this.sendOne(sender, this.#next())) !== 'lost');
  }

  /** Sends a request, and keeps it when nobody said that it is stored. */
  async sendOne(sender: Sender, spans: SpanRecord[]): Promise<Reply['outcome']> {
    const { outcome, rejected, message } = await sender.send(spans);
    this.counts.requests++;
    expect([outcome, rejected], message).not.toContain('refused');
    expect(rejected).toBe(0);
    if (outcome === 'stored') {
      for (const span of spans) this.acknowledged.add(idsOf(span));
      return outcome;
    }
    this.counts[outcome === 'lost' ? 'lost' : 'refused']++;
    (this.#random() < 0.75 ? this.unanswered : this.givenUp).push(spans);
    return outcome;
  }

  #next(): SpanRecord[] {
    const again = this.#random() < 0.3 ? this.unanswered.shift() : undefined;
    if (again !== undefined) {
      this.counts.again++;
      return again;
    }
    return Array.from({ length: 1 + Math.floor(this.#random() * 20) }, () => this.#span());
  }

  #span(): SpanRecord {
    const span = spanRecord(this.#spans++);
    if (!this.isHeavy) return span;
    return { ...span, attributes: [...span.attributes, ['prompt', `${span.spanId} `.repeat(6_000)]] };
  }
}

function sendersTo({ http, grpc }: CollectorProcess): Sender[] {
  return [
    httpSender(http),
    httpSender(http),
    httpSender(http, { coding: 'gzip' }),
    httpSender(http, { encoding: 'json' }),
    httpSender(http, { encoding: 'json' }),
    grpcSender(grpc),
    grpcSender(grpc),
  ];
}

/** How many entries the remembered head vouches for, and how many there are. */
function sizesOf(path: string): { head: number; entries: number } {
  const reader = LedgerReader.open(path);
  try {
    return { head: parseCheckpoint(parseNote(readHead(path)!).text).size, entries: reader.entryCount() };
  } finally {
    reader.close();
  }
}

test(`${KILLS} times kill -9 under load loses nothing that was acknowledged and doubles nothing; seed ${SEED}`, {
  timeout: 60_000 + KILLS * 6_000,
}, async () => {
  const home = newDirectory();
  const path = ledgerOf(home);
  const random = randomOf(SEED);
  const work = new Senders(random);
  const began = performance.now();
  let key = undefined as ReturnType<typeof pinKey> | undefined;
  for (let kill = 0; kill < KILLS; kill++) {
    const collector = await CollectorProcess.start({ home });
    key ??= pinKey(home);
    const senders = sendersTo(collector);
    work.isHeavy = kill % 10 === 9;
    const before = work.acknowledged.size;
    const under = senders.map((sender) => work.work(sender));
    while (work.acknowledged.size === before && collector.end === undefined) await sleep(1);
    await sleep(random() * (work.isHeavy ? 800 : 80));
    await collector.kill();
    await Promise.all(under);
    for (const sender of senders) sender.close();
    expect(collector.end).toBe('SIGKILL');
    const { head, entries } = sizesOf(path);
    expect(head).toBeLessThanOrEqual(entries);
    if (kill % 25 === 24) expectWhole(path, key, work);
  }
  // The last one is asked for what is still owed, and stopped as it should be.
  const collector = await CollectorProcess.start({ home });
  const senders = sendersTo(collector);
  for (const [i, spans] of work.unanswered.splice(0).entries()) await work.sendOne(senders[i % senders.length]!, spans);
  expect(work.unanswered).toEqual([]);
  for (const sender of senders) sender.close();
  await collector.stop();
  expect(collector.end).toBe(0);
  expectWhole(path, key!, work);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${KILLS} kills in ${seconds} s, ${work.acknowledged.size} spans acknowledged:`, work.counts);
  expect(work.counts.lost).toBeGreaterThan(KILLS);
  expect(work.counts.again).toBeGreaterThan(KILLS / 2);
});

function expectWhole(
  path: string,
  key: ReturnType<typeof pinKey>,
  { acknowledged, unanswered, givenUp }: Senders,
): void {
  const counts = countsByIds(path);
  expect([...acknowledged].filter((ids) => counts.get(ids) !== 1)).toEqual([]);
  expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
  // Nothing is there that nobody sent.
  const sent = new Set([...acknowledged, ...[...unanswered, ...givenUp].flat().map(idsOf)]);
  expect([...counts.keys()].filter((ids) => !sent.has(ids))).toEqual([]);
  expectValid(path, key);
}
