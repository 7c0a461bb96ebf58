/** What answers mean, when to come back, and what is sent of stored spans. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeResourceContext, encodeScopeContext, encodeSpan } from '../dist/encode.js';
import {
  decodeTraceRequest,
  type EncodedSpan,
  parseTraceRequestJson,
  type ResourceRecord,
  type ScopeRecord,
} from '../dist/index.js';
import { buildTraceBody, OtlpSendError, retryPauseMs, type SendTraceResponse, sendOutcome } from '../dist/send.js';
import { emptyResource, emptyScope, field, fromHex, spanWith } from './samples.js';

const NOW = Date.UTC(2026, 0, 1, 12);

function answer(status: number, change: Partial<SendTraceResponse> & { readonly text?: string } = {}) {
  const body = Uint8Array.from(Buffer.from(change.text ?? ''));
  return { status, contentType: undefined, body, retryAfter: undefined, ...change };
}

describe('an answer', () => {
  test.each([200, 202, 204])('of %i is taken', (status) => {
    expect(sendOutcome(answer(status), NOW)).toEqual({ kind: 'accepted', message: '' });
  });

  test.each([429, 502, 503, 504])('of %i is for later', (status) => {
    expect(sendOutcome(answer(status), NOW)).toEqual({
      kind: 'retry',
      afterMs: undefined,
      isCutOff: false,
      message: `HTTP ${status}`,
    });
  });

  test.each([100, 301, 307, 400, 401, 403, 404, 405, 408, 413, 415, 500, 501, 505])('of %i is for good', (status) => {
    expect(sendOutcome(answer(status), NOW)).toEqual({ kind: 'refused', status, message: `HTTP ${status}` });
  });

  test.each([
    ['0', 0],
    [' 7 ', 7_000],
    ['999999999999', 999_999_999_999_000],
    [new Date(NOW + 90_000).toUTCString(), 90_000],
    ['Thursday, 01-Jan-26 12:00:10 GMT', 10_000],
    [new Date(NOW - 90_000).toUTCString(), 0],
    ['1.5', undefined],
    ['-1', undefined],
    ['7 apples', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('that says Retry-After: %s asks for %s ms', (retryAfter, afterMs) => {
    expect(sendOutcome(answer(503, { retryAfter }), NOW)).toMatchObject({ kind: 'retry', afterMs });
  });

  test.each([
    ['application/json', '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"bad"}}'],
    ['application/json; charset=utf-8', '{"partial_success":{"rejected_spans":3,"error_message":"bad"}}'],
  ])('may take a request but for some spans (%s)', (contentType, text) => {
    expect(sendOutcome(answer(200, { contentType, text }), NOW)).toEqual({
      kind: 'partial',
      rejectedSpans: 3,
      message: 'bad',
    });
  });

  test('may take a request but for some spans (protobuf)', () => {
    const partial = Uint8Array.from([...fromHex('08 03'), ...field(2, 'bad')]);
    const body = Uint8Array.from([...field(15, 'unknown'), ...field(1, partial)]);
    const contentType = 'application/x-protobuf';
    expect(sendOutcome(answer(200, { contentType, body }), NOW)).toEqual({
      kind: 'partial',
      rejectedSpans: 3,
      message: 'bad',
    });
  });

  test.each([
    ['application/json', '{"partialSuccess":{"errorMessage":"old fields"}}', 'old fields'],
    ['application/json', '{"partialSuccess":{"rejectedSpans":"-4"}}', ''],
    ['application/json', '{"partialSuccess":{"rejectedSpans":"many"}}', ''],
    ['application/json', '{"partialSuccess":null}', ''],
    ['application/json', '[]', ''],
    ['application/json', '{', ''],
    ['application/x-protobuf', '\u0001\u0002\u0003', ''],
    ['text/html; charset=utf-8', '<html>', 'the answer is a web page: is this an OTLP/HTTP endpoint?'],
  ])('of 200 and %s %s took everything', (contentType, text, message) => {
    expect(sendOutcome(answer(200, { contentType, text }), NOW)).toEqual({ kind: 'accepted', message });
  });

  test.each([
    ['application/json', Buffer.from('{"code":3,"message":"not like this"}')],
    ['text/plain; charset=utf-8', Buffer.from('not like this\n')],
    ['application/x-protobuf', field(2, 'not like this')],
  ])('says why in %s', (contentType, body) => {
    expect(sendOutcome(answer(400, { contentType, body }), NOW)).toMatchObject({ message: 'HTTP 400: not like this' });
  });

  test('cannot write more than one bounded line into a log', () => {
    const text = JSON.stringify({ message: `a\r\nb\u001b[2J\u202e\u2028${'x'.repeat(1_000)}` });
    const { message } = sendOutcome(answer(400, { contentType: 'application/json', text }), NOW);
    expect(message).toMatch(/^HTTP 400: a b \[2J x+…$/);
    expect(message).toHaveLength('HTTP 400: '.length + 300);
  });

  test('of any bytes at all is read without an exception', () => {
    const types = fc.constantFrom('application/json', 'application/x-protobuf', 'text/plain', 'text/html', undefined);
    const statuses = fc.constantFrom(200, 400, 503);
    fc.assert(
      fc.property(statuses, types, fc.uint8Array(), fc.string(), (status, contentType, body, retryAfter) => {
        const outcome = sendOutcome({ status, contentType, body, retryAfter }, NOW);
        expect(outcome.message.length).toBeLessThanOrEqual(320);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('no answer', () => {
  const caused = (code: string) => ({ cause: Object.assign(new Error(code), { code }) });

  test.each([
    ['timeout', new OtlpSendError('timeout', 'm'), { kind: 'retry', isCutOff: false }],
    ['nobody there', new OtlpSendError('connection', 'm', caused('ECONNREFUSED')), { kind: 'retry', isCutOff: false }],
    [
      'a broken connection',
      new OtlpSendError('connection', 'm', caused('ECONNRESET')),
      { kind: 'retry', isCutOff: true },
    ],
    ['a closed pipe', new OtlpSendError('connection', 'm', caused('EPIPE')), { kind: 'retry', isCutOff: true }],
    ['a URL that is none', new OtlpSendError('bad_request', 'm'), { kind: 'refused', status: undefined }],
    ['an endless one', new OtlpSendError('response_too_large', 'm'), { kind: 'refused', status: undefined }],
  ])('because of %s', (_, error, outcome) => {
    expect(sendOutcome(error, NOW)).toMatchObject({ ...outcome, message: 'm' });
  });
});

describe('the pause before another try', () => {
  const backoff = { firstMs: 1_000, longestMs: 30_000 };

  test.each([
    [1, 500, 1_500],
    [2, 1_000, 3_000],
    [5, 8_000, 24_000],
    [6, 15_000, 30_000],
    [50, 15_000, 30_000],
    [5_000, 15_000, 30_000],
  ])('after %i failures is between %i and %i ms', (failures, least, most) => {
    expect(retryPauseMs(failures, undefined, backoff, () => 0)).toBe(least);
    expect(retryPauseMs(failures, undefined, backoff, () => 1)).toBe(most);
  });

  test('is as long as the answer asks for, up to ten minutes', () => {
    expect(retryPauseMs(1, 7_000, backoff)).toBe(7_000);
    expect(retryPauseMs(9, 10, backoff, () => 0)).toBe(15_000);
    expect(retryPauseMs(1, 86_400_000, backoff)).toBe(600_000);
  });
});

describe('a body from stored spans', () => {
  const resource: ResourceRecord = { ...emptyResource, attributes: [['service.name', 'shop']], schemaUrl: 'r' };
  const scope: ScopeRecord = { ...emptyScope, name: 'scope', schemaUrl: 's' };
  const records = Array.from({ length: 20 }, (_, i) =>
    spanWith({ name: `span ${i}`, attributes: [['text', 'x'.repeat(i * 20)]], resource, scope }),
  );
  const resourceContext = encodeResourceContext(resource);
  const scopeContext = encodeScopeContext(scope);
  const parts = records.map((record): EncodedSpan => ({ resourceContext, scopeContext, span: encodeSpan(record) }));
  const names = (body: Uint8Array | string): string[] => {
    const { spans } = typeof body === 'string' ? parseTraceRequestJson(body) : decodeTraceRequest(body);
    return spans.map(({ name }) => name);
  };

  test.each(['application/x-protobuf', 'application/json'] as const)('holds them whole, as %s', (contentType) => {
    const built = buildTraceBody(parts, contentType, 1_000_000);
    expect(built).toMatchObject({ spans: 20, taken: 20, unreadable: 0 });
    const { spans } =
      typeof built.body === 'string' ? parseTraceRequestJson(built.body) : decodeTraceRequest(built.body);
    expect(spans).toEqual(records);
  });

  test.each(['application/x-protobuf', 'application/json'] as const)('stays within its size, as %s', (contentType) => {
    for (const maxBytes of [1, 500, 2_000, 10_000]) {
      const sent: string[] = [];
      for (let rest = parts; rest.length > 0; ) {
        const { body, taken } = buildTraceBody(rest, contentType, maxBytes);
        if (taken > 1) expect(body.length).toBeLessThanOrEqual(maxBytes);
        sent.push(...names(body));
        rest = rest.slice(taken);
      }
      expect(sent).toEqual(records.map(({ name }) => name));
    }
  });

  test.each(['application/x-protobuf', 'application/json'] as const)('leaves out what is no context, as %s', (type) => {
    const damaged = { ...parts[1]!, resourceContext: Uint8Array.of(0x12, 0x00) };
    const { body, ...built } = buildTraceBody([parts[0]!, damaged, parts[2]!], type, 1_000_000);
    expect(built).toEqual({ spans: 2, taken: 3, unreadable: 1 });
    expect(names(body)).toEqual(['span 0', 'span 2']);
  });

  test('as JSON leaves out what is no span; protobuf is not decoded', () => {
    const damaged = { ...parts[1]!, span: Uint8Array.of(0x0a) };
    const json = buildTraceBody([parts[0]!, damaged], 'application/json', 1_000_000);
    expect(json).toMatchObject({ spans: 1, taken: 2, unreadable: 1 });
    expect(buildTraceBody([damaged], 'application/json', 10)).toMatchObject({ spans: 0, taken: 1, unreadable: 1 });
    expect(buildTraceBody([parts[0]!, damaged], 'application/x-protobuf', 1_000_000)).toMatchObject({ spans: 2 });
  });
});
