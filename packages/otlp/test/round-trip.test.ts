import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assembleTraceRequest,
  decodeResourceContext,
  decodeScopeContext,
  decodeSpan,
  decodeTraceRequest,
  encodeResourceContext,
  encodeScopeContext,
  encodeSpan,
  encodeTraceRequest,
  parseTraceRequestJson,
  renderTraceRequestJson,
  traceRequestJsonObject,
} from '../dist/index.js';
import { requests, resources, scopes, spans } from './arbitraries.js';

describe('every record survives', () => {
  test('encodeSpan and decodeSpan, and the bytes are the same again', () => {
    fc.assert(
      fc.property(spans, (span) => {
        const bytes = encodeSpan(span);
        const decoded = decodeSpan(bytes, span.resource, span.scope);
        expect(decoded).toStrictEqual(span);
        expect(encodeSpan(decoded)).toStrictEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test('the context encoders and decoders', () => {
    fc.assert(
      fc.property(resources, scopes, (resource, scope) => {
        expect(decodeResourceContext(encodeResourceContext(resource))).toStrictEqual(resource);
        expect(decodeScopeContext(encodeScopeContext(scope))).toStrictEqual(scope);
      }),
      { numRuns: 300 },
    );
  });

  test('a protobuf request', () => {
    fc.assert(
      fc.property(requests, (records) => {
        expect(decodeTraceRequest(encodeTraceRequest(records))).toStrictEqual({ spans: records, rejected: [] });
      }),
      { numRuns: 150 },
    );
  });

  test('a JSON request, on one line or indented', () => {
    fc.assert(
      fc.property(requests, fc.constantFrom(0, 2), (records, indent) => {
        const text = renderTraceRequestJson(records, { indent });
        expect(parseTraceRequestJson(text)).toStrictEqual({ spans: records, rejected: [] });
      }),
      { numRuns: 150 },
    );
  });
});

test('a request assembled from encoded pieces is the request encoded from the records', () => {
  fc.assert(
    fc.property(requests, (records) => {
      const parts = records.map((record) => ({
        resourceContext: encodeResourceContext(record.resource),
        scopeContext: encodeScopeContext(record.scope),
        span: encodeSpan(record),
      }));
      expect(assembleTraceRequest(parts)).toStrictEqual(encodeTraceRequest(records));
    }),
    { numRuns: 150 },
  );
});

test('JSON text is what JSON.stringify writes, but for -0', () => {
  fc.assert(
    fc.property(requests, fc.constantFrom(0, 2), (records, indent) => {
      const text = renderTraceRequestJson(records, { indent });
      const stringified = JSON.stringify(traceRequestJsonObject(records), null, indent);
      expect(text.replaceAll(/("doubleValue": ?)-0(?=[\s}])/g, '$10')).toBe(stringified);
    }),
    { numRuns: 100 },
  );
});
