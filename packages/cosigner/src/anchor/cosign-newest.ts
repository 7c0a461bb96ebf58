/**
 * Has the newest checkpoint cosigned: asks witnesses, all at once, and stores what they signed. A witness that knows of a
 * larger or another history ends it: that is the answer, and never a reason to send it anything else.
 */
import {
  encodeNote,
  isQuorumMet,
  type Policy,
  type PolicyWitness,
  parseNote,
  parseSignatureLine,
  textOfUtf8,
} from '@infrafabric/format';
import { Ledger } from '@infrafabric/ledger';
import { openCosignatures, readNote } from '@infrafabric/verify';
import { type AskedWitness, askWitness, type WitnessAnswer } from '../ask/ask-witness.js';
import { AnchorError } from './anchor-error.js';
import type { AnchoredLedger, NewestCheckpoint } from './newest-checkpoint.js';

/** Whom to ask, and how. */
export interface CosignOptions {
  readonly policy: Policy;
  /** Default: those of the policy that have a URL. */
  readonly witnesses?: readonly AskedWitness[];
  readonly timeoutMs?: number | undefined;
  readonly tries?: number | undefined;
  /** Told of each answer as it comes. */
  readonly onAnswer?: (witness: AskedWitness, answer: WitnessAnswer) => void;
}

/** What a witness said. */
export interface Answered {
  readonly witness: AskedWitness;
  readonly answer: WitnessAnswer;
}

/** A checkpoint with what witnesses say of it. */
export interface CosignedCheckpoint extends NewestCheckpoint {
  /** The note with the log's lines and those of the policy's witnesses that verify, those of earlier times included. */
  readonly cosignedNote: string;
  /** Names of those witnesses, as the policy has them. */
  readonly by: readonly string[];
  readonly answers: readonly Answered[];
  readonly isPolicyMet: boolean;
  /** Why what was got could not be stored. */
  readonly unstored: unknown;
}

/** Those of a policy that can be asked. */
export function askable(policy: Policy): AskedWitness[] {
  return policy.witnesses.flatMap(({ name, key, url }) => (url === undefined ? [] : [{ name, key, url }]));
}

/**
 * The newest checkpoint with its cosignatures as stored, asking nobody.
 */
export function withStoredCosignatures(
  ledger: AnchoredLedger,
  newest: NewestCheckpoint,
  policy: Policy,
  further: readonly string[] = [],
): Pick<CosignedCheckpoint, 'cosignedNote' | 'by' | 'isPolicyMet'> {
  const { text, signatures } = parseNote(newest.note);
  const lines = [...further, ...ledger.reader.cosignaturesOf(newest.size)].map(parseSignatureLine);
  const keys = policy.witnesses.map((witness) => ({ ...witness.key, witness }));
  const { cosigned } = openCosignatures(text, lines, keys);
  const first = new Map<PolicyWitness, (typeof cosigned)[number]>();
  for (const one of cosigned) if (!first.has(one.key.witness)) first.set(one.key.witness, one);
  return {
    cosignedNote: encodeNote(text, [...signatures, ...[...first.values()].map(({ line }) => line)]),
    by: [...first.keys()].map(({ name }) => name),
    isPolicyMet: isQuorumMet(policy.quorum, (witness) => first.has(witness)),
  };
}

/**
 * Asks. @throws AnchorError `contradicted` where a witness knows more or something else; `ledger`, `no-key`; LedgerError.
 */
export async function cosignNewest(ledger: AnchoredLedger, options: CosignOptions): Promise<CosignedCheckpoint> {
  const { policy, witnesses = askable(policy) } = options;
  // Another process may anchor what was written meanwhile: then a witness is ahead of us, and not of the ledger.
  for (let round = 0; ; round++) {
    const newest = ledger.newest();
    ledger.requireTree(newest);
    const answers = await Promise.all(
      witnesses.map(async (witness) => {
        const answer = await askAbout(ledger, newest, witness, options);
        options.onAnswer?.(witness, answer);
        return { witness, answer };
      }),
    );
    const ahead = answers.flatMap(({ answer }) => (answer.outcome === 'ahead' ? [answer.size] : []));
    if (ahead.length > 0 && round < 3 && ledger.newest().size >= Math.max(...ahead)) continue;
    const lines = answers.flatMap(({ answer }) => (answer.outcome === 'cosigned' ? [answer.line] : []));
    const unstored = await store(ledger, newest.size, lines);
    for (const { witness, answer } of answers) requireNoContradiction(newest, witness, answer);
    return { ...newest, answers, unstored, ...withStoredCosignatures(ledger, newest, policy, lines) };
  }
}

async function askAbout(
  ledger: AnchoredLedger,
  newest: NewestCheckpoint,
  witness: AskedWitness,
  { timeoutMs, tries }: CosignOptions,
): Promise<WitnessAnswer> {
  const answer = await askWitness(witness, {
    note: newest.note,
    logKey: newest.key,
    proofFrom: (oldSize) => ledger.proof(oldSize, newest.size),
    guess: ledger.reader.newestCosignedBy(`${witness.key.name}+${witness.key.keyIdHex}`),
    timeoutMs,
    tries,
  });
  if (answer.outcome !== 'fork' || answer.note === undefined) return answer;
  const shown = readNote(Buffer.from(answer.note));
  if (!shown.ok || ledger.rootHex(shown.checkpoint.size) !== shown.checkpoint.rootHex) return answer;
  return {
    outcome: 'failed',
    reason: 'it refuses the proof, although the checkpoint that it holds is one of this ledger',
    hint: 'tell its operator',
  };
}

/** The error, not thrown: what was cosigned is good all the same. */
async function store({ paths }: AnchoredLedger, size: number, lines: readonly string[]): Promise<unknown> {
  if (lines.length === 0) return undefined;
  try {
    const writer = await Ledger.open(paths);
    try {
      await writer.storeCosignatures(size, lines);
    } finally {
      await writer.close();
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

function requireNoContradiction(newest: NewestCheckpoint, witness: AskedWitness, answer: WitnessAnswer): void {
  if (answer.outcome !== 'ahead' && answer.outcome !== 'fork') return;
  const what =
    answer.outcome === 'ahead'
      ? `has cosigned ${answer.size} entries of this ledger, which has ${newest.size}: an older copy, or its end was cut`
      : `has cosigned other entries up to ${answer.size} than those of this ledger: two histories`;
  throw new AnchorError('contradicted', `rollback or fork: the witness ${witness.name} at ${witness.url} ${what}`, {
    hint: 'keep both notes, find the newer copy of the ledger, and run if-witness verify --ask',
    evidence: [...(answer.note === undefined ? [] : [answer.note]), textOfUtf8(newest.note)],
  });
}
