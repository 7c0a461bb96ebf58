/** What the intake tells whoever counts. */
import type { Transport } from './intake.js';

/** Why spans were refused; a label of the metrics. */
export type RefusalReason =
  /** No OTLP request. Of how many spans is not known. */
  | 'malformed'
  /** Spans that can never be taken: bad ids, beyond the limits. */
  | 'rejected'
  /** More is under way than may be. */
  | 'overload'
  /** The ledger cannot be written. */
  | 'ledger'
  /** The collector is being stopped. */
  | 'stopping';

/** Counts. Everything but refusals is counted after commit. */
export interface IntakeMeter {
  /** Spans that are durable, duplicates included. */
  accepted(transport: Transport, spans: number): void;
  /** One request, or some spans of it, refused. `spans` is 0 where their number is not known. */
  refused(transport: Transport, spans: number, reason: RefusalReason): void;
  /** Spans, of those accepted, that the ledger held already. */
  duplicates(spans: number): void;
  /** One commit, which several requests may share. */
  committed(spans: number, seconds: number): void;
}
