/** Since when the key that signs now does: a look at an index, and nothing verified. */
import { FormatError, parseEntry } from '@infrafabric/format';

/** What it reads: `LedgerReader` is one. */
export interface KeySinceSource {
  rotations(): (readonly [seq: number, text: string])[];
  entryText(seq: number): string | undefined;
}

/**
 * Receive time of the newest rotation, else of genesis, Unix nanoseconds; undefined where the file does not say. By the clock
 * of the machine that wrote it. @throws LedgerError
 */
export function keySinceUnixNano(source: KeySinceSource): bigint | undefined {
  const text = source.rotations().at(-1)?.[1] ?? source.entryText(0);
  try {
    return text === undefined ? undefined : BigInt(parseEntry(text).at);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
