/**
 * OTLP requests out of files, as exporters and the Collector's file exporter write them: JSON (one object, or one a line) and
 * protobuf (one message, or many behind a length of 4 octets each, big-endian). In bounded memory.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DecodedTraceRequest,
  decodeTraceRequest,
  OtlpDecodeError,
  parseTraceRequestJson,
} from '@infrafabric/otlp';
import { CliError } from '../cli-error.js';
import { LineSplitter } from '../log/lines.js';

/** A request that could be read, or why not. */
export type ReadRequest =
  | { readonly place: string; readonly request: DecodedTraceRequest }
  /** Metrics, logs: no spans. */
  | { readonly place: string; readonly other: string }
  | { readonly place: string; readonly fault: string };

/** One request, or one line, has at most so many octets. */
const MAX_REQUEST_OCTETS = 256 * 1024 * 1024;
const CHUNK_OCTETS = 1024 * 1024;
const [BRACE, LENGTH_DELIMITED, FIELD_1] = [0x7b, 0x00, 0x0a];
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Files that are named, and those in directories that are, in order of their names; hidden ones are passed over. @throws CliError `io` */
export function filesIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    try {
      if (!statSync(path).isDirectory()) return [path];
      const names = readdirSync(path).filter((name) => !name.startsWith('.'));
      return filesIn(names.sort().map((name) => join(path, name)));
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError('io', `${path} cannot be read: ${(cause as Error).message}`, { cause });
    }
  });
}

/** The requests of a file, in order. @throws CliError `io` */
export function* requestsOf(file: string): Generator<ReadRequest> {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (cause) {
    throw new CliError('io', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    const start = readAt(fd, 0, 4_096);
    const first = start.find((octet) => ![0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(octet));
    if (start.length === 0) return;
    if (startsWith(start, GZIP) || startsWith(start, ZSTD))
      yield { place: file, fault: 'it is compressed: unpack it first' };
    else if (first === BRACE) yield* jsonRequests(fd, file);
    else if (start[0] === LENGTH_DELIMITED) yield* delimitedRequests(fd, file);
    else if (start[0] === FIELD_1) yield decoded(file, () => decodeTraceRequest(wholeOf(fd, file)));
    else yield { place: file, fault: 'it is no OTLP, neither JSON nor protobuf' };
  } finally {
    closeSync(fd);
  }
}

/** One a line where the first line is one; else the file is one. */
function* jsonRequests(fd: number, file: string): Generator<ReadRequest> {
  let isLines: boolean | undefined;
  for (const { number, text, fault } of linesOf(fd)) {
    const place = `${file}, line ${number}`;
    if (text === undefined) {
      yield { place, fault: fault! };
      continue;
    }
    const line = text.replace(/^\ufeff/, '').trim();
    if (line === '') continue;
    isLines ??= isWhole(line);
    if (!isLines) {
      yield decoded(file, () =>
        parseJson(
          wholeOf(fd, file)
            .toString('utf8')
            .replace(/^\ufeff/, ''),
        ),
      );
      return;
    }
    yield decoded(place, () => parseJson(line));
  }
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** What holds no spans by its own account is no request for us. */
function parseJson(text: string): DecodedTraceRequest | string {
  if (!/"resource_?[sS]pans"/.test(text)) {
    const [, other] = /"resource_?([mM]etrics|[lL]ogs|[pP]rofiles)"/.exec(text) ?? [];
    if (other !== undefined) return other.toLowerCase();
  }
  return parseTraceRequestJson(text);
}

function* delimitedRequests(fd: number, file: string): Generator<ReadRequest> {
  const { size } = fstatSync(fd);
  for (let at = 0, number = 1; at < size; number++) {
    const place = `${file}, message ${number}`;
    const head = readAt(fd, at, 4);
    const octets = head.length === 4 ? head.readUInt32BE(0) : Number.POSITIVE_INFINITY;
    if (at + 4 + octets > size) {
      yield { place, fault: 'it is cut off' };
      return;
    }
    if (octets > MAX_REQUEST_OCTETS) yield { place, fault: tooLarge(octets) };
    else yield decoded(place, () => decodeTraceRequest(readAt(fd, at + 4, octets)));
    at += 4 + octets;
  }
}

function decoded(place: string, decode: () => DecodedTraceRequest | string): ReadRequest {
  try {
    const request = decode();
    return typeof request === 'string' ? { place, other: request } : { place, request };
  } catch (error) {
    if (error instanceof OtlpDecodeError || error instanceof CliError) return { place, fault: error.message };
    throw error;
  }
}

function* linesOf(fd: number): ReturnType<LineSplitter['push']> {
  const splitter = new LineSplitter(MAX_REQUEST_OCTETS);
  for (let at = 0; ; ) {
    const chunk = readAt(fd, at, CHUNK_OCTETS);
    if (chunk.length === 0) break;
    yield* splitter.push(chunk);
    at += chunk.length;
  }
  const last = splitter.end();
  if (last !== undefined) yield last;
}

function wholeOf(fd: number, file: string): Buffer {
  const { size } = fstatSync(fd);
  if (size > MAX_REQUEST_OCTETS) throw new CliError('input', tooLarge(size));
  const whole = readAt(fd, 0, size);
  if (whole.length < size) throw new CliError('io', `${file} became shorter while it was read`);
  return whole;
}

function tooLarge(octets: number): string {
  return `one request of ${octets.toLocaleString('en')} octets; at most ${MAX_REQUEST_OCTETS.toLocaleString('en')} are read`;
}

function readAt(fd: number, at: number, octets: number): Buffer {
  const buffer = Buffer.allocUnsafe(octets);
  let done = 0;
  for (let n = 1; n > 0 && done < octets; done += n) n = readSync(fd, buffer, done, octets - done, at + done);
  return buffer.subarray(0, done);
}

function startsWith(octets: Buffer, start: Buffer): boolean {
  return octets.subarray(0, start.length).equals(start);
}
