export { estimateMos, type StreamQuality } from '@infrafabric/events';
export { audioCodecOf } from './body-digest.js';
export * from './call-attributes.js';
export { type CallChainReport, type ChainLinks, verifyCallChain } from './call-chain.js';
export type { CallLedger } from './call-ledger.js';
export type { CallQuality } from './call-quality.js';
export type { CallLimits } from './call-table.js';
export { canonicalPayload } from './canonical-payload.js';
export { decodeHep, encodeHep, type HepPacket } from './hep-packet.js';
export { type HepCounts, HepReceiver } from './hep-receiver.js';
export { type JsSipSocket, observeJsSipSocket, type SourceEnds } from './jssip-source.js';
export { endpointOf, endpointText, type SipObservation } from './observation.js';
export { parseSipMessage } from './parse-message.js';
export { SIP_COMPONENT, SIP_SCOPE } from './scope.js';
export type { SipDirection, SipEndpoint, SipMessage, SipParty, SipTransport } from './sip-message.js';
export { SipObserver, type SipObserverCounts, type SipObserverOptions } from './sip-observer.js';
export {
  observingSipLogger,
  type SipPackageLogger,
  type SipPackageMessage,
  type SipPackageRemote,
} from './sip-package-source.js';
export { SipWitness, type SipWitnessOptions } from './sip-witness.js';
export { observedSipJsTransport, observeSipJsTransport, type SipJsTransport } from './sipjs-source.js';
