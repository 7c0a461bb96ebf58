/** An `ExportTraceServiceRequest` out of OTLP/JSON: one object with `resourceSpans`. */
import { OtlpDecodeError } from './decode-error.js';
import { type DecodeLimits, resolveDecodeLimits } from './decode-limits.js';
import { JsonWalk } from './json-walk.js';
import { isScopeSpans, parseResourceContext, parseScopeContext } from './parse-json-context.js';
import { parseSpan } from './parse-json-span.js';
import { type DecodedTraceRequest, type RejectReason, SpanCollector } from './rejected-spans.js';

/**
 * Reads a request by the proto3 JSON mapping with OTLP's exceptions (ids in hex of any case, enums as integers). Also
 * accepted: snake_case keys, enum names, 64-bit integers as numbers. Spans with bad ids or beyond `limits` are counted in
 * `rejected`; any other shape throws {@link OtlpDecodeError} with the JSON path, and gives no span. Of duplicate keys in one
 * object the last counts, as `JSON.parse` has it.
 */
export function parseTraceRequestJson(text: string, limits?: Partial<DecodeLimits>): DecodedTraceRequest {
  const resolved = resolveDecodeLimits(limits);
  const walk = new JsonWalk(resolved);
  const collector = new SpanCollector(resolved);
  const request = parseJson(text);
  if (request === null) throw walk.error('an object');
  const members = walk.members(request);
  for (const [name] of members) if (!isResourceSpans(name)) walk.state.markUnknown();
  const { lossy } = walk.state;
  for (const [name, member] of members) {
    if (isResourceSpans(name))
      eachElement(walk, name, member, (json) => parseResourceSpans(walk, json, lossy, collector));
  }
  return collector.result();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OtlpDecodeError('bad_json', `not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function isResourceSpans(name: string): boolean {
  return name === 'resourceSpans' || name === 'resource_spans';
}

function parseResourceSpans(walk: JsonWalk, json: unknown, outerLossy: number, collector: SpanCollector): void {
  const resource = parseResourceContext(walk, json);
  const resourceLossy = outerLossy | walk.state.lossy;
  const resourceRejection = walk.state.rejection;
  const parseScopeSpans = (scopeSpans: unknown): void => {
    const scope = parseScopeContext(walk, scopeSpans);
    const lossy = resourceLossy | walk.state.lossy;
    const rejection: RejectReason | undefined = resourceRejection ?? walk.state.rejection;
    for (const [name, member] of walk.members(scopeSpans)) {
      if (name !== 'spans') continue;
      eachElement(walk, name, member, (span) => {
        const parsed = parseSpan(walk, span, resource, scope, lossy);
        collector.add(rejection ?? parsed);
      });
    }
  };
  for (const [name, member] of walk.members(json)) {
    if (isScopeSpans(name)) eachElement(walk, name, member, parseScopeSpans);
  }
}

function eachElement(walk: JsonWalk, name: string, json: unknown, read: (element: unknown) => void): void {
  walk.enter(name);
  walk.list(json).forEach((element, i) => {
    walk.enter(i);
    if (element === null) throw walk.error('an object');
    read(element);
    walk.leave();
  });
  walk.leave();
}
