export { type FrameProof, verifyFrame } from './frame-proof.js';
export type { FrameRecord } from './frame-record.js';
export { encodeFrameRecord, frameHashHex } from './frame-record.js';
export { type InstrumentSenderOptions, instrumentSender, type NdiSender, ndiStreamOf } from './instrument-sender.js';
export type { NdiStream } from './ndi-stream.js';
export {
  NdiWitnessPublisher,
  type NdiWitnessPublisherOptions,
  type PublishedFrame,
  type PublishFrameOptions,
} from './ndi-witness-publisher.js';
export { NDI_COMPONENT } from './package-scope.js';
export { readFrameProof } from './sidecar.js';
export type { HeaderTexts, VideoFrame, VideoHeader } from './video-frame.js';
