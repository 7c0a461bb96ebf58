/** Which payloads `redact` is about: the entries that are named, a trace, or a rule. */
import { parseAge, parseWhere, type RetentionRule, selectPayloads, WhereError } from '@infrafabric/ledger/erasure';
import type { LedgerReader } from '@infrafabric/ledger/reader';
import { CliError, usageError } from '../cli-error.js';
import { allEntries, selectTrace } from '../read/select-trace.js';

/** Flags that choose. */
export interface ChoosingFlags {
  readonly traceId?: string;
  readonly olderThan?: string;
  readonly where?: string;
}

/** A payload that is to go. */
export interface Target {
  readonly seq: number;
  /** Of payload and salt. */
  readonly octets: number;
  readonly component: string;
}

/** What was chosen. */
export interface Chosen {
  readonly targets: readonly Target[];
  /** Entries that were named and whose payload is erased already, with the entry that did it. */
  readonly already: readonly { readonly seq: number; readonly redaction: number }[];
  /** They were named one by one. */
  readonly isNamed: boolean;
}

/** How targets are chosen, checked before a ledger is opened. @throws CliError `usage` */
export function choosingOf(
  args: readonly string[],
  flags: ChoosingFlags,
  nowUnixNano: bigint,
): (reader: LedgerReader, onProgress: (seq: number) => void) => Chosen {
  const isRule = flags.olderThan !== undefined || flags.where !== undefined;
  const ways = [args.length > 0, flags.traceId !== undefined, isRule].filter(Boolean).length;
  if (ways !== 1)
    throw usageError('say what to erase, in one way: SEQ…, --trace-id, or --older-than and --where', 'see --help');
  if (args.length > 0) {
    const seqs = args.map(seqOf);
    return (reader) => named(reader, seqs);
  }
  if (flags.traceId !== undefined) {
    const id = flags.traceId;
    return (reader) => ofTrace(reader, id);
  }
  const rule = ruleOf(flags, nowUnixNano);
  return (reader, onProgress) => ofRule(reader, rule, onProgress);
}

function seqOf(text: string): number {
  const seq = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(seq)) throw usageError(`SEQ is the number of an entry, not ${JSON.stringify(text)}`);
  return seq;
}

function ruleOf({ olderThan, where }: ChoosingFlags, nowUnixNano: bigint): RetentionRule {
  try {
    return {
      beforeUnixNano: olderThan === undefined ? undefined : nowUnixNano - parseAge(olderThan),
      where: where === undefined ? undefined : parseWhere(where),
    };
  } catch (error) {
    if (error instanceof WhereError) throw usageError(`--where: ${error.message}`, pointerAt(where!, error.position));
    if (error instanceof RangeError) throw usageError(`--older-than: ${error.message}`);
    throw error;
  }
}

function pointerAt(where: string, position: number): string {
  return `${JSON.stringify(where.slice(0, position))} was understood; see --help for the fields`;
}

/** All of them can be erased, or nothing is. @throws CliError `not-found` (exit code 1) */
function named(reader: LedgerReader, seqs: readonly number[]): Chosen {
  const targets: Target[] = [];
  const already: { seq: number; redaction: number }[] = [];
  for (const seq of [...new Set(seqs)].sort((a, b) => a - b)) {
    const stored = reader.entry(seq);
    if (stored === undefined) throw notFound(`there is no entry ${seq}`, 'if-witness trace and export show seqs');
    const redaction = reader.redactionOf(seq);
    if (redaction !== undefined) {
      already.push({ seq, redaction });
      continue;
    }
    if (stored.entry.payload === undefined)
      throw notFound(
        `entry ${seq} has no payload: all of it is signed in clear`,
        'what was signed cannot be erased without breaking the chain',
      );
    const target = targetOf(reader, seq);
    if (target === undefined)
      throw notFound(
        `the payload of entry ${seq} is gone, and no redaction says why`,
        'nothing is left to erase; if-witness verify lists such entries',
      );
    targets.push(target);
  }
  return { targets, already, isNamed: true };
}

function notFound(message: string, hint: string): CliError {
  return new CliError('not-found', message, { hint, exitCode: 1 });
}

function targetOf(reader: LedgerReader, seq: number): Target | undefined {
  const [row] = reader.storedPayloads(seq).next().value ?? [];
  if (row === undefined || row[0] !== seq) return undefined;
  return { seq, octets: row[2], component: componentOf(reader.entry(seq)!.entry) };
}

function componentOf({ type, body }: { readonly type: string; readonly body: object }): string {
  if (type !== 'span') return `(${type})`;
  const { component, service } = body as { component?: unknown; service?: unknown };
  return typeof component === 'string' ? component : typeof service === 'string' ? service : '(none)';
}

/** Everything that `trace` shows under the id. @throws CliError `not-found`, `ambiguous` */
function ofTrace(reader: LedgerReader, id: string): Chosen {
  const seqs = allEntries(selectTrace(reader, id).root)
    .map(({ seq }) => seq)
    .sort((a, b) => a - b);
  const targets = seqs.map((seq) => targetOf(reader, seq)).filter((target) => target !== undefined);
  const already = seqs.flatMap((seq) => {
    const redaction = reader.redactionOf(seq);
    return redaction === undefined ? [] : [{ seq, redaction }];
  });
  return { targets, already, isNamed: false };
}

function ofRule(reader: LedgerReader, rule: RetentionRule, onProgress: (seq: number) => void): Chosen {
  const targets: Target[] = [];
  for (const { seq, octets, entry } of selectPayloads(reader, rule, onProgress))
    targets.push({ seq, octets, component: componentOf(entry) });
  return { targets, already: [], isNamed: false };
}
