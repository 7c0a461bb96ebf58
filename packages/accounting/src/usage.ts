/** What one span says about model usage, whoever instrumented it. Which spans count towards totals is decided elsewhere. */
import type { Counts, Texts, Usage } from '@infrafabric/format';
import { WITNESS_UNITS_PREFIX } from '@infrafabric/semconv';
import { ATTRIBUTE_TABLE_VERSION } from './attribute-table.js';
import {
  type AttributeValue,
  type Fitting,
  fitUsageText,
  IMPOSSIBLE,
  readCount,
  readQuantity,
  readText,
} from './attribute-value.js';
import { type Filled, fillCounts } from './fill-counts.js';
import type { Found } from './found-attributes.js';
import { modelName, providerName, providerOfModel } from './provider.js';
import { type ReportedCost, reportedCostOf } from './reported-cost.js';
import { responseIdIn } from './response-id.js';
import {
  type AccountedSpan,
  type FindingField,
  findingsOf,
  hasFailed,
  isEstimated,
  isGenkitModel,
  type SpanFindings,
} from './span-findings.js';
import { tokenClasses } from './token-classes.js';

const COUNT_FIELDS = [
  'input',
  'output',
  'cache_read',
  'cache_write',
  'cache_write_5m',
  'cache_write_1h',
  'reasoning',
] as const;
/** Too common a name to make a span a model call by itself. */
const BARE_MODEL_KEY = 'model';

/** Operations that are one call of a model, in lower case. */
const MODEL_OPERATIONS: ReadonlySet<string> = new Set([
  'chat',
  'chat_model',
  'completion',
  'embedding',
  'embeddings',
  'generate_content',
  'generation',
  'llm',
  'llm_request',
  'text_completion',
]);
/** Operations that may name a model and are no call of one, in lower case: what they used, calls below them say. */
const OTHER_OPERATIONS: ReadonlySet<string> = new Set([
  'agent',
  'agent_step',
  'chain',
  'create_agent',
  'evaluator',
  'event',
  'execute_event_loop_cycle',
  'execute_task',
  'execute_tool',
  'guardrail',
  'interaction',
  'invoke_agent',
  'invoke_workflow',
  'parser',
  'prompt',
  'reranker',
  'retriever',
  'span',
  'task',
  'tool',
  'workflow',
]);
/** The AI SDK's inner spans; `ai.generateText` itself is a container of them. */
const AI_SDK_CALL = /^ai\.[a-z]+\.do[a-z]/i;
const AI_SDK_OTHER = /^ai\.[a-z]+$/i;

/**
 * Its spans of a stream and of a plain answer look the same, and the counts of a stream are its own guesses. Only the Responses
 * API is always counted by the provider.
 */
const GUESSING_SCOPE = '@traceloop/instrumentation-openai';
/** Write a stream twice: a span until it starts, which never has counts, and a log record when it is over. The record is the call. */
const TWICE_WRITING_SCOPES: ReadonlySet<string> = new Set(['logfire.anthropic', 'logfire.openai']);

/** Member of `raw` for the nanoseconds that a log record says its call took. */
export const DURATION = 'duration_ns';

const UNIT = /^[a-z][a-z0-9_]{0,31}$/;
/** Distinct units of a span; more would take an entry's room. */
const MAX_UNITS = 32;

/**
 * What a span says about model usage; undefined when it says nothing of a model, of counts, units or a cost. Never throws.
 *
 * Marks: `estimated` the caller calls its counts constants or guesses; `impossible` a value could not be used; `inferred`
 * output was found by arithmetic; `unknown` a model call without usable counts, which is not a call without usage.
 */
export function usageOf(span: AccountedSpan): Usage | undefined {
  const found = findingsOf(span);
  return found === undefined ? undefined : usageFrom(span, found, reportedCostOf(found));
}

