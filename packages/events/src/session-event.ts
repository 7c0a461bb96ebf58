/** What one event says, and the span attributes that say it. */
import {
  WITNESS_COMPONENT,
  WITNESS_COST_ESTIMATED,
  WITNESS_COST_USD,
  WITNESS_PAYLOAD,
  WITNESS_UNITS_PREFIX,
} from '@infrafabric/semconv';
import type { Attributes, TimeInput } from '@opentelemetry/api';

/** JSON, as it is written into `witness.payload`. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** An event's own data. Members that are undefined are left out. */
export type Payload = { readonly [key: string]: JsonValue | undefined };

/** What an event used and cost. */
export interface EventUsage {
  /** Tokens, whole numbers. */
  readonly tokensIn?: number | undefined;
  readonly tokensOut?: number | undefined;
  /** US dollars, exact decimal text. */
  readonly costUsd?: string | undefined;
  /** E.g. `claude-haiku-4.5`. */
  readonly model?: string | undefined;
  /** Quantities that are not tokens, by unit, exact decimal text: `{ minute: '45' }`. */
  readonly units?: Readonly<Record<string, string>> | undefined;
  /** Constants or guesses of the caller, and not measurements. */
  readonly isEstimated?: boolean | undefined;
}

/** One event of a session. */
export interface SessionEvent {
  /** The span's name, e.g. `sip_invite_sent`. */
  readonly name: string;
  readonly payload?: Payload | undefined;
  readonly usage?: EventUsage | undefined;
  /** Further attributes, by the names of the semantic conventions where there are any. */
  readonly attributes?: Attributes | undefined;
  /** Default: now. */
  readonly startTime?: TimeInput | undefined;
  /** Default: the start. */
  readonly endTime?: TimeInput | undefined;
  /** The event is a failure: `error.type`, and what is said about it. */
  readonly error?: { readonly type: string; readonly message?: string | undefined } | undefined;
}

/** `gen_ai.usage.input_tokens` and its like, as OpenTelemetry's GenAI conventions call them. */
const MODEL = 'gen_ai.request.model';
const INPUT_TOKENS = 'gen_ai.usage.input_tokens';
const OUTPUT_TOKENS = 'gen_ai.usage.output_tokens';
/** OpenTelemetry semantic conventions, general attributes. */
const ERROR_TYPE = 'error.type';

/** Adds the attributes of an event's span to others. Never throws, whatever the payload holds. @returns `attributes` */
export function addAttributes(attributes: Attributes, event: SessionEvent, component: string): Attributes {
  attributes[WITNESS_COMPONENT] = component;
  if (event.payload !== undefined) attributes[WITNESS_PAYLOAD] = jsonText(event.payload);
  if (event.usage !== undefined) addUsage(attributes, event.usage);
  if (event.error !== undefined) attributes[ERROR_TYPE] = event.error.type;
  return Object.assign(attributes, event.attributes);
}

function addUsage(attributes: Attributes, usage: EventUsage): void {
  if (usage.model !== undefined) attributes[MODEL] = usage.model;
  if (usage.tokensIn !== undefined) attributes[INPUT_TOKENS] = usage.tokensIn;
  if (usage.tokensOut !== undefined) attributes[OUTPUT_TOKENS] = usage.tokensOut;
  if (usage.costUsd !== undefined) attributes[WITNESS_COST_USD] = usage.costUsd;
  for (const [unit, quantity] of Object.entries(usage.units ?? {})) attributes[WITNESS_UNITS_PREFIX + unit] = quantity;
  if (usage.isEstimated === true) attributes[WITNESS_COST_ESTIMATED] = true;
}

/** A payload that is no JSON (a cycle, a BigInt) must not stop the call that it tells of. */
function jsonText(payload: Payload): string {
  try {
    // Undefined when a `toJSON` says so.
    return JSON.stringify(payload) ?? JSON.stringify({ payload_error: 'not JSON' });
  } catch (error) {
    // What a getter throws may be anything, also something that cannot be made a text.
    return JSON.stringify({ payload_error: error instanceof Error ? String(error.message) : 'not JSON' });
  }
}
