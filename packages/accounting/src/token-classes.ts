/**
 * From the counts that a span gave to classes that mean the same everywhere. Most producers count cached tokens inside the
 * input; which do not is told by the key, by the scope, or by arithmetic. Scope versions are often empty and total keys
 * agree with either reading, so neither is asked.
 */
import type { Counts } from '@infrafabric/format';

/** What the reading depends on besides the counts. */
export interface CountContext {
  /** Attribute key of the input count. */
  readonly inputKey: string | undefined;
  readonly scopeName: string;
  /** Normal name of the provider. */
  readonly provider: string | undefined;
  /** The provider as the span wrote it. */
  readonly writtenProvider: string | undefined;
  /** The total that the span gave. */
  readonly total: number | undefined;
  /** The span has `ai.usage.inputTokenDetails.*`, so it is of AI SDK 6 or later. */
  readonly hasAiInputDetails: boolean;
  /** What a JSON source told about the input; undefined where none did. */
  readonly inputHasCache?: boolean | undefined;
  /** False where a JSON source says that the output leaves the reasoning out. */
  readonly outputHasReasoning?: boolean | undefined;
}

/** Classes, and how sure they are. */
export interface TokenClasses {
  /** `input` is uncached; zero is left out except for input and output. */
  readonly tokens: Counts;
  /** Output was found by arithmetic, with this count. */
  readonly inferredFrom: 'reasoning' | 'total' | undefined;
  /** Counts contradict each other or a sum leaves 2^53−1; what could not be used was left out. */
  readonly impossible: boolean;
}

const EXCLUSIVE_INPUT_KEYS: ReadonlySet<string> = new Set(['input_tokens']);
const EXCLUSIVE_INPUT_SCOPES: ReadonlySet<string> = new Set([
  'openlit.instrumentation.anthropic',
  '@traceloop/instrumentation-anthropic',
  'opentelemetry.instrumentation.bedrock',
  'opentelemetry.instrumentation.botocore.bedrock-runtime',
]);
/** Scopes whose output leaves the reasoning out. */
const EXCLUSIVE_OUTPUT_SCOPES: ReadonlySet<string> = new Set(['openlit.instrumentation.google_ai_studio']);

/** The classes of raw counts (`input`, `output`, `cache_read` …). */
export function tokenClasses(raw: Counts, context: CountContext): TokenClasses {
  const tokens: Record<string, number> = {};
  const cacheRead = raw.cache_read ?? 0;
  const write = cacheWrite(raw);
  const cached = cacheRead + write.total;
  let impossible = write.impossible;
  let inferredFrom: TokenClasses['inferredFrom'];

  const input = raw.input;
  if (input !== undefined) {
    const leavesCacheOut =
      cached > input || (context.inputHasCache === undefined ? inputLeavesCacheOut(context) : !context.inputHasCache);
    const sum = (leavesCacheOut ? input : input - cached) + (raw.tool_input ?? 0);
    if (Number.isSafeInteger(sum)) tokens.input = sum;
    else {
      impossible = true;
      tokens.input = input;
    }
  }
  if (cacheRead > 0) tokens.cache_read = cacheRead;
  Object.assign(tokens, write.classes);

  let output = raw.output;
  let reasoning = raw.reasoning;
  if (output !== undefined && reasoning !== undefined) {
    // Reasoning is part of what was put out; more of it than of the whole means that this output leaves it out.
    if (EXCLUSIVE_OUTPUT_SCOPES.has(context.scopeName) || context.outputHasReasoning === false) output += reasoning;
    else if (reasoning > output) {
      output += reasoning;
      inferredFrom = 'reasoning';
    }
  } else if (output !== undefined && context.total !== undefined && tokens.input !== undefined) {
    // Gemini's thoughts, where only the total counts them. A total that leaves exclusive cache out is smaller: no harm.
    const hidden = context.total - (tokens.input + cached + output);
    if (hidden > 0) {
      output += hidden;
      reasoning = hidden;
      inferredFrom = 'total';
    }
  }
  if (output !== undefined && !Number.isSafeInteger(output)) {
    impossible = true;
    output = raw.output;
  }
  if (output !== undefined) tokens.output = output;
  if (reasoning !== undefined && reasoning > 0) tokens.reasoning = reasoning;
  return { tokens, inferredFrom, impossible };
}

function inputLeavesCacheOut(context: CountContext): boolean {
  if (context.inputKey !== undefined && EXCLUSIVE_INPUT_KEYS.has(context.inputKey)) return true;
  if (EXCLUSIVE_INPUT_SCOPES.has(context.scopeName)) return true;
  if (context.scopeName === 'openinference.instrumentation.agno') return context.provider === 'anthropic';
  // AI SDK 4 and 5 hand on what the provider's package says, and Anthropic's leaves the cache out; 6 adds it.
  return (
    context.scopeName === 'ai' &&
    !context.hasAiInputDetails &&
    context.writtenProvider?.toLowerCase().startsWith('anthropic') === true
  );
}

/** Cache write by how long it is kept; `cache_write` is the part of which that is not known. */
function cacheWrite(raw: Counts): { total: number; classes: Counts; impossible: boolean } {
  const short = raw.cache_write_5m ?? 0;
  const long = raw.cache_write_1h ?? 0;
  const split = short + long;
  const total = raw.cache_write ?? split;
  // A split larger than what it splits says nothing about it.
  const impossible = split > total || !Number.isSafeInteger(split);
  const classes: Record<string, number> = {};
  if (!impossible && short > 0) classes.cache_write_5m = short;
  if (!impossible && long > 0) classes.cache_write_1h = long;
  const rest = impossible ? (raw.cache_write ?? 0) : total - split;
  if (rest > 0) classes.cache_write = rest;
  return { total: impossible ? (raw.cache_write ?? 0) : total, classes, impossible };
}
