/**
 * A video frame of the shape that the npm package `grandiose` made common, read as untrusted: its fields as bounded texts, and
 * the part of its buffer that is picture. Nothing here writes to a frame or throws. Planes as in the NDI SDK's structs header.
 */

/** What describes a frame, beside its octets. Numbers as the sender takes them. */
export interface VideoHeader {
  readonly xres?: number | undefined;
  readonly yres?: number | undefined;
  /** Frames per second are `frameRateN / frameRateD`. */
  readonly frameRateN?: number | undefined;
  readonly frameRateD?: number | undefined;
  /** Little-endian FourCC, or its four letters. */
  readonly fourCC?: number | string | undefined;
  readonly pictureAspectRatio?: number | undefined;
  readonly frameFormatType?: number | undefined;
  readonly lineStrideBytes?: number | undefined;
  /** Units of 100 ns, or seconds and nanoseconds. */
  readonly timecode?: number | bigint | string | readonly number[] | undefined;
}

/** A frame as it is handed to `sender.video`. */
export interface VideoFrame extends VideoHeader {
  readonly data: ArrayBufferView | ArrayBufferLike;
}

/** The header's fields as texts, those that were there. */
export type HeaderTexts = Readonly<Record<string, string>>;

const HEADER_FIELDS = [
  'fourCC',
  'frameFormatType',
  'frameRateD',
  'frameRateN',
  'lineStrideBytes',
  'pictureAspectRatio',
  'timecode',
  'xres',
  'yres',
] as const;

/** Far more than a number or a timecode needs. */
const MAX_FIELD_CHARS = 64;

/** The fields of a frame's header as bounded, well-formed texts; what is no number, text or list of numbers is left out. */
export function headerTextsOf(frame: unknown): HeaderTexts {
  const texts: Record<string, string> = {};
  for (const field of HEADER_FIELDS) {
    const text = fieldText(memberOf(frame, field));
    if (text !== undefined) texts[field] = text;
  }
  return texts;
}

/** The octets that are picture, as a view of the frame's own `data`: padding after the last plane is not. Undefined: no octets. */
export function visibleBytesOf(frame: unknown, header: HeaderTexts): Uint8Array | undefined {
  const bytes = bytesOf(memberOf(frame, 'data'));
  if (bytes === undefined) return undefined;
  const octets = visibleOctetsOf(header);
  return octets === undefined || octets >= bytes.length ? bytes : bytes.subarray(0, octets);
}

/** Octets of all planes: stride × lines, and the planes that the FourCC adds. Undefined: the whole buffer counts. */
export function visibleOctetsOf(header: HeaderTexts): number | undefined {
  const stride = wholeNumber(header.lineStrideBytes);
  const lines = wholeNumber(header.yres);
  if (stride === undefined || lines === undefined) return undefined;
  const first = stride * lines;
  switch (fourCCOf(header)) {
    case 'UYVY':
    case 'BGRA':
    case 'BGRX':
    case 'RGBA':
    case 'RGBX':
      return first;
    case 'UYVA':
      return first + Math.ceil(stride / 2) * lines;
    case 'NV12':
      return first + stride * Math.ceil(lines / 2);
    case 'I420':
    case 'YV12':
      return first + 2 * Math.ceil(stride / 2) * Math.ceil(lines / 2);
    case 'P216':
      return 2 * first;
    case 'PA16':
      return 3 * first;
    default:
      return undefined;
  }
}

/** The FourCC's four letters, or the text that is there; undefined without one. */
export function fourCCOf(header: HeaderTexts): string | undefined {
  const text = header.fourCC;
  if (text === undefined || !/^\d{1,10}$/.test(text)) return text;
  const code = Number(text);
  const letters = [0, 8, 16, 24].map((shift) => String.fromCharCode((code >>> shift) & 0xff)).join('');
  return /^[ -~]{4}$/.test(letters) ? letters : text;
}

/** Frames per second, from the header's rate; undefined when it says none. */
export function frameRateOf(header: HeaderTexts): number | undefined {
  const rate = Number(header.frameRateN) / Number(header.frameRateD ?? 1);
  return Number.isFinite(rate) && rate > 0 ? rate : undefined;
}

/** `1920x1080`, or undefined. */
export function resolutionOf(header: HeaderTexts): string | undefined {
  return header.xres === undefined || header.yres === undefined ? undefined : `${header.xres}x${header.yres}`;
}

/** A getter of the application may throw: then there is no such member. */
function memberOf(frame: unknown, name: string): unknown {
  try {
    return typeof frame === 'object' && frame !== null ? (frame as Record<string, unknown>)[name] : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(data: unknown): Uint8Array | undefined {
  try {
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  } catch {
    // Detached while we looked.
  }
  return undefined;
}

function fieldText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return String(value).slice(0, MAX_FIELD_CHARS);
    case 'string':
      return value.slice(0, MAX_FIELD_CHARS).toWellFormed();
    default:
      return Array.isArray(value) && value.length <= 4 && value.every((part) => typeof part === 'number')
        ? value.join(',').slice(0, MAX_FIELD_CHARS)
        : undefined;
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined;
}
