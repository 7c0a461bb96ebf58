/** Places drafts in the chain: seq, prev, receive time, the previous checkpoint's hash; and grows the tree over them. */
import {
  encodeEntry,
  encodeSpanBody,
  LOWEST_STORED_LEVEL,
  leafHashHex,
  type MerkleFrontier,
  sha256Hex,
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

/** A draft that will get a place. */
export interface ToSeal {
  /** Its index among the caller's drafts. */
  readonly index: number;
  readonly prepared: Prepared | GenesisDraft;
  /** Seq of an earlier entry with the same ids and other content. */
  readonly conflict?: number;
}

/** Entry 0 is nobody's draft. */
export interface GenesisDraft {
  readonly draft: { readonly type: 'genesis'; readonly body: object };
  readonly bodyJson: string;
}

/** An entry with its place. */
export interface SealedEntry {
  readonly seq: number;
  readonly text: string;
  readonly hashHex: string;
  readonly prepared: Prepared;
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
  readonly nodes: readonly SealedNode[];
  /** The tree after the batch. */
  readonly frontier: MerkleFrontier;
  /** Leaf hash of the batch's last entry. */
  readonly prevHex: string;
  /** Receive time of the batch, Unix nanoseconds. */
  readonly at: bigint;
}

/** Seals a batch that has at least one entry. @throws FormatError `entry.too-large`. */
export function sealBatch(base: Base, items: readonly ToSeal[], at: bigint): Batch {
  const frontier = base.frontier.clone();
  const nodes: SealedNode[] = [];
  let prevHex = base.prevHex;
  let lastAt = base.lastAt;
  const entries = items.map(({ prepared, conflict }, i): SealedEntry => {
    const seq = base.size + i;
    const text = encodeEntry(
      {
        at: String(at),
        ...(i === 0 && base.note !== undefined ? { checkpoint: sha256Hex(base.note) } : {}),
        ...(at < lastAt ? { clock: 'backwards' as const } : {}),
        ...('critical' in prepared.draft && prepared.draft.critical === true ? { critical: true as const } : {}),
        ...('digestHex' in prepared ? { payload: prepared.digestHex } : {}),
        prev: prevHex,
        seq,
        type: prepared.draft.type,
      },
      conflict !== undefined && 'ids' in prepared
        ? encodeSpanBody({ ...prepared.draft.body, conflict })
        : prepared.bodyJson,
    );
    const hashHex = leafHashHex(text);
    frontier.push(hashHex, (level, index, hash) => {
      if (level >= LOWEST_STORED_LEVEL) nodes.push({ level, index, hashHex: hash });
    });
    prevHex = hashHex;
    lastAt = at;
    return { seq, text, hashHex, prepared: prepared as Prepared };
  });
  return { entries, nodes, frontier, prevHex, at };
}
