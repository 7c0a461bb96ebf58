export { type AlertMessage, alertLogRecord, alertMessage, alertText, type BudgetAlert } from './alert.js';
export { BookKeeper, type KeptLedger } from './book-keeper.js';
export { BudgetError, type BudgetErrorCode } from './budget-error.js';
export { type BudgetSelection, Budgets, judgeAndAlert, type Reserved, type ReserveRequest } from './budgets.js';
export type { BudgetChange } from './change.js';
export { alertsOf, Courier, type CourierLedger, type CourierOptions, type Shipment } from './deliver/courier.js';
export type { Delivery } from './deliver/delivery-files.js';
export {
  addDestination,
  type Destination,
  type DestinationTarget,
  destinationsFile,
  readDestinations,
  removeDestination,
} from './deliver/destinations.js';
export { webhookHeaders } from './deliver/send.js';
export { type OpenSpent, openSpent } from './open-spent.js';
export { type ScannedLedger, SpentByScan } from './spent-by-scan.js';
export type { SpentSource } from './spent-source.js';
