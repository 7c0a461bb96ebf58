/** What a span says about model usage and cost: found in one pass, read by usage.ts and charge.ts. */
import { WITNESS_COST_ESTIMATED, WITNESS_UNITS_PREFIX } from '@infrafabric/semconv';
import { ATTRIBUTE_TABLE, type AttributeField } from './attribute-table.js';
import { type Attributes, readFlag, readText } from './attribute-value.js';
import { AttributeFinder, type FoundAttributes } from './found-attributes.js';
import { JSON_SOURCES, RESPONSE_ID_KEYS } from './json-sources.js';

/** The part of a finished span that accounting reads. */
export interface AccountedSpan {
  readonly attributes: Attributes;
  /** Name of the instrumentation scope; '' when there is none. */
  readonly scopeName: string;
  /** OTLP Status.code: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
}

/** Fields of the table that bear on usage and cost, and circumstances that change how those are read. */
export type FindingField =
  | Exclude<AttributeField, 'session' | 'user' | 'agent' | 'tool'>
  | 'estimated'
  | 'level'
  | 'ai_input_details'
  | 'ai_operation'
  | 'json'
  | 'answer'
  | 'sdk_span_type'
  | 'genkit_subtype'
  | 'genkit_name'
  | 'haystack_type'
  | 'logfire_type'
  | 'duration';

/** The accounting attributes of one span. */
export type SpanFindings = FoundAttributes<FindingField>;

/** OTLP `STATUS_CODE_ERROR`. */
const STATUS_ERROR = 2;

const { session: _session, user: _user, agent: _agent, tool: _tool, ...accounted } = ATTRIBUTE_TABLE;

const FINDER = new AttributeFinder<FindingField>(
  {
    ...accounted,
    estimated: [WITNESS_COST_ESTIMATED],
    level: ['langfuse.observation.level'],
    ai_input_details: [
      'ai.usage.inputTokenDetails.noCacheTokens',
      'ai.usage.inputTokenDetails.cacheReadTokens',
      'ai.usage.inputTokenDetails.cacheWriteTokens',
    ],
    ai_operation: ['ai.operationId'],
    json: JSON_SOURCES.map(({ key }) => key),
    answer: RESPONSE_ID_KEYS,
    sdk_span_type: ['sdk_span_type'],
    genkit_subtype: ['genkit:metadata:subtype'],
    genkit_name: ['genkit:name'],
    haystack_type: ['haystack.component.type'],
    logfire_type: ['logfire.span_type'],
    duration: ['duration'],
  },
  WITNESS_UNITS_PREFIX,
);

/** The accounting attributes of a span; undefined when it has none. */
export function findingsOf(span: AccountedSpan): SpanFindings | undefined {
  return FINDER.find(span.attributes);
}

/** Whether the span is one of a model, and not of a flow or an action, by Genkit. */
export function isGenkitModel(found: SpanFindings): boolean {
  return found.first('genkit_subtype', (value) => readText(value))?.value === 'model';
}

/** Whether the span failed, so that missing counts and a cost of 0 are no surprise. */
export function hasFailed(span: AccountedSpan, found: SpanFindings): boolean {
  return span.statusCode === STATUS_ERROR || found.first('level', (value) => readText(value))?.value === 'ERROR';
}

/** Whether the caller calls its counts and its cost constants or guesses. */
export function isEstimated(found: SpanFindings): boolean {
  return found.first('estimated', (value) => readFlag(value))?.value === true;
}
