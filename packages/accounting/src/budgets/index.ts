export { parseAmount } from './amount.js';
export { type BookEntry, type Budget, BudgetBook, type Holdings, type Reservation } from './budget-book.js';
export {
  type AlertFacts,
  type AlertKind,
  type BudgetEvent,
  type BudgetTerms,
  encodeAlert,
  encodeSet,
  isBudgetName,
  isReservationId,
  parseAlertBody,
  parseBudgetBody,
} from './budget-entry.js';
export {
  DEFAULT_LEVELS,
  isReached,
  LEVELS,
  type Level,
  type Levels,
  levelOf,
  parseLevels,
  percentText,
} from './levels.js';
export {
  type Bounds,
  boundsAt,
  forecastPico,
  type Period,
  parsePeriod,
  periodText,
  roundedEstimate,
} from './period.js';
export { isInScope, PRIVATE_SCOPES, PUBLIC_SCOPES, SCOPES, type Scope, type ScopeName, scopeKey } from './scope.js';
export { dueAlerts, hasRoom, isExhausted, type Spent, type SpentOf, type Standing, standingOf } from './standing.js';
export { addDays, type CivilDate, dateAt, parseZone, startOfDate, weekdayOf } from './zone.js';
