export { ATTRIBUTE_TABLE, ATTRIBUTE_TABLE_VERSION, type AttributeField } from './attribute-table.js';
export type { Attributes, AttributeValue, Fitting } from './attribute-value.js';
export { type Account, accountFor, chargeOf } from './charge.js';
export { type Labels, labelsOf } from './labels.js';
export { decimalUsd, formatUsd, type PicoUsd, parsePicoUsd, picoUsdOfNumber } from './pico-usd.js';
export { modelName, providerName, providerOfModel } from './provider.js';
export type { AccountedSpan } from './span-findings.js';
export { usageOf } from './usage.js';
