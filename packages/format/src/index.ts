export { sha256Hex } from '#sha256';
export { encodeAnchorLine, isAnchorLine, parseAnchorLines } from './anchor-line.js';
export {
  BUNDLE_FORMAT,
  type BundleCheckpoint,
  type BundleContext,
  type BundleEnd,
  type BundleEntry,
  type BundleHash,
  type BundleHeader,
  type BundleLine,
  type BundleSelection,
  encodeBundleLine,
  MAX_BUNDLE_LINE_OCTETS,
  parseBundleLine,
} from './bundle.js';
export { base64Of, bytesOfBase64, bytesOfHex, concatBytes, hexOf, textOfUtf8, utf8Of } from './bytes.js';
export {
  type CanonicalObject,
  type CanonicalValue,
  encodeCanonicalJson,
  encodeString,
  parseCanonicalJson,
} from './canonical-json.js';
export { type Checkpoint, encodeCheckpoint, isOrigin, type ParsedCheckpoint, parseCheckpoint } from './checkpoint.js';
export { type Cosignature, cosignedMessage, encodeCosignature, parseCosignature } from './cosignature.js';
export {
  ENTRY_TYPES,
  type Entry,
  type EntryType,
  type Envelope,
  encodeBody,
  encodeEntry,
  FORMAT_VERSION,
  isKnownType,
  MAX_ENTRY_OCTETS,
  parseEntry,
  ZERO_HASH_HEX,
} from './entry.js';
export { type FittedText, fitText, TEXT_LIMITS } from './fit-text.js';
export { FormatError, type FormatErrorCode } from './format-error.js';
export {
  type HeldEntry,
  heldEntry,
  heldSpan,
  IMPORT_PART_OCTETS,
  type ImportedPart,
  type ImportHead,
  importBodies,
  MAX_IMPORT_PARTS,
  readImportBody,
  spanIn,
  spanOfEntry,
  type TextAt,
} from './import-body.js';
export { EMPTY_ROOT_HEX, leafHashHex, MerkleFrontier, nodeHashHex, type OnNode } from './merkle.js';
export {
  consistencyProof,
  inclusionProof,
  isConsistent,
  type RangeHash,
  rootOfInclusionProof,
} from './merkle-proof.js';
export {
  encodeNote,
  encodeSignatureLine,
  MAX_NOTE_OCTETS,
  MAX_NOTE_SIGNATURES,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatureLine,
} from './note.js';
export {
  type ContextKind,
  contextDigestHex,
  decodeSpanPayload,
  encodeSpanPayload,
  MAX_PAYLOAD_OCTETS,
  PAYLOAD_DOMAIN,
  payloadDigestHex,
  SALT_OCTETS,
  type SpanPayload,
} from './payload.js';
export {
  isQuorumMet,
  MAX_POLICY_OCTETS,
  type Policy,
  type PolicyLog,
  type PolicyWitness,
  parsePolicy,
  type Quorum,
  renderQuorum,
} from './policy.js';
export {
  type Charge,
  type ChargeSource,
  type Counts,
  encodeSpanBody,
  type Rated,
  type RatedLine,
  type SpanBody,
  type Texts,
  type Usage,
} from './span-body.js';
export {
  APPLICATION_ID,
  LOWEST_STORED_LEVEL,
  SCHEMA,
  SCHEMA_VERSION,
  type SchemaObject,
  SEGMENT_BITS,
  schemaOf,
  UPGRADE_TO_2,
} from './store-schema.js';
export { partialWidth, TILE_WIDTH, type Tile, TileTree, tilePath } from './tiles.js';
export { encodeTlogProof, MAX_EXTRA_OCTETS, MAX_PROOF_OCTETS, parseTlogProof, type TlogProof } from './tlog-proof.js';
export { isTraceId, spanIdOfBusinessId, traceIdOfBusinessId } from './trace-id.js';
export {
  encodeVkey,
  isKeyName,
  isWeakPublicKey,
  type KeyType,
  keyIdHexOf,
  parseCosignerVkey,
  parseVkey,
  type VerifierKey,
} from './vkey.js';
