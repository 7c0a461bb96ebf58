/**
 * The whole judgement as a table of contents: chain, signatures, store, payloads, verdict. Pure: no file, no clock but for
 * the timings, no network. `@infrafabric/ledger/reader` gives a source for a SQLite file.
 */
import { isQuorumMet, type Policy, textOfUtf8, type VerifierKey } from '@infrafabric/format';
import { type AskedPolicy, answerPolicy, failedCosignatures, isSameKey } from './cosigned-sizes.js';
import { viewEntry } from './entry-view.js';
import { type ChainFindings, type ChainOptions, judgeChain, type VouchedRoot } from './judge-chain.js';
import { type CosignatureFindings, judgeCosignatures } from './judge-cosignatures.js';
import { type ImportFindings, judgeImports, NO_IMPORTS } from './judge-imports.js';
import { judgeIndexes } from './judge-indexes.js';
import { firstRedactions, judgeErased } from './judge-redactions.js';
import {
  CHAIN_TABLES,
  judgeIntegrity,
  judgePayloads,
  judgeSchema,
  judgeUnnamed,
  PAYLOAD_TABLES,
} from './judge-store.js';
import {
  claimedEpochs,
  epochIndexOf,
  judgeRotations,
  judgeSignatures,
  type KeyEpochs,
  keyEpochs,
  onlyKey,
  vouchingKeys,
} from './key-epochs.js';
import { openUnderAny, readNote } from './open-note.js';
import {
  type JudgedKey,
  type KeySource,
  type PolicyAnswer,
  type Problem,
  Problems,
  type Report,
  type VerdictCode,
  withDamageAsFinding,
} from './report.js';
import type { ChainSource, StoreSource } from './source.js';

/** Seqs that are asked for at once. */
const SEQS_AT_ONCE = 1_000;

/** What the verifier trusts, and how hard it looks. */
export interface VerifyOptions extends Pick<ChainOptions, 'cardOf' | 'deep' | 'onProgress'> {
  /** The key held by the verifier; undefined when there is none. Never one that was found in the ledger. */
  readonly key?: VerifierKey | undefined;
  /**
   * Further keys of this ledger that are held, and that it must have: one to which it never rotated shows an older copy, or a
   * fork by whoever has an older key.
   */
  readonly alsoHeld?: readonly VerifierKey[];
  /** Where the key came from, for the report. */
  readonly keySource?: Exclude<KeySource, 'none'>;
  readonly keyFrom?: string;
  /** Octets of the remembered head; `null` when there is none; undefined when it was not asked for. */
  readonly head?: Uint8Array | null;
  /** Anchors, already opened under the key by {@link openAnchor}. */
  readonly anchors?: readonly VouchedRoot[];
  readonly requireAnchor?: boolean;
  /** Who must have cosigned. */
  readonly policy?: AskedPolicy | undefined;
  /** What witnesses answered that were asked about the newest checkpoint; undefined when none were. */
  readonly asked?: AskedWitnesses | undefined;
  readonly allSignatures?: boolean;
  /** Findings about the store that were made elsewhere, e.g. in a second thread. */
  readonly store?: StoreFindings;
  /** Findings about the whole chain that were made elsewhere, without a problem. */
  readonly chain?: JudgedChain;
}

/** Witnesses that were asked. What they signed or showed is among the anchors. */
export interface AskedWitnesses {
  /** Keys of those that cosigned it now: that they had seen nothing larger. */
  readonly cosigned: readonly VerifierKey[];
  /** What others say against it without showing a note. */
  readonly contradictions: readonly Contradiction[];
}

/** What a witness says against the newest checkpoint that it was shown. */
export interface Contradiction {
  /** For people: `the witness alice at http://…`. */
  readonly witness: string;
  /** `rollback`: it has cosigned `size` entries; `fork`: other entries up to `size`. */
  readonly kind: 'rollback' | 'fork';
  readonly size: number;
}

