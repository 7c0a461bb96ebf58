/**
 * What accounting costs a span, as a share of `JSON.stringify` of the same span: `node bench/accounting.mjs` after a build.
 * The spans are the recorded exports of test/data/genai, by kind: those that are about a model, and those that are not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountFor, labelsOf } from '../packages/accounting/dist/index.js';
import { decodeTraceRequest, parseTraceRequestJson } from '../packages/otlp/dist/index.js';

const ROUNDS = 15;
const ROUND_MS = 60;
const DATA = new URL('../test/data/genai/', import.meta.url).pathname;

const spans = readdirSync(DATA, { recursive: true })
  .filter((file) => /\d\.(?:pb|json)$/.test(file))
  .flatMap((file) => {
    const body = readFileSync(join(DATA, file));
    return (file.endsWith('.pb') ? decodeTraceRequest(body) : parseTraceRequestJson(body.toString())).spans;
  })
  .map((record) => ({
    accounted: { attributes: record.attributes, scopeName: record.scope.name, statusCode: record.status.code },
    // BigInts as numbers, once and before: stringify cannot write them, and a replacer would slow it down.
    plain: plain({ ...record, resource: undefined, scope: undefined }),
  }));

const kinds = {
  'about a model': spans.filter(({ accounted }) => accountFor(accounted).usage !== undefined),
  'not about a model': spans.filter(({ accounted }) => accountFor(accounted).usage === undefined),
};

for (const [kind, some] of Object.entries(kinds)) {
  const ratios = [];
  let accountNs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const stringify = nanosPerSpan(some, ({ plain }) => JSON.stringify(plain).length);
    accountNs = nanosPerSpan(some, ({ accounted }) => (accountFor(accounted).usage === undefined ? 0 : 1));
    ratios.push(accountNs / stringify);
  }
  const labelNs = nanosPerSpan(some, ({ accounted }) => (labelsOf(accounted.attributes).session === undefined ? 0 : 1));
  console.log(
    `${some.length} spans ${kind}: accounting ${median(ratios).toFixed(2)} x JSON.stringify ` +
      `(${Math.round(accountNs)} ns a span; labels ${Math.round(labelNs)} ns)`,
  );
}

function nanosPerSpan(some, work) {
  let sum = 0;
  let done = 0;
  const start = process.hrtime.bigint();
  let elapsed = 0n;
  while (elapsed < BigInt(ROUND_MS) * 1_000_000n) {
    for (const span of some) sum += work(span);
    done += some.length;
    elapsed = process.hrtime.bigint() - start;
  }
  if (sum < 0) throw new Error('unreachable; keeps the work from being dropped');
  return Number(elapsed) / done;
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function plain(value) {
  return JSON.parse(JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? Number(member) : member)));
}
