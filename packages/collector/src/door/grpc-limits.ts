/** How long and how many: what keeps slow or numerous senders of the gRPC door from keeping others out. */

/** Bounds of the gRPC door. */
export interface GrpcLimits {
  /** For a message, from its call's headers to its last byte; later is DEADLINE_EXCEEDED. */
  readonly requestTimeoutMs: number;
  /** How long a sender may take to fetch its answer; then the call is reset. */
  readonly answerTimeoutMs: number;
  /** How long a connection may stay open without a call. Whoever needs another opens it; a peer that died does not. */
  readonly idleTimeoutMs: number;
  /** For the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** Connections beyond are closed at once. */
  readonly maxConnections: number;
  /** Calls under way on one connection; more wait at the sender, who is told the number. */
  readonly maxCallsPerConnection: number;
  /** Calls under way on all connections; beyond is UNAVAILABLE. */
  readonly maxUnderWay: number;
}

/** What holds unless it is said otherwise. 100 calls are what clients begin with before they are told a number. */
export const defaultGrpcLimits: GrpcLimits = {
  requestTimeoutMs: 30_000,
  answerTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  handshakeTimeoutMs: 10_000,
  maxConnections: 1024,
  maxCallsPerConnection: 100,
  maxUnderWay: 4096,
};
