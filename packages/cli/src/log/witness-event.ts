/** One event as `log` understood it, from flags or from a line of a batch; nothing of the environment is in it yet. */
import type { KeyValue } from '@infrafabric/otlp';

/** An event, checked: every member is what a span may hold. */
export interface WitnessEvent {
  readonly event: string;
  readonly component: string;
  readonly businessId?: string | undefined;
  readonly parentBusinessId?: string | undefined;
  /** JSON text, exactly as it was given. */
  readonly payload?: string | undefined;
  readonly tokensIn?: number | undefined;
  readonly tokensOut?: number | undefined;
  /** Exact decimal text. */
  readonly costUsd?: string | undefined;
  readonly model?: string | undefined;
  readonly provider?: string | undefined;
  /** Default: the end, else now. */
  readonly startUnixNano?: bigint | undefined;
  /** Default: now. */
  readonly endUnixNano?: bigint | undefined;
  /** OTLP SpanKind; default internal. */
  readonly kind?: number | undefined;
  /** OTLP Status; default unset. */
  readonly status?: { readonly code: number; readonly message: string } | undefined;
  /** Further attributes. */
  readonly attributes?: readonly KeyValue[] | undefined;
}

/** An event that may lack what it needs. */
export type PartialEvent = { readonly [Member in keyof WitnessEvent]?: WitnessEvent[Member] | undefined };
