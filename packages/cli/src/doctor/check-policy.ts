/** The witness policy of the home: whether it can be used, fits this ledger, and how much of it witnesses have seen. */
import { FormatError, type Policy, parseNote, parseSignatureLine, renderQuorum } from '@infrafabric/format';
import { LedgerError, type WitnessPaths } from '@infrafabric/ledger';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { CosignedSizes, isSameKey, openCosignatures, type Witnessed, witnessKeysOf } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { isoOfUnixS } from '../read/nano-text.js';
import type { SelfDescription } from '../verify/choose-key.js';
import { type LoadedPolicy, loadPolicy } from '../verify/load-policy.js';
import { type Finding, fine, problem } from './finding.js';

/** What the policy in the home is, and what it comes to for this ledger; `itself` undefined where there is none yet. */
export function checkPolicy({ home, ledger }: WitnessPaths, itself: SelfDescription | undefined): Finding {
  let loaded: LoadedPolicy | undefined;
  try {
    loaded = loadPolicy(undefined, home);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return problem(
      'policy',
      error.message,
      'mend it as docs/witnessing.md shows, or move it away: until then verify and anchor need --no-policy',
    );
  }
  if (loaded === undefined) return fine('policy', 'none in the home: verify asks for no cosignature');
  const { policy, from } = loaded;
  if (itself?.vkey !== undefined && !acceptsLog(policy, itself)) {
    return problem(
      'policy',
      `${from} lists other logs and not this ledger, whose key no line has`,
      `add the line: log ${itself.vkey}`,
    );
  }
  if (policy.quorum.kind === 'none') return fine('policy', `${from} asks for nobody's cosignature`);
  const needs = `${renderQuorum(policy.quorum)} must cosign`;
  if (itself === undefined) return fine('policy', needs);
  let newest: Witnessed | undefined;
  try {
    newest = newestWitnessed(ledger, policy);
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof LedgerError)) throw error;
    return problem('policy', `what witnesses signed cannot be read: ${error.message}`, 'run if-witness verify');
  }
  if (newest === undefined) {
    return problem(
      'policy',
      `${needs}, and no checkpoint has been cosigned by enough of them`,
      'run if-witness anchor, which asks them; on a schedule with --every, or anchor_policy of the collector',
    );
  }
  const { size, timeUnixS } = newest;
  const beyond = itself.size - size;
  const rest = beyond === 0 ? 'nothing is beyond it' : `${beyond.toLocaleString('en')} entries are beyond it`;
  return fine(
    'policy',
    `${needs}: ${size.toLocaleString('en')} entries are cosigned, as of ${isoOfUnixS(timeUnixS)}; ${rest}`,
  );
}

/** As `verify` takes it: a policy that was written before a rotation still means this ledger. */
function acceptsLog({ logs }: Policy, { origin, vkey, epochs }: SelfDescription): boolean {
  const keys = (epochs ?? []).flatMap(({ key }) => key ?? []);
  const isOfThis = (log: Policy['logs'][number]): boolean =>
    log.vkey === vkey || (log.key.name === origin && keys.some((key) => isSameKey(key, log.key)));
  return logs.length === 0 || logs.some(isOfThis);
}

/** The largest checkpoint that a quorum cosigned. @throws FormatError, LedgerError for rows that are none */
function newestWitnessed(ledger: string, policy: Policy): Witnessed | undefined {
  const reader = LedgerReader.open(ledger);
  try {
    const keys = witnessKeysOf(policy);
    const sizes = new Set([...reader.cosignatures()].flat().map(({ size }) => size));
    for (const size of [...sizes].reverse()) {
      const { text } = parseNote(reader.noteOfSize(size) ?? new Uint8Array());
      const lines = reader.cosignaturesOf(size).map(parseSignatureLine);
      const cosigned = new CosignedSizes();
      cosigned.keep(size, openCosignatures(text, lines, keys).cosigned);
      const witnessed = cosigned.witnessedUnder(policy);
      if (witnessed !== undefined) return witnessed;
    }
    return undefined;
  } finally {
    reader.close();
  }
}
