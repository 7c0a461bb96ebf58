/** The flags that describe an event: those of `log`, which `exec` shares. */
import { readFileSync } from 'node:fs';
import { textOfUtf8 } from '@infrafabric/format';
import type { KeyValue } from '@infrafabric/otlp';
import type { Command } from 'commander';
import { CliError, usageError } from '../cli-error.js';
import {
  KINDS,
  parseCost,
  parseCount,
  parseName,
  parseTime,
  requireFreeKey,
  requireJson,
  requireText,
  STATUSES,
} from './event-values.js';
import type { PartialEvent } from './witness-event.js';

/** As commander gives them. */
export interface EventFlags {
  readonly event?: string;
  readonly component?: string;
  readonly traceId?: string;
  readonly parentTraceId?: string;
  readonly payload?: string;
  readonly tokensIn?: string;
  readonly tokensOut?: string;
  readonly cost?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly start?: string;
  readonly end?: string;
  readonly kind?: string;
  readonly status?: string;
  readonly statusMessage?: string;
  readonly attr?: readonly string[];
}

/** Adds the flags that `log` and `exec` share. */
export function addEventOptions(command: Command): void {
  command
    .option('--event <name>', 'what happened, such as sip_invite_sent')
    .option('--component <name>', 'part of the system, such as IF.witness.sip')
    .option('--trace-id <id>', 'business trace id, any text (default: from BAGGAGE or TRACEPARENT, else a new one)')
    .option('--parent-trace-id <id>', 'business trace id of the flow that this one belongs to')
    .option('--payload <json>', "the event's own data: JSON, @FILE, or - for stdin")
    .option('--tokens-in <n>', 'input tokens')
    .option('--tokens-out <n>', 'output tokens')
    .option('--cost <usd>', 'cost in US dollars, exact: 0.0005')
    .option('--model <name>', 'model that was used')
    .option('--provider <name>', 'who served the model')
    .option('--kind <kind>', `one of ${Object.keys(KINDS).join(', ')} (default: internal)`)
    .option('--status <status>', `one of ${Object.keys(STATUSES).join(', ')} (default: unset)`)
    .option('--status-message <text>', 'what went wrong')
    .option('--attr <key=value>', 'a further attribute, as text; may be repeated', collect)
    .option('--service <name>', 'service.name (default: $OTEL_SERVICE_NAME, else if-witness)');
}

/** A value beside those that were given before. Not variadic: `--attr a=b cmd` must not swallow `cmd`. */
function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** What flags say of an event, which may not be all that it needs. @throws CliError `usage`, `io`. */
export function partialEventOfFlags(flags: EventFlags): PartialEvent {
  const optional = <T>(
    text: string | undefined,
    what: string,
    read: (text: string, what: string) => T,
  ): T | undefined => (text === undefined ? undefined : read(text, what));
  const code = optional(flags.status, '--status', (text, what) => parseName(text, STATUSES, what));
  return {
    event: optional(flags.event, '--event', requireText),
    component: optional(flags.component, '--component', requireText),
    businessId: optional(flags.traceId, '--trace-id', requireText),
    parentBusinessId: optional(flags.parentTraceId, '--parent-trace-id', requireText),
    payload: optional(flags.payload, '--payload', (text, what) => requireJson(readPayload(text), what)),
    tokensIn: optional(flags.tokensIn, '--tokens-in', parseCount),
    tokensOut: optional(flags.tokensOut, '--tokens-out', parseCount),
    costUsd: optional(flags.cost, '--cost', parseCost),
    model: optional(flags.model, '--model', requireText),
    provider: optional(flags.provider, '--provider', requireText),
    startUnixNano: optional(flags.start, '--start', parseTime),
    endUnixNano: optional(flags.end, '--end', parseTime),
    kind: optional(flags.kind, '--kind', (text, what) => parseName(text, KINDS, what)),
    status:
      code === undefined && flags.statusMessage === undefined
        ? undefined
        : { code: code ?? 0, message: flags.statusMessage ?? '' },
    attributes: attributesOf(flags.attr ?? []),
  };
}

function attributesOf(pairs: readonly string[]): KeyValue[] {
  const keys = new Set<string>();
  return pairs.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 0) throw usageError(`--attr must be key=value, not ${JSON.stringify(pair)}`);
    const key = requireFreeKey(pair.slice(0, equals), keys, '--attr');
    keys.add(key);
    return [key, pair.slice(equals + 1)];
  });
}

function readPayload(text: string): string {
  if (text !== '-' && !text.startsWith('@')) return text;
  const what = text === '-' ? 'stdin' : text.slice(1);
  try {
    return textOfUtf8(readFileSync(text === '-' ? 0 : text.slice(1)));
  } catch (cause) {
    throw new CliError('io', `--payload: cannot read ${what}: ${(cause as Error).message}`, { cause });
  }
}
