/**
 * A usage object as providers and instrumentations write it, whatever it calls its members. The names do not say whether
 * the input includes the cache, so the caller says which of the known shapes it may be.
 */
import { IMPOSSIBLE, readCount } from './attribute-value.js';
import { isObject, type JsonObject, type JsonValue, memberOf } from './json-value.js';

/**
 * How to read a usage object. `inclusive`: the input has the cache. `provider`: as the provider's API has it, where only
 * Anthropic's and Bedrock's leave the cache out and only Gemini's output leaves its thoughts out. `langfuse`: `input`
 * without cache and `output` without reasoning, or else the OpenAI shape.
 */
export type UsageShape = 'inclusive' | 'provider' | 'langfuse';

/** Counts that a JSON source can give. */
export type JsonCount =
  | 'input'
  | 'output'
  | 'cache_read'
  | 'cache_write'
  | 'cache_write_5m'
  | 'cache_write_1h'
  | 'reasoning'
  | 'tool_input';

/** A count and where in the object it is. */
export interface PlacedCount {
  readonly count: number;
  /** Names, joined by points. */
  readonly path: string;
}

/** What a usage object says. */
export interface JsonUsage {
  readonly counts: ReadonlyMap<JsonCount, PlacedCount>;
  /** Undefined where it gives no input, or nothing was cached. */
  readonly inputHasCache: boolean | undefined;
  readonly outputHasReasoning: boolean;
}

type Paths = readonly (readonly string[])[];

const INPUT_DETAILS = ['prompt_tokens_details', 'input_tokens_details', 'input_token_details', 'inputTokenDetails'];
const OUTPUT_DETAILS = [
  'completion_tokens_details',
  'output_tokens_details',
  'output_token_details',
  'outputTokenDetails',
];
const inside = (objects: readonly string[], ...names: readonly string[]): Paths =>
  objects.flatMap((object) => names.map((name) => [object, name]));
const top = (...names: readonly string[]): Paths => names.map((name) => [name]);

const EPHEMERAL_5M = 'ephemeral_5m_input_tokens';
const EPHEMERAL_1H = 'ephemeral_1h_input_tokens';
const GEMINI_INPUT = ['promptTokenCount', 'prompt_token_count'];

/** Count → where it may be, the likeliest first; a count that is not 0 wins over one that is. */
const PLACES: Readonly<Record<JsonCount, Paths>> = {
  input: top('prompt_tokens', 'input_tokens', 'promptTokens', 'inputTokens', ...GEMINI_INPUT),
  output: top(
    'completion_tokens',
    'output_tokens',
    'completionTokens',
    'outputTokens',
    'candidatesTokenCount',
    'candidates_token_count',
  ),
  cache_read: [
    ...top(
      'cache_read_input_tokens',
      'input_cached_tokens',
      'input_cache_read',
      'cached_input_tokens',
      'cacheReadInputTokens',
      'cachedInputTokens',
      'cachedPromptTokens',
      'cachedContentTokenCount',
      'cached_content_token_count',
      'cachedContentTokens',
    ),
    ...inside(INPUT_DETAILS, 'cached_tokens', 'cache_read', 'cachedTokens', 'cacheReadTokens'),
  ],
  cache_write: [
    ...top(
      'cache_creation_input_tokens',
      'input_cache_creation',
      'input_cache_write',
      'input_cache_write_tokens',
      'cache_write_input_tokens',
      'cacheCreationInputTokens',
      'cacheWriteInputTokens',
    ),
    ...inside(INPUT_DETAILS, 'cache_write_tokens', 'cache_creation_tokens', 'cache_creation', 'cacheWriteTokens'),
  ],
  cache_write_5m: [
    ['cache_creation', EPHEMERAL_5M],
    ...inside(INPUT_DETAILS, EPHEMERAL_5M),
    ['prompt_tokens_details', 'cache_creation_token_details', EPHEMERAL_5M],
    ['cache_creation_ephemeral_5m_input_tokens'],
  ],
  cache_write_1h: [
    ['cache_creation', EPHEMERAL_1H],
    ...inside(INPUT_DETAILS, EPHEMERAL_1H),
    ['prompt_tokens_details', 'cache_creation_token_details', EPHEMERAL_1H],
    ['cache_creation_ephemeral_1h_input_tokens'],
    ['cache_creation_input_tokens_above_1hr'],
  ],
  reasoning: [
    ...inside(OUTPUT_DETAILS, 'reasoning_tokens', 'reasoning', 'reasoningTokens'),
    ...top(
      'output_reasoning_tokens',
      'output_reasoning',
      'reasoning_tokens',
      'reasoningTokens',
      'thoughtsTokenCount',
      'thoughts_token_count',
      'thoughtsTokens',
    ),
  ],
  /** Input that tools put in, which Gemini counts apart. */
  tool_input: top('toolUsePromptTokenCount', 'tool_use_prompt_token_count'),
};
const LANGFUSE_PLACES: Readonly<Record<JsonCount, Paths>> = { ...PLACES, input: [['input']], output: [['output']] };

