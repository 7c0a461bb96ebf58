/** The entries of a bundle file that was judged before, one by one, as far as they can be read. */
import { createHash } from 'node:crypto';
import { FormatError, parseBundleLine, parseEntry, textOfUtf8 } from '@infrafabric/format';
import type { ForeignEntry } from '@infrafabric/ledger/import';
import { BundleLines } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { BundleFile } from '../verify/bundle-file.js';

/**
 * Undefined for each line that should be an entry and cannot be read. What cannot be cut into lines ends there.
 * @param sha256 of the file as it was judged, hex. @throws CliError `replaced`, at the end, when it is another now
 */
export function* bundleEntries(file: string, sha256: string): Generator<ForeignEntry | undefined> {
  const bundle = new BundleFile(file);
  try {
    const lines = new BundleLines();
    const hash = createHash('sha256');
    let isCut = true;
    for (const piece of bundle.pieces()) {
      hash.update(piece);
      const cut = lines.cut(piece);
      while (isCut) {
        const line = nextOf(cut);
        if (line === undefined) break;
        isCut = line !== 'too-long';
        const entry = line === 'too-long' ? undefined : entryIn(line);
        if (entry !== 'no-entry') yield entry;
      }
    }
    if (isCut && lines.hasRest) yield undefined;
    if (hash.digest('hex') !== sha256)
      throw new CliError('replaced', `somebody wrote to ${file} while it was read`, { hint: 'import a copy of it' });
  } finally {
    bundle.close();
  }
}

function nextOf(lines: Iterator<Uint8Array>): Uint8Array | 'too-long' | undefined {
  try {
    const next = lines.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    if (error instanceof FormatError) return 'too-long';
    throw error;
  }
}

function entryIn(octets: Uint8Array): ForeignEntry | 'no-entry' | undefined {
  try {
    const line = parseBundleLine(octets);
    if (line.line !== 'entry') return 'no-entry';
    const text = textOfUtf8(line.entry);
    return { seq: parseEntry(text).seq, text, payload: line.payload };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
