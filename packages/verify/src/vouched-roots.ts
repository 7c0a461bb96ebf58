/** Roots that something outside the ledger vouches for: the remembered head, anchors, and what witnesses say against it. */
import { type Policy, textOfUtf8, type VerifierKey } from '@infrafabric/format';
import type { ChainFindings, VouchedRoot } from './chain-findings.js';
import { failedCosignatures } from './cosigned-sizes.js';
import { claimedEpochs, type KeyEpochs, vouchingKeys } from './key-epochs.js';
import { openUnderAny, readNote } from './open-note.js';
import { Problems } from './report.js';
import type { ChainSource } from './source.js';
import type { VerifyOptions } from './verify-options.js';

/** Of the note that vouches. */
export function originOf({ note }: VouchedRoot): string {
  return note.slice(0, note.indexOf('\n'));
}

/** Roots that the chain must meet: {@link VerifyOptions.head} and anchors. */
export function vouchedRootsOf(source: ChainSource, options: VerifyOptions): VouchedRoot[] {
  return vouchedRoots(options, openHead(options, claimedEpochs(source), new Problems()));
}

/** {@link vouchedRootsOf} around a head that is open already. */
export function vouchedRoots({ anchors }: VerifyOptions, head: VouchedRoot | undefined): VouchedRoot[] {
  return [...(head === undefined ? [] : [head]), ...(anchors ?? [])];
}

/** The remembered head as a root to be met, once it is well-formed and signed by a key of the ledger. */
export function openHead(
  { head, key, alsoHeld = [] }: VerifyOptions,
  claimed: KeyEpochs | undefined,
  problems: Problems,
): VouchedRoot | undefined {
  if (head === undefined || head === null) return undefined;
  const read = readNote(head);
  if (!read.ok) {
    problems.add({ code: 'head.malformed', message: `the remembered head is damaged: ${read.message}` });
    return undefined;
  }
  const { size, rootHex, origin } = read.checkpoint;
  const keys = key === undefined || key.name !== origin ? [] : vouchingKeys(key, alsoHeld, claimed)(size);
  const opened = keys.length === 0 ? undefined : openUnderAny(head, keys);
  if (opened !== undefined && !opened.ok) {
    problems.add({ code: 'head.signature', message: `the remembered head: ${opened.message}` });
    return undefined;
  }
  return { size, rootHex, note: textOfUtf8(head), what: 'the remembered head' };
}

/** An anchor as opened: a root that it vouches for, or why it is none of this ledger's. */
export type OpenedAnchor =
  | { readonly ok: true; readonly root: VouchedRoot }
  | { readonly ok: false; readonly message: string };

/**
 * Opens an anchor under the held key, or another that may have signed a checkpoint of its size. A file that none of them
 * signed is not an anchor of this ledger, which says nothing about the ledger: else anybody could discredit a good one.
 * The same where a cosignature by a witness of the policy fails.
 * @param keysFor see {@link vouchingKeys}
 */
export function openAnchor(
  note: Uint8Array,
  key: VerifierKey,
  name: string,
  keysFor: (size: number) => readonly VerifierKey[] = () => [key],
  policy?: Policy,
): OpenedAnchor {
  const read = readNote(note);
  const opened = read.ok ? openUnderAny(note, keysFor(read.checkpoint.size)) : read;
  if (!opened.ok) return { ok: false, message: `not an anchor of this ledger: ${opened.message}` };
  const { origin, size, rootHex } = opened.checkpoint;
  if (origin !== key.name) return { ok: false, message: `not an anchor of this ledger: its origin is ${origin}` };
  const [failed] = failedCosignatures(note, policy);
  if (failed !== undefined) return { ok: false, message: `not an anchor of this ledger: ${failed}` };
  return { ok: true, root: { size, rootHex, note: textOfUtf8(note), what: `the anchor ${name}` } };
}

/** A witness that shows no note is believed: whoever lists it in a policy trusts it to say no. */
export function judgeContradictions(
  chain: ChainFindings | undefined,
  { asked }: VerifyOptions,
  problems: Problems,
): void {
  for (const { witness, kind, size } of asked?.contradictions ?? []) {
    const entries = chain?.entries ?? 0;
    if (kind === 'fork') {
      const message = `${witness} has cosigned other entries up to ${size} than those of this ledger`;
      problems.add({ code: 'fork', message });
    } else if (size > entries) {
      const message = `${witness} has cosigned ${size} entries of this ledger, which has ${entries}: an older copy, or its end was cut`;
      problems.add({ code: 'rollback', message });
    }
  }
}