/** Where a member leads: to a count, to more members, or to both kinds of it in different producers. */
interface Place {
  /** The counts that it may be, with their place in the list of that count. */
  counts: { readonly name: JsonCount; readonly rank: number }[];
  readonly inside: Map<string, Place>;
  readonly path: string;
}

/** The places as a tree, so that reading costs a look-up for each member there is and not for each that may be. */
function treeOf(places: Readonly<Record<JsonCount, Paths>>): Place {
  const root: Place = { counts: [], inside: new Map(), path: '' };
  for (const [name, paths] of Object.entries(places) as [JsonCount, Paths][]) {
    paths.forEach((path, rank) => {
      let at = root;
      for (const member of path) {
        let next = at.inside.get(member);
        if (next === undefined) {
          next = { counts: [], inside: new Map(), path: at.path === '' ? member : `${at.path}.${member}` };
          at.inside.set(member, next);
        }
        at = next;
      }
      at.counts.push({ name, rank });
    });
  }
  return root;
}
const TREE = treeOf(PLACES);
const LANGFUSE_TREE = treeOf(LANGFUSE_PLACES);
/** Members of a usage object that are looked at; the largest that was seen has 17. */
const MAX_MEMBERS = 64;

/** What a usage object says; undefined when it is no object or gives no count. Impossible counts are not there. */
export function readJsonUsage(usage: JsonValue | undefined, shape: UsageShape): JsonUsage | undefined {
  if (!isObject(usage)) return undefined;
  const isLangfuse = shape === 'langfuse' && !has(usage, 'prompt_tokens') && !has(usage, 'input_tokens');
  const counts = new Map<JsonCount, RankedCount>();
  collect(usage, isLangfuse ? LANGFUSE_TREE : TREE, counts);
  if (counts.size === 0) return undefined;
  const isGemini = shape !== 'langfuse' && GEMINI_INPUT.some((name) => has(usage, name));
  const leavesCacheOut = isLangfuse || (shape === 'provider' && isExclusive(usage));
  return {
    counts,
    inputHasCache: counts.has('input') && cachedTokens(counts) > 0 ? !leavesCacheOut : undefined,
    outputHasReasoning: !isLangfuse && !isGemini,
  };
}

/** Tokens read from and written to the cache. */
export function cachedTokens(counts: ReadonlyMap<JsonCount, PlacedCount>): number {
  const of = (name: JsonCount): number => counts.get(name)?.count ?? 0;
  return of('cache_read') + (of('cache_write') || of('cache_write_5m') + of('cache_write_1h'));
}

/** Anthropic and Bedrock give the cache beside the input; OpenAI gives it as a detail of the input. */
function isExclusive(usage: JsonObject): boolean {
  if (INPUT_DETAILS.some((name) => isObject(memberOf(usage, name)))) return false;
  return has(usage, 'input_tokens') || has(usage, 'inputTokens')
    ? has(usage, 'cache_read_input_tokens') ||
        has(usage, 'cache_creation_input_tokens') ||
        has(usage, 'cacheReadInputTokens') ||
        has(usage, 'cacheWriteInputTokens')
    : false;
}

interface RankedCount extends PlacedCount {
  readonly rank: number;
}

function collect(object: JsonObject, at: Place, counts: Map<JsonCount, RankedCount>): void {
  let left = MAX_MEMBERS;
  for (const member in object) {
    if (left-- === 0) return;
    const place = at.inside.get(member);
    if (place === undefined) continue;
    const value = object[member];
    if (typeof value === 'number' || typeof value === 'string') {
      if (place.counts.length === 0) continue;
      const count = readCount(value);
      if (count === undefined || count === IMPOSSIBLE) continue;
      for (const { name, rank } of place.counts) {
        const known = counts.get(name);
        // Of counts that are not 0, and else of zeros, the likeliest place.
        if (known === undefined || (known.count > 0 === count > 0 ? rank < known.rank : count > 0))
          counts.set(name, { count, path: place.path, rank });
      }
    } else if (place.inside.size > 0 && isObject(value)) collect(value, place, counts);
  }
}

function has(usage: JsonObject, name: string): boolean {
  return Object.hasOwn(usage, name);
}
