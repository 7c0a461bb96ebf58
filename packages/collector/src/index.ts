export { ByteBudget } from './intake/byte-budget.js';
export type { Encoding, Intake, IntakeAnswer, TraceRequest, Transport } from './intake/intake.js';
