/** What the files are that somebody gave: a bundle, a key, anchors, a policy. Told by their octets, never by their names. */
import {
  FormatError,
  MAX_NOTE_OCTETS,
  MAX_POLICY_OCTETS,
  type Policy,
  parsePolicy,
  parseVkey,
  type VerifierKey,
} from '@infrafabric/format';
import { readNote } from '@infrafabric/verify';

/** One file, told. */
export type ToldFile =
  | { readonly kind: 'bundle'; readonly file: File }
  | { readonly kind: 'key'; readonly name: string; readonly text: string }
  | { readonly kind: 'anchor'; readonly name: string; readonly note: Uint8Array }
  | { readonly kind: 'policy'; readonly name: string; readonly policy: Policy };

const MAX_VKEY_OCTETS = 4_096;

/** Tells a file. What is neither a key nor a note nor a policy is taken for the bundle, and the judge says if it is none. */
export async function tellFile(file: File): Promise<ToldFile> {
  if (file.size <= MAX_NOTE_OCTETS) {
    const octets = new Uint8Array(await file.arrayBuffer());
    const text = file.size <= MAX_VKEY_OCTETS ? new TextDecoder().decode(octets).trim() : '';
    if (readKey(text).key !== undefined) return { kind: 'key', name: file.name, text };
    if (readNote(octets).ok) return { kind: 'anchor', name: file.name, note: octets };
  }
  if (file.size <= MAX_POLICY_OCTETS) {
    const policy = readPolicy(new Uint8Array(await file.arrayBuffer()));
    if (policy !== undefined) return { kind: 'policy', name: file.name, policy };
  }
  return { kind: 'bundle', file };
}

/** The key of a text, or why it is none. */
export function readKey(text: string): { readonly key?: VerifierKey; readonly fault?: string } {
  try {
    return { key: parseVkey(text.trim()) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { fault: error.message };
  }
}

function readPolicy(octets: Uint8Array): Policy | undefined {
  try {
    return parsePolicy(octets);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
