export { ATTRIBUTE_TABLE, ATTRIBUTE_TABLE_VERSION, type AttributeField } from './attribute-table.js';
export type { Attributes, AttributeValue, Fitting } from './attribute-value.js';
export { type Account, accountFor, chargeOf, type PricedAt } from './charge.js';
export {
  type CountableSpan,
  countableSpan,
  inclusiveInput,
  mayBeSameCall,
  type SameCallKeys,
  sameCallKeys,
} from './countable-span.js';
export { type Counting, countCalls, type NotCounted, type ParentOf } from './counting.js';
export { JSON_CONDITIONS, JSON_SOURCES, type JsonSource, RESPONSE_ID_KEYS } from './json-sources.js';
export { type Labels, labelsOf } from './labels.js';
export {
  decimalUsd,
  formatUsd,
  type PicoUsd,
  parsePicoUsd,
  picoOfSums,
  picoSumSql,
  picoUsdOfNumber,
} from './pico-usd.js';
export { modelName, providerName, providerOfModel } from './provider.js';
export type { Pricing, RatedCost, RatedSpan } from './rates/rate-cards.js';
export type { AccountedSpan } from './span-findings.js';
export { usageOf } from './usage.js';
