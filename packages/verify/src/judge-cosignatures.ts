/**
 * What witnesses say: the rows of `cosignatures`, and the lines under anchors that were kept elsewhere. A row of a known
 * witness that does not verify was forged or belongs to another history; a row that is not there is what a policy finds.
 * docs/format.md §Cosignatures.
 */
import {
  FormatError,
  type NoteSignature,
  type Policy,
  parseNote,
  parseSignatureLine,
  textOfUtf8,
  utf8Of,
} from '@infrafabric/format';
import type { VouchedRoot } from './chain-findings.js';
import { type AskedPolicy, CosignedSizes, type WitnessKey, witnessKeysOf } from './cosigned-sizes.js';
import { openCosignatures } from './open-cosignatures.js';
import { readNote } from './open-note.js';
import type { Problems, Witnessed } from './report.js';
import type { ChainSource, CosignatureRow, StoreSource } from './source.js';

/** What the cosignatures turned out to be. */
export interface CosignatureFindings {
  /** Rows. */
  readonly stored: number;
  /** Rows of witnesses that the policy knows, all of which verified or are problems. */
  readonly checked: number;
  /** Rows of others: nothing is known about them. */
  readonly unknown: number;
  /** The largest checkpoint for which the policy's quorum is met; undefined when there is none, or no policy. */
  readonly witnessed: Witnessed | undefined;
}

/** Judges all rows, and finds what the policy asks for. Anchors count as far as they were opened. Never throws for what a file holds. */
export function judgeCosignatures(
  source: ChainSource & StoreSource,
  asked: AskedPolicy | undefined,
  anchors: readonly VouchedRoot[],
  problems: Problems,
): CosignatureFindings {
  const judge = new CosignatureJudge(source, asked?.policy, problems);
  for (const rows of source.cosignatures?.() ?? []) for (const row of rows) judge.row(row);
  for (const { size, note } of anchors) judge.anchor(size, note);
  return judge.findings();
}

class CosignatureJudge {
  readonly #source: ChainSource;
  readonly #policy: Policy | undefined;
  readonly #keys: readonly WitnessKey[];
  readonly #problems: Problems;
  readonly #cosigned = new CosignedSizes();
  /** Text of the checkpoint that was asked for last: rows of one size follow each other. */
  #text: { readonly size: number; readonly text: string | undefined } | undefined;
  #stored = 0;
  #checked = 0;
  #unknown = 0;

  constructor(source: ChainSource, policy: Policy | undefined, problems: Problems) {
    this.#source = source;
    this.#policy = policy;
    this.#keys = witnessKeysOf(policy);
    this.#problems = problems;
  }

  row({ size, witness, line }: CosignatureRow): void {
    this.#stored++;
    const parsed = this.#parse(size, witness, line);
    if (parsed === undefined) return;
    const text = this.#textOf(size);
    if (text === undefined) {
      this.#add('cosignature.malformed', size, `a cosignature is stored for size ${size}, which has no checkpoint`);
      return;
    }
    const opened = openCosignatures(text, [parsed], this.#keys);
    if (opened.unknown > 0) this.#unknown++;
    else this.#checked++;
    for (const { message } of opened.failed)
      this.#add('cosignature.signature', size, `the checkpoint of size ${size}: ${message}`);
    this.#cosigned.keep(size, opened.cosigned);
  }

  /** Its lines; one that fails made it no anchor before. What they say of another root is no word for this ledger. */
  anchor(size: number, note: string): void {
    const { text, signatures } = parseNote(utf8Of(note));
    if (headOf(text) !== headOf(this.#textOf(size) ?? '')) return;
    this.#cosigned.keep(size, openCosignatures(text, signatures, this.#keys).cosigned);
  }

  findings(): CosignatureFindings {
    const witnessed = this.#cosigned.witnessedUnder(this.#policy);
    return { stored: this.#stored, checked: this.#checked, unknown: this.#unknown, witnessed };
  }

  #parse(size: number, witness: Uint8Array | null, line: Uint8Array | null): NoteSignature | undefined {
    try {
      if (witness === null || line === null) throw new FormatError('note.malformed', 'no text, or too long a one');
      const parsed = parseSignatureLine(textOfUtf8(line));
      if (textOfUtf8(witness) !== `${parsed.name}+${parsed.keyIdHex}`)
        throw new FormatError('note.malformed', 'it is stored under another name or key id');
      return parsed;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#add('cosignature.malformed', size, `a cosignature stored for size ${size}: ${error.message}`);
      return undefined;
    }
  }

  #textOf(size: number): string | undefined {
    if (this.#text?.size !== size) {
      const read = readNote(noteOf(this.#source, size) ?? new Uint8Array());
      this.#text = { size, text: read.ok ? read.note.text : undefined };
    }
    return this.#text.text;
  }

  #add(code: 'cosignature.malformed' | 'cosignature.signature', size: number, message: string): void {
    const seq = Number.isSafeInteger(size) && size > 0 ? { seq: size - 1 } : {};
    this.#problems.add({ code, ...seq, column: 'cosignatures', message });
  }
}

function noteOf(source: ChainSource, size: number): Uint8Array | null | undefined {
  if (source.noteOfSize !== undefined) return source.noteOfSize(size);
  const [first] = source.checkpoints(size);
  return first?.[0]?.size === size ? first[0].note : undefined;
}

/** Origin, size and root: all that a cosignature speaks of. */
function headOf(text: string): string {
  return text.split('\n').slice(0, 3).join('\n');
}
