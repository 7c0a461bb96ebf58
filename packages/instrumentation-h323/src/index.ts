export {
  type AdmissionDecision,
  type AdmissionPolicy,
  type AdmissionQuestion,
  admitAll,
  limitBandwidth,
} from './admission-policy.js';
export type { WatchOptions } from './calls/call-watch.js';
export type { MonthlyCost, SessionCost } from './cost-model.js';
export {
  type CallOptions,
  type CallUsage,
  SmallEndpoint,
  type SmallEndpointOptions,
} from './gatekeeper/small-endpoint.js';
export { SmallGatekeeper, type SmallGatekeeperOptions } from './gatekeeper/small-gatekeeper.js';
export type { DatagramListener, UdpAddress } from './gatekeeper/udp-peer.js';
export { H323Witness, type H323WitnessOptions } from './h323-witness.js';
export * from './names.js';
export { PerError, type PerErrorCode } from './per/per-error.js';
export type { AliasAddress, EndpointType, TransportAddress } from './ras/addresses.js';
export { decodeRas, encodeRas, MAX_DATAGRAM_OCTETS, type RasMessage, type RasMessages } from './ras/codec.js';
export { type DatagramInfo, type RasCounts, RasObserver, type RasObserverOptions } from './ras/ras-observer.js';
export { parseStatusLine, type StatusLine } from './status/status-line.js';
export { GnuGkStatusTail, type GnuGkStatusTailOptions, type StatusCounts } from './status/status-tail.js';
