/** Fills what plain attributes lack from attributes that hold a usage as JSON, as far as both speak of the same call. */
import type { AttributeValue } from './attribute-value.js';
import { readText } from './attribute-value.js';
import type { Found } from './found-attributes.js';
import { JSON_SOURCES, type JsonSource } from './json-sources.js';
import { cachedTokens, type JsonCount, type JsonUsage, readJsonUsage } from './json-usage.js';
import { atPath, type JsonValue, structureOf } from './json-value.js';
import { type AccountedSpan, isGenkitModel, type SpanFindings } from './span-findings.js';

/** What was learned besides the counts. */
export interface Filled {
  /** Whether the input includes the cache; undefined where no source tells. */
  readonly inputHasCache: boolean | undefined;
  /** False where a source says that its output leaves the reasoning out. */
  readonly outputHasReasoning: boolean;
  /** Model that a source names. */
  readonly model: Found<string> | undefined;
}

/** Counts besides input and output, which make sense only beside an input that is known to be the same. */
const DETAILS = ['cache_read', 'cache_write', 'cache_write_5m', 'cache_write_1h', 'reasoning', 'tool_input'] as const;

// Looked for before a text is parsed: names that could fill what is missing, with a count that is not 0.
const CACHE_READ = /(?:cached|cache_?read)[A-Za-z0-9_]{0,40}["']\s{0,4}:\s{0,4}["']?[1-9]/i;
const CACHE_WRITE = /(?:cache_?creation|cache_?write|ephemeral)[A-Za-z0-9_]{0,40}["']\s{0,4}:\s{0,4}["']?[1-9]/i;
const SPLIT = /(?:ephemeral|above_1hr)[A-Za-z0-9_]{0,40}["']\s{0,4}:\s{0,4}["']?[1-9]/i;
const REASONING = /(?:reasoning|thoughts)[A-Za-z_]{0,40}["']\s{0,4}:\s{0,4}["']?[1-9]/i;

/** Fills `raw` and `keys` in place; undefined when no source has anything. */
export function fillCounts(
  span: AccountedSpan,
  found: SpanFindings,
  isCall: boolean,
  raw: Record<string, number>,
  keys: Record<string, string>,
): Filled | undefined {
  if (!found.has('json')) return undefined;
  const filling = new Filling(raw, keys);
  for (let i = 0; i < JSON_SOURCES.length; i++) {
    const value = found.valueAt('json', i);
    const source = JSON_SOURCES[i]!;
    if (value === undefined || (source.onlyCalls && !isCall)) continue;
    if (!holds(source, span, found) || !filling.isWorth(source, value)) continue;
    filling.take(source, structureOf(value, source.maxChars));
  }
  return filling.result();
}

/** Whether the condition of a source holds. */
function holds(source: JsonSource, span: AccountedSpan, found: SpanFindings): boolean {
  const text = (field: 'ai_operation' | 'haystack_type'): string | undefined =>
    found.first(field, (value) => readText(value))?.value;
  switch (source.onlyIf) {
    case 'agents_call':
      return span.scopeName === 'logfire.openai_agents' && !found.has('sdk_span_type');
    case 'ai_sdk_call':
      return /\.do[A-Z]/.test(text('ai_operation') ?? '');
    case 'genkit_model':
      return isGenkitModel(found);
    case 'haystack_model':
      return /(?:Generator|Embedder)$/.test(text('haystack_type') ?? 'Generator');
    default:
      return true;
  }
}

class Filling {
  readonly #raw: Record<string, number>;
  readonly #keys: Record<string, string>;
  #inputHasCache: boolean | undefined;
  #outputHasReasoning = true;
  #model: Found<string> | undefined;
  #tookAny = false;

  constructor(raw: Record<string, number>, keys: Record<string, string>) {
    this.#raw = raw;
    this.#keys = keys;
  }

  /** Whether a source could tell anything new; looks at its text only. */
  isWorth(source: JsonSource, value: AttributeValue): boolean {
    if (typeof value !== 'string') return true;
    if (value.length > source.maxChars) return false;
    const raw = this.#raw;
    if (!this.#isKnown()) return source.model.length === 0 || value.includes('usage');
    const isUnsplit = raw.cache_write_5m === undefined && raw.cache_write_1h === undefined;
    if (raw.cache_read === undefined && CACHE_READ.test(value)) return true;
    if (raw.cache_write === undefined && CACHE_WRITE.test(value)) return true;
    if (raw.cache_write !== undefined && raw.cache_write > 0 && isUnsplit && SPLIT.test(value)) return true;
    if (raw.reasoning === undefined && REASONING.test(value)) return true;
    return raw.output === undefined || value.includes('toolUse');
  }

  take(source: JsonSource, structure: JsonValue | undefined): void {
    if (structure === undefined) return;
    this.#model ??= modelIn(source, structure);
    for (const at of source.at) {
      const usage = readJsonUsage(atPath(structure, at.path), source.shape);
      if (usage === undefined) continue;
      if (this.#isKnown()) this.#fillDetails(at.prefix, usage);
      else this.#takeAll(at.prefix, usage);
      return;
    }
  }

  result(): Filled | undefined {
    if (!this.#tookAny && this.#model === undefined) return undefined;
    return {
      inputHasCache: this.#inputHasCache,
      outputHasReasoning: this.#outputHasReasoning,
      model: this.#model,
    };
  }

  #isKnown(): boolean {
    return (this.#raw.input ?? 0) > 0 || (this.#raw.output ?? 0) > 0;
  }

  #takeAll(prefix: string, usage: JsonUsage): void {
    const input = usage.counts.get('input')?.count ?? 0;
    const output = usage.counts.get('output')?.count ?? 0;
    if (input === 0 && output === 0) return;
    this.#put(prefix, usage, 'input');
    this.#put(prefix, usage, 'output');
    for (const name of DETAILS) this.#put(prefix, usage, name);
    this.#inputHasCache = usage.inputHasCache;
    this.#outputHasReasoning = usage.outputHasReasoning;
  }

  #fillDetails(prefix: string, usage: JsonUsage): void {
    const raw = this.#raw;
    const stated = usage.counts.get('input')?.count;
    const cached = cachedTokens(usage.counts);
    const inclusive = stated === undefined || usage.inputHasCache !== false ? stated : stated + cached;
    const fromTools = usage.counts.get('tool_input')?.count ?? 0;
    const hasTools = fromTools > 0 && inclusive !== undefined && inclusive + fromTools === raw.input;
    if (
      stated !== undefined &&
      stated !== raw.input &&
      inclusive !== raw.input &&
      inclusive !== this.#inclusiveInput() &&
      !hasTools
    )
      return;
    if (this.#inputHasCache === undefined && stated !== undefined && cached > 0)
      this.#inputHasCache = hasTools || inclusive === raw.input;
    const output = usage.counts.get('output')?.count;
    if (raw.output === undefined) {
      this.#put(prefix, usage, 'output');
      this.#outputHasReasoning = usage.outputHasReasoning;
    } else if (raw.reasoning === undefined && output === raw.output) {
      this.#outputHasReasoning = usage.outputHasReasoning;
    }
    for (const name of DETAILS)
      if (raw[name] === undefined && !(hasTools && name === 'tool_input')) this.#put(prefix, usage, name);
  }

  /** The input with cache, where it is known to leave it out. */
  #inclusiveInput(): number | undefined {
    const { input, cache_read = 0, cache_write, cache_write_5m = 0, cache_write_1h = 0 } = this.#raw;
    if (input === undefined || this.#inputHasCache !== false) return undefined;
    return input + cache_read + (cache_write ?? cache_write_5m + cache_write_1h);
  }

  #put(prefix: string, usage: JsonUsage, name: JsonCount): void {
    const placed = usage.counts.get(name);
    if (placed === undefined || (placed.count === 0 && name !== 'input' && name !== 'output')) return;
    this.#raw[name] = placed.count;
    this.#keys[name] = prefix + placed.path;
    this.#tookAny = true;
  }
}

function modelIn(source: JsonSource, structure: JsonValue): Found<string> | undefined {
  for (const path of source.model) {
    const name = atPath(structure, path);
    const model = typeof name === 'string' ? readText(name) : undefined;
    if (model !== undefined) return { key: [source.key, ...path].join('.'), value: model };
  }
  return undefined;
}
