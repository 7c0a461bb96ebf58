/** How long and how many: what keeps slow or numerous senders from keeping others out. */

/** Bounds of the HTTP door. */
export interface HttpLimits {
  /** For the request line and headers, from the connection's or the previous answer's last byte on. */
  readonly headersTimeoutMs: number;
  /** For a whole request, headers and body; later is 408. */
  readonly requestTimeoutMs: number;
  /** How long a connection may stay open between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** How long nothing may move on a connection in the middle of a request or answer: those who do not read are cut. */
  readonly idleTimeoutMs: number;
  /** Connections beyond are closed at once. */
  readonly maxConnections: number;
  /** Trace requests being read or stored at one time; beyond is 503. */
  readonly maxUnderWay: number;
}

/** What holds unless it is said otherwise. The SDKs send every 5 s: keep-alive spans that, as the Go collector's minute does. */
export const defaultHttpLimits: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  maxConnections: 1024,
  maxUnderWay: 4096,
};
