import { DiagLogLevel, diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CALL_END_REASONS, verifyCallChain } from '../dist/index.js';
import { observing, offer, payloadOf, request, response, type Told } from './support.js';

// The observer throws nothing into a stack: what went wrong in it shows here.
const problems: unknown[] = [];
beforeAll(() => {
  const note = (...words: unknown[]): void => void problems.push(words);
  diag.setLogger({ error: note, warn: note, info: () => {}, debug: () => {}, verbose: () => {} }, DiagLogLevel.WARN);
});
afterAll(() => diag.disable());

// Few of each, so that what belongs together meets.
const told: fc.Arbitrary<Told> = fc.record({
  callId: fc.constantFrom('one', 'one', 'two'),
  cseq: fc.constantFrom(1, 1, 2),
  branch: fc.constantFrom('b1', 'b1', 'b2'),
  fromTag: fc.constantFrom('a', 'a', 'b', ''),
  toTag: fc.constantFrom('b', 'b', 'a', undefined),
  headers: fc.constantFrom([], offer.headers),
  body: fc.constantFrom('', offer.body),
});
const invitation = told.map((of) => request('INVITE', { ...of, fromTag: 'a', toTag: undefined }));
const method = fc.constantFrom(
  'INVITE',
  'INVITE',
  'INVITE',
  'ACK',
  'ACK',
  'BYE',
  'BYE',
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'REGISTER',
  'REFER',
  'NOTIFY',
  'X',
);
const message = fc.oneof(
  invitation,
  fc.tuple(method, told).map(([name, of]) => request(name, of)),
  fc
    .tuple(fc.constantFrom(100, 180, 183, 200, 200, 202, 302, 401, 407, 486, 487, 503, 603), method, told)
    .map(([status, name, of]) => response(status, 'Why', { ...of, method: name })),
);
const step = fc.record({
  message,
  direction: fc.constantFrom('sent', 'received', 'passing'),
  time: fc.constantFrom(undefined, 1_000, 2_000, 3_000, Number.NaN),
});

test('any messages in any order make calls that end once, with an intact chain, and make no trouble', () => {
  const reasons = new Set<unknown>();
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.constantFrom(1, 3, 100), (steps, maxCalls) => {
      const { observer, spans, calls } = observing({ maxCalls });
      for (const { message: text, ...observation } of steps) observer.observe(text, observation as never);
      observer.close();
      observer.close();
      expect(problems).toEqual([]);
      const { messages, callsBegun } = observer.counts;
      expect(messages).toBe(steps.length);
      expect(calls()).toHaveLength(callsBegun);
      for (const call of calls()) {
        const { attributes } = call;
        reasons.add(attributes['call.end_reason']);
        for (const key of ['call.setup_time_ms', 'call.duration_ms'])
          expect(Number(attributes[key] ?? 0)).toBeGreaterThanOrEqual(0);
        const isChild = (span: ReadableSpan): boolean => span.parentSpanContext?.spanId === call.spanContext().spanId;
        const payloads = spans().filter(isChild).map(payloadOf);
        expect(verifyCallChain(payloads).isIntact).toBe(true);
        // Stragglers come after the span has ended, and are events all the same.
        expect(payloads.length).toBeGreaterThanOrEqual(Number(attributes['sip.events']));
        expect(payloads[Number(attributes['sip.events']) - 1]!.event_hash).toBe(attributes['sip.last_event_hash']);
      }
    }),
    { numRuns: 1_000 },
  );
  // The rarest need luck; these come hundreds of times.
  for (const reason of reasons) expect(CALL_END_REASONS).toContain(reason);
  for (const reason of ['hangup', 'cancelled', 'shutdown', 'evicted']) expect(reasons).toContain(reason);
});
