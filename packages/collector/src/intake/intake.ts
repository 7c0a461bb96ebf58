/** What stands between the doors and the ledger: a request goes in, and only after its commit comes the answer. */
import type { ByteBudget } from './byte-budget.js';

/** How a body is encoded. */
export type Encoding = 'protobuf' | 'json';

/** By which door it came; a label of the metrics. */
export type Transport = 'http' | 'grpc';

/** One `ExportTraceServiceRequest`, decompressed. */
export interface TraceRequest {
  readonly body: Uint8Array;
  readonly encoding: Encoding;
  readonly transport: Transport;
}

/** What a door answers its sender. */
export type IntakeAnswer =
  /** Durable. `rejected` spans can never be taken; `message` says why, and is empty when there are none. */
  | { readonly outcome: 'stored'; readonly rejected: number; readonly message: string }
  /** The request can never be read: sending it again is useless. */
  | { readonly outcome: 'malformed'; readonly message: string }
  /** Overload, or the ledger cannot be written: the same request is welcome later. Nothing was acknowledged. */
  | { readonly outcome: 'unavailable'; readonly message: string; readonly retryAfterSeconds: number };

/** Takes requests. */
export interface Intake {
  /** Doors take from it before they hold a body in memory, and give back when its answer is out. */
  readonly memory: ByteBudget;
  /** Never rejects. */
  take(request: TraceRequest): Promise<IntakeAnswer>;
}