/** {@link usageOf} of a span whose attributes were found already. */
export function usageFrom(
  span: AccountedSpan,
  found: SpanFindings,
  reported: ReportedCost | undefined,
  fitting?: Fitting,
): Usage | undefined {
  const readName = (value: AttributeValue): string | undefined => readText(value, fitting);
  const marks = new Set<string>();
  const keys: Record<string, string> = {};
  const noteKey = <T>(field: string, reading: Found<T> | undefined): T | undefined => {
    if (reading !== undefined) keys[field] = reading.key;
    return reading?.value;
  };

  const raw: Record<string, number> = {};
  for (const field of COUNT_FIELDS) {
    const count = noteKey(field, firstCount(found, field, marks));
    if (count !== undefined) raw[field] = count;
  }
  const total = firstCount(found, 'total', marks);
  const units = unitsOf(found, marks);

  const operation = noteKey('operation', found.first('operation', readName));
  const isGenkit = isGenkitModel(found);
  const isCall = isGenkit || (operation !== undefined && isModelOperation(operation));
  const filled: Filled | undefined = fillCounts(span, found, isCall, raw, keys);
  const hasCounts = found.has('total') || !isEmpty(raw) || COUNT_FIELDS.some((field) => found.has(field));
  const hasOtherLlmKey = hasCounts || isCall || reported !== undefined || found.has('provider');
  const writtenModel = noteKey(
    'model',
    found.first('model', (value, key) => (key !== BARE_MODEL_KEY || hasOtherLlmKey ? readName(value) : undefined)) ??
      filled?.model ??
      (isGenkit ? found.first('genkit_name', readName) : undefined),
  );
  const isAboutModel = hasCounts || isCall || writtenModel !== undefined;
  // Marked by now: a unit that could not be used.
  if (!isAboutModel && reported === undefined && units === undefined && marks.size === 0) return undefined;

  const named = noteKey(
    'provider',
    found.first('provider', (value) => readProvider(value, fitting)),
  );
  const provider = named?.name ?? (writtenModel === undefined ? undefined : providerOfModel(writtenModel));
  if (named === undefined && provider !== undefined) keys.provider = keys.model!;
  const response = noteKey(
    'response',
    found.first('response', readName) ?? (isAboutModel ? responseInAnswer(found) : undefined),
  );
  if (reported?.currencyKey !== undefined) keys.currency = reported.currencyKey;
  if (reported?.impossible) marks.add('impossible');

  let tokens: Counts | undefined;
  if ((raw.input ?? 0) > 0 || (raw.output ?? 0) > 0) {
    const classes = tokenClasses(raw, {
      inputKey: keys.input,
      scopeName: span.scopeName,
      provider,
      writtenProvider: named?.written,
      total: total?.value,
      hasAiInputDetails: found.has('ai_input_details'),
      inputHasCache: filled?.inputHasCache,
      outputHasReasoning: filled?.outputHasReasoning,
    });
    tokens = classes.tokens;
    if (classes.impossible) marks.add('impossible');
    if (classes.inferredFrom !== undefined) marks.add('inferred');
    // The total is no class: it is kept only where output was taken from it.
    if (classes.inferredFrom === 'total') raw.total = noteKey('total', total)!;
    const duration = durationOf(found);
    if (duration !== undefined) raw[DURATION] = noteKey(DURATION, duration)!;
    if (span.scopeName === GUESSING_SCOPE && response?.startsWith('resp_') !== true) marks.add('estimated');
  } else if (isAboutModel && !isOtherOperation(operation) && !hasFailed(span, found) && !isFirstHalf(span, found)) {
    marks.add('unknown');
  }
  if ((tokens !== undefined || units !== undefined) && isEstimated(found)) marks.add('estimated');

  // Plain assignments: conditional spreads of this many members take several times as long as all the rest of a reading.
  const usage: { -readonly [Member in keyof Usage]: Usage[Member] } = {};
  if (!isEmpty(keys)) usage.keys = keys;
  if (marks.size > 0) usage.marks = [...marks].sort();
  if (writtenModel !== undefined) usage.model = modelName(writtenModel, provider);
  if (operation !== undefined) usage.operation = operation;
  if (provider !== undefined) usage.provider = provider;
  if (!isEmpty(raw)) usage.raw = raw;
  if (response !== undefined) usage.response = response;
  usage.scope = fitUsageText(span.scopeName, fitting);
  usage.table = ATTRIBUTE_TABLE_VERSION;
  if (tokens !== undefined) usage.tokens = tokens;
  if (units !== undefined) usage.units = units;
  return usage;
}

/** The first usable count of a field; unusable ones before it are marked. */
function firstCount(found: SpanFindings, field: FindingField, marks: Set<string>): Found<number> | undefined {
  return found.first(field, (value) => {
    const count = readCount(value);
    if (count !== IMPOSSIBLE) return count;
    marks.add('impossible');
    return undefined;
  });
}

/** Quantities by unit from `witness.units.*`; undefined when there are none. */
function unitsOf(found: SpanFindings, marks: Set<string>): Texts | undefined {
  if (found.prefixed.length === 0) return undefined;
  const units = new Map<string, string>();
  for (const [key, value] of found.prefixed) {
    const unit = key.slice(WITNESS_UNITS_PREFIX.length);
    if (units.has(unit)) continue;
    const quantity = UNIT.test(unit) && units.size < MAX_UNITS ? readQuantity(value) : IMPOSSIBLE;
    if (quantity === IMPOSSIBLE) marks.add('impossible');
    else if (quantity !== undefined) units.set(unit, quantity);
  }
  return units.size === 0 ? undefined : Object.fromEntries(units);
}

/** How long the call of a log record took, in nanoseconds: the record itself is a point in time. */
function durationOf(found: SpanFindings): Found<number> | undefined {
  if (found.first('logfire_type', (value) => readText(value))?.value !== 'log') return undefined;
  return found.first('duration', (value) => {
    const nanos = typeof value === 'number' || typeof value === 'bigint' ? Math.round(Number(value) * 1e9) : -1;
    return Number.isSafeInteger(nanos) && nanos >= 0 ? nanos : undefined;
  });
}

/** Whether the call of this span is told by a log record that follows. */
function isFirstHalf(span: AccountedSpan, found: SpanFindings): boolean {
  return (
    TWICE_WRITING_SCOPES.has(span.scopeName) &&
    found.first('logfire_type', (value) => readText(value))?.value === 'span'
  );
}

function responseInAnswer(found: SpanFindings): Found<string> | undefined {
  return found.first('answer', (value) => (typeof value === 'string' ? responseIdIn(value) : undefined));
}

function isModelOperation(operation: string): boolean {
  return MODEL_OPERATIONS.has(operation.toLowerCase()) || AI_SDK_CALL.test(operation);
}

function isOtherOperation(operation: string | undefined): boolean {
  if (operation === undefined || isModelOperation(operation)) return false;
  return OTHER_OPERATIONS.has(operation.toLowerCase()) || AI_SDK_OTHER.test(operation);
}

function readProvider(
  value: AttributeValue,
  fitting: Fitting | undefined,
): { readonly written: string; readonly name: string } | undefined {
  const written = readText(value, fitting);
  const name = written === undefined ? undefined : providerName(written);
  // Lower case can be longer than what was written.
  return written === undefined || name === undefined ? undefined : { written, name: fitUsageText(name, fitting) };
}

function isEmpty(members: Counts | Texts): boolean {
  for (const _ in members) return false;
  return true;
}