/** A whole chain that was judged in parts. */
export interface JudgedChain {
  readonly findings: ChainFindings;
  /** Signatures that were checked, with the held key, where the parts were judged; undefined when none were. */
  readonly signaturesChecked: number | undefined;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** What {@link judgeStore} found; plain data that can cross threads. */
export interface StoreFindings {
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly payloadsPresent: number;
  readonly timingsMs: Readonly<Record<string, number>>;
}

/** Judges schema, SQLite structures and payloads. Never throws for what a file holds. */
export function judgeStore(source: StoreSource): StoreFindings {
  const problems = new Problems();
  const timingsMs: Record<string, number> = {};
  let payloadsPresent = 0;
  timed(timingsMs, 'schema', () => withDamageAsFinding(problems, () => judgeSchema(source, problems)));
  timed(timingsMs, 'integrity', () =>
    withDamageAsFinding(problems, () => judgeIntegrity(source, problems, CHAIN_TABLES)),
  );
  timed(timingsMs, 'payloads', () =>
    withDamageAsFinding(problems, () => {
      judgeIntegrity(source, problems, PAYLOAD_TABLES);
      const payloads = judgePayloads(source, problems);
      judgeUnnamed([payloads], problems);
      payloadsPresent = payloads.present;
    }),
  );
  return { problems: problems.kept, problemCount: problems.count, payloadsPresent, timingsMs };
}

/** Judges a ledger. Never throws for what a file holds: tampering is an answer. */
export function verifyLedger(source: ChainSource & StoreSource, options: VerifyOptions = {}): Report {
  const problems = new Problems();
  const timingsMs: Record<string, number> = {};
  const head = openHead(options, claimedEpochs(source), problems);
  let chain: ChainFindings | undefined;
  if (options.chain !== undefined) {
    chain = options.chain.findings;
    Object.assign(timingsMs, options.chain.timingsMs);
  } else
    timed(timingsMs, 'chain', () =>
      withDamageAsFinding(problems, () => {
        chain = judgeChain(source, problems, {
          ...(options.deep === undefined ? {} : { deep: options.deep }),
          ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
          ...(options.cardOf === undefined ? {} : { cardOf: options.cardOf }),
          signatureSample: options.allSignatures === true ? Number.POSITIVE_INFINITY : 10_000,
          vouched: vouchedRoots(options, head),
        });
      }),
    );
  const epochs = chain === undefined ? undefined : keyEpochs(chain.genesisVkey, chain.rotations);
  const imported = judgeImportsOf(source, chain, problems, timingsMs);
  const indexes = chain?.indexes ?? [];
  if (indexes.length > 0 && !problems.anyInvalid)
    timed(timingsMs, 'indexes', () => withDamageAsFinding(problems, () => judgeIndexes(source, indexes, problems)));
  let signaturesChecked = 0;
  timed(timingsMs, 'signatures', () => {
    if (chain === undefined || epochs === undefined) return;
    judgeRotations(chain.rotations, epochs, chain.origin, problems);
    const keys = epochsToJudgeBy(chain, epochs, options.key, problems);
    signaturesChecked =
      options.chain?.signaturesChecked ?? (keys === undefined ? 0 : judgeSignatures(chain.sampled, keys, problems));
    judgeOrigins(chain, epochs, options, head, problems);
  });
  const store = options.store ?? judgeStore(source);
  problems.addAll(store.problems, store.problemCount);
  const first = firstRedactions(chain?.redactions ?? { targets: [], entries: [] });
  if (chain !== undefined) withDamageAsFinding(problems, () => judgeErased(source, first, problems));
  const missing = missingPayloads(source, { chain, store, first }, problems);
  let cosignatures: CosignatureFindings = { stored: 0, checked: 0, unknown: 0, witnessed: undefined };
  timed(timingsMs, 'cosignatures', () =>
    withDamageAsFinding(problems, () => {
      cosignatures = judgeCosignatures(source, options.policy, options.anchors ?? [], problems);
    }),
  );
  judgeContradictions(chain, options, problems);
  return conclude({
    cosignatures,
    chain,
    epochs,
    options,
    problems,
    signaturesChecked,
    head,
    store,
    missing,
    erased: first.size,
    imported,
    timingsMs: { ...timingsMs, ...store.timingsMs },
  });
}

/** Where the chain is not what was signed, what its imports hold says nothing. */
function judgeImportsOf(
  source: ChainSource,
  chain: ChainFindings | undefined,
  problems: Problems,
  timingsMs: Record<string, number>,
): ImportFindings {
  const imports = chain?.imports;
  if (imports === undefined || problems.anyInvalid) return NO_IMPORTS;
  let found = NO_IMPORTS;
  timed(timingsMs, 'imports', () =>
    withDamageAsFinding(problems, () => {
      found = judgeImports(source, imports, problems);
    }),
  );
  return found;
}

/** Keys under which the stored checkpoints are judged. A held key that the ledger never had is taken at its word. */
function epochsToJudgeBy(
  chain: ChainFindings,
  epochs: KeyEpochs,
  held: VerifierKey | undefined,
  problems: Problems,
): KeyEpochs | undefined {
  if (held !== undefined && epochIndexOf(epochs, held) < 0) return onlyKey(held);
  const [{ key, fault }] = epochs;
  if (chain.genesisVkey === undefined) return undefined;
  if (key !== undefined) return epochs;
  problems.add({ code: 'genesis.malformed', seq: 0, message: `the key that genesis names: ${fault}` });
  return undefined;
}

function judgeOrigins(
  { origin }: ChainFindings,
  epochs: KeyEpochs,
  { key, alsoHeld = [] }: VerifyOptions,
  head: VouchedRoot | undefined,
  problems: Problems,
): void {
  if (origin === undefined) return;
  if (key !== undefined && key.name !== origin) {
    problems.add({ code: 'key.origin', message: `the ledger calls itself ${origin}, the key is that of ${key.name}` });
  } else if (key !== undefined && epochIndexOf(epochs, key) < 0) {
    const named = epochs.length === 1 ? 'the key that genesis names is not' : 'no key that this ledger ever named is';
    problems.add({ code: 'key.origin', message: `${named} the one that is held` });
  } else {
    const later = alsoHeld.filter((other) => other.name === origin && epochIndexOf(epochs, other) < 0);
    for (const { keyIdHex } of later) {
      problems.add({
        code: 'rotation.missing',
        message: `the key ${keyIdHex} of this ledger is held here, and the ledger has no rotation to it: an older copy, or written by whoever has an older key`,
      });
    }
  }
  if (head !== undefined && originOf(head) !== origin) {
    problems.add({
      code: 'head.origin',
      message: `the remembered head is of another ledger, ${originOf(head)}`,
      evidence: [head.note],
    });
  }
}

function originOf({ note }: VouchedRoot): string {
  return note.slice(0, note.indexOf('\n'));
}

/** Roots that the chain must meet: {@link VerifyOptions.head} and anchors. */
export function vouchedRootsOf(source: ChainSource, options: VerifyOptions): VouchedRoot[] {
  return vouchedRoots(options, openHead(options, claimedEpochs(source), new Problems()));
}

function vouchedRoots({ anchors }: VerifyOptions, head: VouchedRoot | undefined): VouchedRoot[] {
  return [...(head === undefined ? [] : [head]), ...(anchors ?? [])];
}

/** The remembered head as a root to be met, once it is well-formed and signed by a key of the ledger. */
function openHead(
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

/** Entries whose payload is gone without a word. */
function missingPayloads(
  source: ChainSource & StoreSource,
  { chain, store, first }: MissingFrom,
  problems: Problems,
): number {
  if (chain === undefined) return 0;
  const missing = chain.payloadsExpected - store.payloadsPresent - first.size;
  if (missing <= 0) return 0;
  // Which ones is a question for the whole table; one that is known to be damaged might never answer.
  if (problems.anyInvalid) return missing;
  withDamageAsFinding(problems, () => {
    let listed = 0;
    for (const seq of withoutPayload(source)) {
      if (first.has(seq) || !carriesPayload(source, seq)) continue;
      if (++listed > Problems.KEPT) break;
      problems.add({
        code: 'payload.missing',
        seq,
        column: 'payloads',
        message: `the payload of entry ${seq} is missing, and no redaction entry says why`,
      });
    }
  });
  return missing;
}

/** A witness that shows no note is believed: whoever lists it in a policy trusts it to say no. */
function judgeContradictions(chain: ChainFindings | undefined, { asked }: VerifyOptions, problems: Problems): void {
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

interface MissingFrom {
  readonly chain: ChainFindings | undefined;
  readonly store: StoreFindings;
  /** The first redaction of each target. */
  readonly first: ReadonlyMap<number, number>;
}

function* withoutPayload(source: StoreSource): Generator<number> {
  for (let from = 0; ; ) {
    const seqs = source.withoutPayload(from, SEQS_AT_ONCE);
    yield* seqs;
    if (seqs.length < SEQS_AT_ONCE) return;
    from = seqs.at(-1)! + 1;
  }
}

/** Whether the entry says that it has one; it was found to be well-formed before. */
function carriesPayload(source: ChainSource, seq: number): boolean {
  const [row] = [...source.entries(seq, seq + 1)].flat();
  return typeof row?.[1] === 'string' && viewEntry(row[1]).payload !== undefined;
}

interface Concluded {
  readonly cosignatures: CosignatureFindings;
  readonly chain: ChainFindings | undefined;
  readonly epochs: KeyEpochs | undefined;
  readonly options: VerifyOptions;
  readonly problems: Problems;
  readonly signaturesChecked: number;
  readonly head: VouchedRoot | undefined;
  readonly store: StoreFindings;
  readonly missing: number;
  readonly erased: number;
  readonly imported: ImportFindings;
  readonly timingsMs: Readonly<Record<string, number>>;
}

function conclude(concluded: Concluded): Report {
  const {
    chain,
    epochs,
    options,
    problems,
    signaturesChecked,
    head,
    store,
    missing,
    erased,
    imported,
    timingsMs,
    cosignatures,
  } = concluded;
  const key = judgedKey(options, epochs);
  const anchors = options.anchors ?? [];
  const policy = answerOf(options, epochs, cosignatures);
  const code = verdictOf(chain, options, problems, missing, policy);
  const verdict = code === 'invalid' ? 'INVALID' : code.startsWith('valid') ? 'VALID' : 'INCOMPLETE';
  return {
    verdict,
    code,
    exitCode: verdict === 'VALID' ? 0 : verdict === 'INVALID' ? 1 : 3,
    origin: chain?.origin,
    entries: chain?.entries ?? 0,
    newestCheckpoint:
      chain?.newest === undefined ? undefined : { size: chain.newest.size, rootHex: chain.newest.rootHex },
    checkpoints: { checked: chain?.checkpoints ?? 0, signaturesChecked },
    payloads: { present: store.payloadsPresent, erased, missing },
    key,
    head: headState(options, head, problems),
    anchors: anchors.map(({ size }) => size),
    cosignatures: { stored: cosignatures.stored, checked: cosignatures.checked, unknown: cosignatures.unknown },
    policy,
    notUnderstood: chain?.notUnderstood ?? {},
    imported,
    spansKnownLost: chain?.spansKnownLost ?? 0,
    problems: problems.kept,
    problemCount: problems.count,
    notVouchedFor: [...limitsOf(chain, options, anchors, key, cosignatures), ...limitsOfImports(imported)],
    timingsMs,
  };
}

function judgedKey({ key, keySource, keyFrom }: VerifyOptions, epochs: KeyEpochs | undefined): JudgedKey {
  const index = key === undefined || epochs === undefined ? -1 : epochIndexOf(epochs, key);
  return {
    source: key === undefined ? 'none' : (keySource ?? 'flag'),
    from: key === undefined ? 'no key is held: the ledger vouches for itself' : (keyFrom ?? '--key'),
    keyIdHex: key?.keyIdHex,
    newestKeyIdHex: epochs?.at(-1)?.key?.keyIdHex,
    epochs: epochs?.length ?? 0,
    reachedByRotations: epochs === undefined || index < 0 ? undefined : epochs.length - 1 - index,
  };
}

function verdictOf(
  chain: ChainFindings | undefined,
  options: VerifyOptions,
  problems: Problems,
  missing: number,
  policy: PolicyAnswer | undefined,
): VerdictCode {
  if (problems.anyInvalid) return 'invalid';
  if (chain?.criticalNotUnderstood === true) return 'incomplete.not-understood';
  if (options.key === undefined) return 'incomplete.self-asserted-key';
  if (missing > 0) return 'incomplete.payloads';
  const anchored = (options.anchors ?? []).length > 0;
  if (options.requireAnchor === true && !anchored) return 'incomplete.anchor-required';
  if (policy?.isMet === false) return 'incomplete.policy-unmet';
  if (tooFewAnswered(options)) return 'incomplete.witnesses-silent';
  if (policy?.witnessed !== undefined) return 'valid.witnessed';
  return anchored ? 'valid.anchored' : 'valid.unanchored';
}

function answerOf(
  { policy: asked, key }: VerifyOptions,
  epochs: KeyEpochs | undefined,
  found: CosignatureFindings,
): PolicyAnswer | undefined {
  if (asked === undefined) return undefined;
  const keys = key === undefined ? [] : [key, ...(epochs ?? []).flatMap((epoch) => epoch.key ?? [])];
  return answerPolicy(asked, keys, found.witnessed);
}

/** A rollback is seen by asking: where those who matter did not answer, nobody can tell. */
function tooFewAnswered({ asked, policy }: VerifyOptions): boolean {
  if (asked === undefined || policy === undefined) return false;
  return !isQuorumMet(policy.policy.quorum, ({ key }) => asked.cosigned.some((one) => isSameKey(one, key)));
}

function headState({ head }: VerifyOptions, opened: VouchedRoot | undefined, problems: Problems): Report['head'] {
  if (head === undefined) return 'not-asked';
  if (head === null) return 'missing';
  const against = (problem: Problem): boolean =>
    problem.code.startsWith('head.') ||
    ((problem.code === 'rollback' || problem.code === 'fork') && problem.message.includes('the remembered head'));
  return opened === undefined || problems.kept.some(against) ? 'disagrees' : 'agrees';
}

function limitsOf(
  chain: ChainFindings | undefined,
  options: VerifyOptions,
  anchors: readonly VouchedRoot[],
  { keyIdHex, reachedByRotations = 0 }: JudgedKey,
  { witnessed }: CosignatureFindings,
): string[] {
  const limits: string[] = [];
  const size = chain?.entries ?? 0;
  const anchored = Math.max(0, ...anchors.map((anchor) => anchor.size));
  const vouched = Math.max(anchored, witnessed?.size ?? 0);
  if (vouched === 0) limits.push('nothing outside this ledger vouches for its end: keep anchors elsewhere');
  else if (vouched < size)
    limits.push(
      `nothing outside this ledger vouches for the ${size - vouched} entries after ${vouched > anchored ? 'the newest checkpoint that enough witnesses cosigned' : 'the newest anchor'}`,
    );
  if (options.head === null) limits.push('no head is remembered here, so an older copy would look the same');
  for (const seq of chain?.restoredAt ?? []) {
    limits.push(
      `what came before entry ${seq} in a newer copy: that entry records that an older one was restored on purpose`,
    );
  }
  if (reachedByRotations > 0) {
    limits.push(
      `that it was the owner who handed over from key ${keyIdHex}: whoever had that key could; hold the newest`,
    );
  }
  limits.push('whoever holds the private key can write a new history; only anchors and witnesses show that');
  limits.push('that every span was sent to this ledger');
  return limits;
}

function limitsOfImports({ entries, unverified }: ImportFindings): string[] {
  if (entries === 0) return [];
  const limits = [
    'that imported entries are those of the ledgers that they name, beyond what the notes beside them sign: keep the keys of those ledgers',
  ];
  if (unverified > 0) limits.push(`${unverified} imported entries that nobody verified when they were imported`);
  return limits;
}

function timed(timingsMs: Record<string, number>, part: string, run: () => void): void {
  const start = performance.now();
  run();
  timingsMs[part] = Math.round(performance.now() - start);
}
