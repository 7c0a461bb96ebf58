/** What of a damaged ledger can be taken into a new one: what is provable, and on demand what can merely be read. */
import { parseVkey, type VerifierKey } from '@infrafabric/format';
import { localKeys, readHead } from '@infrafabric/ledger';
import type { ForeignEntry, ForeignLedger } from '@infrafabric/ledger/import';
import { SalvageReader } from '@infrafabric/ledger/salvage';
import { type DamagedLedger, type Provable, provableEntries, readNote } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { type ChosenKey, keyOfFlag } from '../verify/choose-key.js';

/** A damaged ledger, read. Open until {@link Salvage.close}. */
export interface Salvage {
  readonly origin: string;
  readonly key: VerifierKey;
  readonly provable: Provable;
  /** What SQLite said of the file. */
  readonly complaints: readonly string[];
  readonly foreign: (withUnproven: boolean) => ForeignLedger;
  readonly close: () => void;
}

/** How to salvage. */
export interface SalvageOptions {
  /** A private copy. */
  readonly path: string;
  /** The damaged ledger itself, for its remembered head. */
  readonly ledger: string;
  readonly home: string;
  /** What `--key` said. */
  readonly key: string | undefined;
  readonly onProgress: (entries: number) => void;
}

/** @throws CliError `no-key`, exit code 3. */
export function openSalvage({ path, ledger, home, key, onProgress }: SalvageOptions): Salvage {
  const reader = SalvageReader.open(path);
  try {
    const source = withHead(reader, readHead(ledger));
    const chosen = key === undefined ? heldKey(home, source) : keyOfFlag(key);
    const provable = provableEntries(source, chosen.key, chosen.vkey, onProgress);
    return {
      origin: chosen.key.name,
      key: provable.newest === undefined ? chosen.key : parseVkey(provable.newest.vkey),
      provable,
      complaints: [...reader.complaints],
      foreign: (withUnproven) => foreignOf(reader, chosen.key.name, provable, withUnproven),
      close: () => reader.close(),
    };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** The remembered head is a checkpoint like those in the file, and may be newer than all of them. */
function withHead(reader: SalvageReader, head: Uint8Array | undefined): DamagedLedger {
  const stored = reader.checkpoints();
  const read = head === undefined ? undefined : readNote(head);
  const isNew = read?.ok === true && stored.every(({ size }) => size !== read.checkpoint.size);
  const notes = isNew ? [...stored, { size: read.checkpoint.size, note: head! }] : [...stored];
  notes.sort((a, b) => a.size - b.size);
  return {
    size: () => reader.size(),
    text: (seq) => reader.text(seq),
    checkpoints: () => notes,
    node: (level, node) => reader.node(level, node),
  };
}

/** A key of the home whose ledger this says it is, by any note that can be read. */
function heldKey(home: string, source: DamagedLedger): ChosenKey {
  const origins = new Set<string>();
  for (const { note } of source.checkpoints()) {
    const read = readNote(note);
    if (read.ok) origins.add(read.checkpoint.origin);
    if (origins.size > 16) break;
  }
  for (const origin of origins) {
    const [first] = localKeys(home, origin);
    // The oldest leads to all others by the rotations in between.
    if (first !== undefined) return { ...keyOfFlag(oldestOf(source, home, origin) ?? first.vkeyFile), source: 'local' };
  }
  throw new CliError('no-key', 'no key is held that could tell what of this ledger is still what was signed', {
    exitCode: 3,
    hint: 'name the key with --key: what if-witness keys show printed when the ledger was well',
  });
}

/** The held key that genesis names, where genesis can be read. */
function oldestOf(source: DamagedLedger, home: string, origin: string): string | undefined {
  const genesis = source.text(0);
  return localKeys(home, origin).find(({ vkey }) => genesis?.includes(`"key":"${vkey}"`))?.vkeyFile;
}

function foreignOf(reader: SalvageReader, origin: string, provable: Provable, withUnproven: boolean): ForeignLedger {
  const { newest, redacted } = provable;
  const note = newest?.note ?? reader.checkpoints().at(-1)?.note;
  if (note === undefined) return { runs: [], erased: redacted, context: () => undefined };
  const entriesOf = function* (wanted: Iterable<number>): Generator<ForeignEntry> {
    for (const seq of wanted) {
      const text = reader.text(seq);
      if (text !== undefined) yield { seq, text, payload: reader.payload(seq) };
    }
  };
  const provenSeqs = function* (): Generator<number> {
    for (let seq = 0; seq < provable.signedSize; seq++) if (provable.isProven(seq)) yield seq;
  };
  const unprovenSeqs = function* (): Generator<number> {
    for (const { first, last } of provable.unproven) for (let seq = first; seq <= last; seq++) yield seq;
  };
  const proven = { origin, note, vkey: newest?.vkey, entries: () => entriesOf(provenSeqs()) };
  const unproven = { origin, note, vkey: undefined, entries: () => entriesOf(unprovenSeqs()) };
  return {
    runs: [
      ...(provable.proven > 0 ? [proven] : []),
      ...(withUnproven && provable.unproven.length > 0 ? [unproven] : []),
    ],
    erased: redacted,
    context: (_kind, digestHex) => reader.context(Buffer.from(digestHex, 'hex')),
  };
}
