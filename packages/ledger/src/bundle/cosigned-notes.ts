/** Which cosignatures a bundle takes along, so that whatever policy its reader has is met as it is by the ledger. docs/format.md §Bundle. */
import {
  encodeNote,
  FormatError,
  MAX_NOTE_SIGNATURES,
  type NoteSignature,
  parseNote,
  parseSignatureLine,
  textOfUtf8,
} from '@infrafabric/format';
import type { LedgerReader } from '../reader.js';

/** Lines of witnesses by the size of their checkpoint. */
export type Cosigned = ReadonlyMap<number, readonly NoteSignature[]>;

/**
 * Of the checkpoints up to a size those that no later one makes needless: each that a witness cosigned who did not cosign any
 * later one together with all the others. The largest that meets a policy, whatever it asks for, is one of them.
 */
export function cosignedToWrite(reader: LedgerReader, origin: string, size: number): Cosigned {
  const bySize = new Map<number, NoteSignature[]>();
  for (const rows of reader.cosignatures()) {
    for (const row of rows) {
      const line = row.size <= size ? readLine(row.line) : undefined;
      // A line of the ledger's own name would be taken for its writer's.
      if (line === undefined || line.name === origin) continue;
      const lines = bySize.get(row.size);
      if (lines === undefined) bySize.set(row.size, [line]);
      else lines.push(line);
    }
  }
  const kept = new Map<number, readonly NoteSignature[]>();
  const sets: ReadonlySet<string>[] = [];
  for (const at of [...bySize.keys()].sort((a, b) => b - a)) {
    const lines = bySize.get(at)!;
    const names = new Set(lines.map(({ name, keyIdHex }) => `${name}+${keyIdHex}`));
    if (sets.some((set) => [...names].every((name) => set.has(name)))) continue;
    sets.push(names);
    kept.set(at, lines);
  }
  return kept;
}

/** A stored note with lines of witnesses behind its own, as far as a note can have them. */
export function withCosignatures(note: Uint8Array, lines: readonly NoteSignature[] = []): string {
  if (lines.length === 0) return textOfUtf8(note);
  const { text, signatures } = parseNote(note);
  return encodeNote(text, [...signatures, ...lines].slice(0, MAX_NOTE_SIGNATURES));
}

/** Undefined for what is no line: `verify` says so. */
function readLine(octets: Uint8Array | null): NoteSignature | undefined {
  try {
    return octets === null ? undefined : parseSignatureLine(textOfUtf8(octets));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
