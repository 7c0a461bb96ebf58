/** Which key a ledger is judged by: one that the verifier already holds, never one that is found in the ledger alone. */
import { readFileSync, statSync } from 'node:fs';
import { encodeVkey, FormatError, parseVkey, textOfUtf8, type VerifierKey } from '@infrafabric/format';
import { type LocalKey, localKeys } from '@infrafabric/ledger/home';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { claimedEpochs, type KeyEpochs, readNote } from '@infrafabric/verify/proof';
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
  /** Vkey that the newest rotation names, else that of genesis. */
  readonly vkey: string | undefined;
  /** Every key that it names, with its epoch. */
  readonly epochs: KeyEpochs | undefined;
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

/**
 * The key that the witness home holds for a ledger, of the newest epoch of which it holds one; undefined when there is none.
 * @throws CliError `input`, `io`.
 */
export function localKeyOf(home: string, { origin, epochs }: SelfDescription): ChosenKey | undefined {
  if (origin === undefined) return undefined;
  const held = localKeys(home, origin);
  const byEpoch = vkeysOf(epochs).reverse();
  const named = byEpoch.find((vkey) => held.some((key) => key.vkey === vkey));
  const chosen = held.find((key) => key.vkey === named) ?? newestOf(held);
  return chosen === undefined ? undefined : { ...keyOfFile(chosen.vkeyFile), source: 'local' };
}

/** The other keys that the witness home holds for a ledger: it must have had them all. @throws CliError `input`, `io`. */
export function otherLocalKeys(home: string, { origin }: SelfDescription, chosen: ChosenKey): VerifierKey[] {
  if (origin === undefined) return [];
  const others = localKeys(home, origin).filter(({ vkey }) => vkey !== chosen.vkey);
  return others.map(({ vkeyFile }) => keyOfFile(vkeyFile).key);
}

/** Texts of the usable keys, in order of their epochs. */
export function vkeysOf(epochs: KeyEpochs | undefined): string[] {
  return (epochs ?? []).flatMap(({ key }) => (key === undefined ? [] : [encodeVkey(key.name, key.publicKey)]));
}

const SAYS_NOTHING: SelfDescription = { origin: undefined, vkey: undefined, epochs: undefined, size: 0 };

/** What the ledger file says of itself. Damage is not reported here: the judge does that. */
export function describeItself(path: string): SelfDescription {
  let reader: LedgerReader | undefined;
  try {
    reader = LedgerReader.open(path);
    const read = readNote(reader.newestNote() ?? new Uint8Array());
    const checkpoint = read.ok ? read.checkpoint : undefined;
    const epochs = claimedEpochs(reader);
    const newest = epochs?.at(-1)?.key;
    const { origin, key } = (reader.genesis()?.entry.body ?? {}) as { origin?: unknown; key?: unknown };
    return {
      origin: typeof origin === 'string' ? origin : checkpoint?.origin,
      vkey:
        newest !== undefined ? encodeVkey(newest.name, newest.publicKey) : typeof key === 'string' ? key : undefined,
      epochs,
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
