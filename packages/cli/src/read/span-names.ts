/** Names of OTLP's numbers, and numbers of tokens by direction. */
import type { SpanEntry } from './span-entry.js';

const KINDS: readonly string[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES: readonly string[] = ['unset', 'ok', 'error'];

/** Name of a SpanKind; the number itself where OTLP has no name for it. */
export function kindName(kind: number): string {
  return KINDS[kind] ?? String(kind);
}

/** Name of a status code; the number itself where OTLP has no name for it. */
export function statusName(status: number): string {
  return STATUSES[status] ?? String(status);
}

const IN_CLASSES: ReadonlySet<string> = new Set([
  'input',
  'cache_read',
  'cache_write',
  'cache_write_5m',
  'cache_write_1h',
]);

/** All that went in, cached or not; undefined where the counts are not known. */
export function tokensIn({ tokens }: SpanEntry): number | undefined {
  if (tokens === undefined) return undefined;
  return Object.entries(tokens).reduce((sum, [name, count]) => sum + (IN_CLASSES.has(name) ? count : 0), 0);
}

/** All that came out, reasoning included; undefined where the counts are not known. */
export function tokensOut({ tokens }: SpanEntry): number | undefined {
  return tokens === undefined ? undefined : (tokens.output ?? 0);
}
