/** One row of `entries`, with its leaf hash. */
export interface VectorEntry {
  readonly seq: number;
  readonly leaf: string;
  readonly entry: string;
}

/** Rows of a ledger file; octets as hex, notes as text. */
export interface Rows {
  readonly entries: readonly VectorEntry[];
  readonly checkpoints: readonly { readonly size: number; readonly note: string }[];
  readonly nodes: readonly { readonly level: number; readonly node: number; readonly hash: string }[];
  readonly payloads: readonly {
    readonly seq: number;
    readonly digest: string;
    readonly salt: string;
    readonly payload: string;
  }[];
  readonly contexts: readonly { readonly digest: string; readonly kind: string; readonly context: string }[];
}

export function rowsOf(file: string): Rows;
