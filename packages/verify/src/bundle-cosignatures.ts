/** Lines of witnesses under the checkpoints of a bundle, and under anchors that agree with it. docs/format.md §Bundle. */
import type { NoteSignature, Policy } from '@infrafabric/format';
import type { BundleProblems } from './bundle-report.js';
import { CosignedSizes, witnessKeysOf } from './cosigned-sizes.js';
import { openCosignatures } from './open-cosignatures.js';
import { readNote } from './open-note.js';
import type { Witnessed } from './report.js';

/** What they turned out to be. */
export interface BundleCosignatures {
  /** Lines under checkpoints of the bundle whose name is not that of the ledger. */
  readonly found: number;
  /** Of them those of witnesses that the policy knows: they verified, or are problems. */
  readonly checked: number;
  readonly unknown: number;
  readonly witnessed: Witnessed | undefined;
}

/** A note, and the size of the tree that it was found to be over. */
interface SizedNote {
  readonly size: number;
  readonly note: Uint8Array;
}

/** Judges all lines. Anchors were judged before: what of them fails made them none. */
export function judgeBundleCosignatures(
  notes: Iterable<SizedNote>,
  anchors: Iterable<SizedNote>,
  { origin, policy }: { readonly origin: string; readonly policy: Policy | undefined },
  problems: BundleProblems,
): BundleCosignatures {
  const keys = witnessKeysOf(policy);
  const cosigned = new CosignedSizes();
  let [found, unknown] = [0, 0];
  for (const { size, text, lines } of opened(notes)) {
    const others = lines.filter(({ name }) => name !== origin);
    found += others.length;
    const judged = openCosignatures(text, others, keys);
    unknown += judged.unknown;
    for (const { message } of judged.failed) {
      const seq = Math.max(0, size - 1);
      problems.add({ code: 'cosignature.signature', seq, message: `the checkpoint of size ${size}: ${message}` });
    }
    cosigned.keep(size, judged.cosigned);
  }
  for (const { size, text, lines } of opened(anchors))
    cosigned.keep(size, openCosignatures(text, lines, keys).cosigned);
  return { found, checked: found - unknown, unknown, witnessed: cosigned.witnessedUnder(policy) };
}

function* opened(
  notes: Iterable<SizedNote>,
): Generator<{ readonly size: number; readonly text: string; readonly lines: readonly NoteSignature[] }> {
  for (const { size, note } of notes) {
    const read = readNote(note);
    if (read.ok) yield { size, text: read.note.text, lines: read.note.signatures };
  }
}
