/** Runs of neighbouring spans that share a resource and a scope: how spans become `ResourceSpans` and `ScopeSpans`. */
import { encodeResourceContext, encodeScopeContext } from './encode-context.js';
import type { SpanRecord } from './span-record.js';

/** Something, usually a span, with its encoded resource and scope. */
export interface InContext<T> {
  readonly resourceContext: Uint8Array;
  readonly scopeContext: Uint8Array;
  readonly item: T;
}

/** A run with one resource context. */
export interface ResourceRun<T> {
  readonly resourceContext: Uint8Array;
  readonly scopes: ScopeRun<T>[];
}

/** A run with one scope context. */
export interface ScopeRun<T> {
  readonly scopeContext: Uint8Array;
  readonly items: T[];
}

/** Groups neighbours whose context bytes are equal; the order never changes. */
export function groupByContext<T>(list: Iterable<InContext<T>>): ResourceRun<T>[] {
  const runs: ResourceRun<T>[] = [];
  let resource: ResourceRun<T> | undefined;
  let scope: ScopeRun<T> | undefined;
  for (const { resourceContext, scopeContext, item } of list) {
    if (resource === undefined || !sameBytes(resource.resourceContext, resourceContext)) {
      resource = { resourceContext, scopes: [] };
      scope = undefined;
      runs.push(resource);
    }
    if (scope === undefined || !sameBytes(scope.scopeContext, scopeContext)) {
      scope = { scopeContext, items: [] };
      resource.scopes.push(scope);
    }
    scope.items.push(item);
  }
  return runs;
}

/** Pairs each record with its encoded contexts, encoding only when the resource or scope object changes. */
export function* withContexts<T>(
  records: readonly SpanRecord[],
  item: (record: SpanRecord) => T,
): Generator<InContext<T>> {
  let last: SpanRecord | undefined;
  let resourceContext: Uint8Array = new Uint8Array();
  let scopeContext: Uint8Array = new Uint8Array();
  for (const record of records) {
    if (record.resource !== last?.resource) resourceContext = encodeResourceContext(record.resource);
    if (record.scope !== last?.scope) scopeContext = encodeScopeContext(record.scope);
    last = record;
    yield { resourceContext, scopeContext, item: item(record) };
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
