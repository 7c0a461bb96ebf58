/**
 * `verify --ask`: whether witnesses have seen more of this ledger than there is. What they sign or show counts like an anchor.
 * Nothing is stored, and no witness is sent anything but what the ledger's key signed.
 */
import { type AskedWitness, askWitness, type WitnessAnswer } from '@infrafabric/cosigner';
import { askable } from '@infrafabric/cosigner/anchor';
import { encodeNote, parseNote, parseSignatureLine, type VerifierKey } from '@infrafabric/format';
import { LedgerReader, LedgerTree } from '@infrafabric/ledger/reader';
import {
  type AskedWitnesses,
  type Contradiction,
  type KeyEpochs,
  type OpenedAnchor,
  openAnchor,
  openNote,
  readNote,
  type VouchedRoot,
  vouchingKeys,
} from '@infrafabric/verify';
import { CliError, usageError } from '../cli-error.js';
import type { Messages } from '../messages.js';
import type { LoadedPolicy } from './load-policy.js';

/** One witness's answer, for the report. */
export interface AnsweredWitness {
  readonly witness: AskedWitness;
  readonly answer: WitnessAnswer;
}

/** What came of asking. */
export interface Asked extends AskedWitnesses {
  readonly anchors: readonly VouchedRoot[];
  readonly answers: readonly AnsweredWitness[];
}

/** @throws CliError `usage` without a policy or a key, LedgerError. */
export async function askWitnesses(
  ledger: string,
  key: VerifierKey | undefined,
  alsoHeld: readonly VerifierKey[],
  epochs: KeyEpochs | undefined,
  loaded: LoadedPolicy | undefined,
  messages: Messages,
): Promise<Asked> {
  if (loaded === undefined) throw usageError('--ask needs a policy that names witnesses', 'give one with --policy');
  const witnesses = askable(loaded.policy);
  if (witnesses.length === 0)
    throw usageError(`no witness of ${loaded.from} has a URL`, 'write it behind the key: witness NAME VKEY URL');
  if (key === undefined)
    throw new CliError('no-key', 'no key is held: witnesses cannot be asked', {
      hint: 'give it with --key',
      exitCode: 3,
    });
  const reader = LedgerReader.open(ledger, { sees: 'latest' });
  try {
    const note = reader.newestNote();
    // Which key signed it is judged later; here it only has to be one that a witness may know.
    const keys = [key, ...alsoHeld, ...(epochs ?? []).flatMap((epoch) => epoch.key ?? [])];
    const logKey = note === undefined ? undefined : keys.find((one) => openNote(note, one).ok);
    const read = note === undefined ? undefined : readNote(note);
    if (note === undefined || logKey === undefined || read?.ok !== true) {
      messages.warn('no witness is asked: the newest checkpoint is not one of this key');
      return { anchors: [], answers: [], cosigned: [], contradictions: [] };
    }
    const { size } = read.checkpoint;
    const answers = await Promise.all(
      witnesses.map(async (witness) => {
        const proofFrom = (oldSize: number): string[] => new LedgerTree(reader).consistencyProof(oldSize, size);
        // Asked as if it had seen all of it: a witness that has not says how much, and one that has signs or objects.
        return { witness, answer: await askWitness(witness, { note, logKey, proofFrom, guess: size }) };
      }),
    );
    for (const { witness, answer } of answers)
      if (answer.outcome === 'failed')
        messages.warn(`the witness ${witness.name} at ${witness.url} was asked in vain: ${answer.reason}`);
    return gather(
      note,
      (shown, name) => openAnchor(Buffer.from(shown), key, name, vouchingKeys(key, alsoHeld, epochs)),
      answers,
    );
  } finally {
    reader.close();
  }
}

type Opener = (shown: string, name: string) => OpenedAnchor;

function gather(note: Uint8Array, open: Opener, answers: readonly AnsweredWitness[]): Asked {
  const anchors: VouchedRoot[] = [];
  const cosigned: VerifierKey[] = [];
  const contradictions: Contradiction[] = [];
  for (const { witness, answer } of answers) {
    if (answer.outcome === 'failed') continue;
    if (answer.outcome === 'cosigned') {
      const { text, signatures } = parseNote(note);
      anchors.push(anchorOf(encodeNote(text, [...signatures, parseSignatureLine(answer.line)]), open, witness));
      cosigned.push(witness.key);
    } else if (answer.note !== undefined) anchors.push(anchorOf(answer.note, open, witness));
    else
      contradictions.push({
        witness: `the witness ${witness.name} at ${witness.url}`,
        kind: answer.outcome === 'ahead' ? 'rollback' : 'fork',
        size: answer.size,
      });
  }
  return { anchors, answers, cosigned, contradictions };
}

/** @throws CliError `not-an-anchor` where no key of the ledger may have signed what is shown at that size. */
function anchorOf(note: string, open: Opener, witness: AskedWitness): VouchedRoot {
  const opened = open(note, `shown by the witness ${witness.name}`);
  if (!opened.ok) throw new CliError('not-an-anchor', `what the witness ${witness.name} shows is ${opened.message}`);
  return opened.root;
}
