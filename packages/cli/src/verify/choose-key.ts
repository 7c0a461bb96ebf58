/** Which key a ledger is judged by: one that the verifier already holds, never one that is found in the ledger alone. */
import { readFileSync, statSync } from 'node:fs';
import { FormatError, parseVkey, textOfUtf8, type VerifierKey } from '@infrafabric/format';
import { type LocalKey, localKeys } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { readNote } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';

/** A key, and where it came from. */
export interface ChosenKey {
  readonly key: VerifierKey;
  readonly vkey: string;
  /** `flag`: named on the command line; `local`: in the key directory of the witness home. */
  readonly source: 'flag' | 'local';
  /** For people: a file, or `--key`. */
  readonly from: string;
}

/** What a ledger says of itself; not trusted, only used to find the key. */
export interface SelfDescription {
  readonly origin: string | undefined;
  /** Vkey that genesis names. */
  readonly vkey: string | undefined;
  /** Of the newest checkpoint. */
  readonly size: number;
}

const MAX_KEY_OCTETS = 4096;

/** The key that `--key` names, as text or as a file. @throws CliError `input`, `io`. */
export function keyOfFlag(value: string): ChosenKey {
  try {
    return { key: parseVkey(value), vkey: value, source: 'flag', from: '--key' };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // A weak key is one, and not a file name.
    if (error.code === 'vkey.weak') throw badKey('--key', error);
  }
  return { ...keyOfFile(value), source: 'flag' };
}

/** The key that the witness home holds for a ledger; undefined when there is none. @throws CliError `input`, `io`. */
export function localKeyOf(home: string, { origin, vkey }: SelfDescription): ChosenKey | undefined {
  if (origin === undefined) return undefined;
  const held = localKeys(home, origin);
  const chosen = held.find((key) => key.vkey === vkey) ?? newestOf(held);
  return chosen === undefined ? undefined : { ...keyOfFile(chosen.vkeyFile), source: 'local' };
}

const SAYS_NOTHING: SelfDescription = { origin: undefined, vkey: undefined, size: 0 };

/** What the ledger file says of itself. Damage is not reported here: the judge does that. */
export function describeItself(path: string): SelfDescription {
  let reader: LedgerReader | undefined;
  try {
    reader = LedgerReader.open(path);
    const read = readNote(reader.newestNote() ?? new Uint8Array());
    const checkpoint = read.ok ? read.checkpoint : undefined;
    const { origin, key } = (reader.genesis()?.entry.body ?? {}) as { origin?: unknown; key?: unknown };
    return {
      origin: typeof origin === 'string' ? origin : checkpoint?.origin,
      vkey: typeof key === 'string' ? key : undefined,
      size: checkpoint?.size ?? 0,
    };
  } catch (error) {
    if (error instanceof FormatError || (error as { code?: unknown }).code === 'corrupt') return SAYS_NOTHING;
    throw error;
  } finally {
    reader?.close();
  }
}

function keyOfFile(file: string): Omit<ChosenKey, 'source'> {
  let text: string;
  try {
    if (statSync(file).size > MAX_KEY_OCTETS) throw new RangeError(`it has more than ${MAX_KEY_OCTETS} octets`);
    text = textOfUtf8(readFileSync(file)).trim();
  } catch (cause) {
    throw new CliError('io', `the key file cannot be read: ${(cause as Error).message}`, {
      cause,
      hint: '--key takes the text that `if-witness keys show` prints, or a file with it',
    });
  }
  try {
    return { key: parseVkey(text), vkey: text, from: file };
  } catch (error) {
    throw badKey(file, error as Error);
  }
}

function badKey(from: string, cause: Error): CliError {
  return new CliError('input', `${from} is not a verifier key: ${cause.message}`, {
    cause,
    hint: 'write what `if-witness keys show` prints on the machine that writes the ledger',
  });
}

/** The newest by the time of its file. */
function newestOf(keys: readonly LocalKey[]): LocalKey | undefined {
  let newest: LocalKey | undefined;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const key of keys) {
    const { mtimeMs } = statSync(key.vkeyFile);
    if (mtimeMs > newestMs) [newest, newestMs] = [key, mtimeMs];
  }
  return newest;
}
