/** The context that a parent process hands over in TRACEPARENT, TRACESTATE and BAGGAGE (W3C Trace Context and Baggage). */
import { Baggage } from './baggage.js';

/** A span of another process. */
export interface RemoteSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  /** W3C trace flags, one octet. */
  readonly traceFlags: number;
}

/** What the environment says. */
export interface AmbientContext {
  readonly remote: RemoteSpan | undefined;
  readonly baggage: Baggage;
  /** What could not be used. */
  readonly problem: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** Reads the variables. Never throws: a caller's broken context is no reason to lose the event. */
export function ambientContext(env: Env): AmbientContext {
  const baggage = Baggage.parse(env.BAGGAGE);
  const text = env.TRACEPARENT?.trim();
  if (text === undefined || text === '') return { remote: undefined, baggage, problem: undefined };
  const [, version, traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(text) ?? [];
  const isValid =
    version !== undefined &&
    version !== 'ff' &&
    (version !== '00' || rest === undefined) &&
    /[1-9a-f]/.test(traceId) &&
    /[1-9a-f]/.test(spanId);
  if (!isValid) return { remote: undefined, baggage, problem: 'TRACEPARENT is not a W3C traceparent and is ignored' };
  const state = env.TRACESTATE ?? '';
  const traceState = TRACESTATE.test(state) ? state : '';
  return {
    remote: { traceId, spanId, traceState, traceFlags: Number.parseInt(flags, 16) },
    baggage,
    problem: undefined,
  };
}
