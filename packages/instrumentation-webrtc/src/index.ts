export { estimateMos, type StreamQuality } from '@infrafabric/events';
export { type Candidate, parseCandidate } from './candidates.js';
export type { ConnectionOptions, WatchedConnection } from './connection-options.js';
export {
  type ConstructorHolder,
  type InstallOptions,
  installWebRtcInstrumentation,
  instrumentPeerConnection,
} from './instrument.js';
export type { EndReason } from './names.js';
export type { EventTargetLike, PeerConnectionLike } from './peer-connection.js';
export type { RttUnit } from './stats.js';
export { type LoggedCandidate, WebRtcWitness, type WebRtcWitnessOptions } from './webrtc-witness.js';
