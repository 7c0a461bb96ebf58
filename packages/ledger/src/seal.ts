/**
 * Places prepared entries in the chain: seq, prev, receive time, the previous checkpoint's hash; and grows the tree over
 * them. The octets of a batch are laid out as they are hashed, 0x00 before each entry, in one run: docs/format.md §Entry.
 */
import {
  encodeSpanBody,
  FormatError,
  LOWEST_STORED_LEVEL,
  MAX_ENTRY_OCTETS,
  type MerkleFrontier,
  type SpanBody,
  sha256Hex,
  utf8Of,
} from '@infrafabric/format';
import type { Prepared } from './prepare.js';

/** The state that a batch is sealed onto. */
export interface Base {
  readonly size: number;
  /** Newest checkpoint note; undefined only below genesis. */
  readonly note: Uint8Array | undefined;
  readonly frontier: MerkleFrontier;
  readonly prevHex: string;
  readonly lastAt: bigint;
}

/** A prepared entry that will get a place. */
export interface ToSeal<P extends Prepared | PreparedGenesis = Prepared> {
  /** Its index among the caller's drafts. */
  readonly index: number;
  readonly prepared: P;
  /** Seq of an earlier entry with the same ids and other content. */
  readonly conflict?: number;
}

/** Entry 0 is nobody's draft. */
export interface PreparedGenesis {
  readonly type: 'genesis';
  readonly body: Uint8Array;
}

/** An entry with its place. */
export interface SealedEntry<P extends Prepared | PreparedGenesis = Prepared | PreparedGenesis> {
  readonly seq: number;
  /** The entry, a part of the batch's octets. */
  readonly octets: Uint8Array;
  readonly hashHex: string;
  readonly prepared: P;
}

/** A tree node to be stored. */
export interface SealedNode {
  readonly level: number;
  readonly index: number;
  readonly hashHex: string;
}

/** Entries that one checkpoint will cover. */
export interface Batch {
  readonly entries: readonly SealedEntry[];
  /** 0x00 ‖ entry, for each entry in order. */
  readonly octets: Uint8Array;
  readonly nodes: readonly SealedNode[];
  /** The tree after the batch. */
  readonly frontier: MerkleFrontier;
  /** Leaf hash of the batch's last entry. */
  readonly prevHex: string;
  /** Receive time of the batch, Unix nanoseconds. */
  readonly at: bigint;
}

/** More than an entry's envelope ever takes. */
const ENVELOPE_OCTETS = 512;

/** Seals a batch that has at least one entry. @throws FormatError `entry.too-large`. */
export function sealBatch(base: Base, items: readonly ToSeal<Prepared | PreparedGenesis>[], at: bigint): Batch {
  const bodies = items.map(({ prepared, conflict }) => bodyOf(prepared, conflict));
  const octets = Buffer.allocUnsafe(bodies.reduce((sum, body) => sum + body.length + ENVELOPE_OCTETS, 0));
  const head = Buffer.from(`\0{"at":"${at}","body":`);
  const frontier = base.frontier.clone();
  const nodes: SealedNode[] = [];
  const onNode = (level: number, index: number, hashHex: string): void => {
    if (level >= LOWEST_STORED_LEVEL) nodes.push({ level, index, hashHex });
  };
  // Only of the first: within a batch the clock stands still.
  let firstOnly = '';
  if (base.note !== undefined) firstOnly += `,"checkpoint":"${sha256Hex(base.note)}"`;
  if (at < base.lastAt) firstOnly += ',"clock":"backwards"';
  let prevHex = base.prevHex;
  let end = 0;
  const entries = items.map(({ prepared }, i): SealedEntry => {
    const seq = base.size + i;
    const body = bodies[i]!;
    const start = end;
    octets.set(head, start);
    octets.set(body, start + head.length);
    const critical = 'critical' in prepared && prepared.critical === true ? ',"critical":true' : '';
    const payload =
      'digestHex' in prepared && prepared.digestHex !== undefined ? `,"payload":"${prepared.digestHex}"` : '';
    const tail = `${i === 0 ? firstOnly : ''}${critical}${payload},"prev":"${prevHex}","seq":${seq},"type":"${prepared.type}"}`;
    end = start + head.length + body.length;
    end += octets.write(tail, end, 'latin1');
    const leaf = octets.subarray(start, end);
    if (leaf.length - 1 > MAX_ENTRY_OCTETS) {
      throw new FormatError('entry.too-large', `an entry may have ${MAX_ENTRY_OCTETS} octets, this one is longer`);
    }
    // RFC 6962 §2.1: the 0x00 before the entry makes it a leaf.
    const hashHex = sha256Hex(leaf);
    frontier.push(hashHex, onNode);
    prevHex = hashHex;
    return { seq, octets: leaf.subarray(1), hashHex, prepared };
  });
  return { entries, octets: octets.subarray(0, end), nodes, frontier, prevHex, at };
}

function bodyOf(prepared: Prepared | PreparedGenesis, conflict: number | undefined): Uint8Array {
  if (conflict === undefined || prepared.type !== 'span') return prepared.body;
  const body = JSON.parse(Buffer.from(prepared.body).toString()) as SpanBody;
  return utf8Of(encodeSpanBody({ ...body, conflict }));
}
