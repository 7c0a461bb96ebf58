/** How long the current key has signed, and whether that is longer than the collector's setting lets it. */
import { LedgerError, type WitnessPaths } from '@infrafabric/ledger';
import { keySinceUnixNano, LedgerReader } from '@infrafabric/ledger/reader';
import { durationOfFlag } from '../anchor/duration-of-flag.js';
import { CliError } from '../cli-error.js';
import { type Finding, fine, problem } from './finding.js';

/** The collector's setting; cron jobs do not say what they are told. */
const VARIABLE = 'IF_WITNESS_COLLECT_ROTATE_KEYS_AFTER';
/** The collector looks at least once an hour. */
const SLACK_MS = 2 * 3_600_000;
const DAY_MS = 86_400_000;

/** Since when the current key signs; undefined where the ledger does not say. */
export function checkKeyAge({ ledger }: WitnessPaths, env: NodeJS.ProcessEnv = process.env): Finding | undefined {
  let reader: LedgerReader | undefined;
  try {
    reader = LedgerReader.open(ledger);
    const since = keySinceUnixNano(reader);
    return since === undefined ? undefined : judgeKeyAge(Number(since / 1_000_000n), env[VARIABLE]);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return problem('key age', error.message, error.hint ?? 'run if-witness verify');
  } finally {
    reader?.close();
  }
}

/** @param rotateAfter the setting; undefined or empty where there is none */
export function judgeKeyAge(sinceMs: number, rotateAfter: string | undefined, nowMs: number = Date.now()): Finding {
  const ageMs = nowMs - sinceMs;
  const days = Math.max(0, Math.floor(ageMs / DAY_MS));
  const found = `signs since ${new Date(sinceMs).toISOString()}, ${days.toLocaleString('en')} days`;
  if (rotateAfter === undefined || rotateAfter === '') return fine('key age', found);
  let afterMs: number;
  try {
    afterMs = durationOfFlag(VARIABLE, rotateAfter, 60_000, 3650 * DAY_MS);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return problem('key age', error.message, `${error.hint}, or unset it: the collector does not start with it`);
  }
  if (ageMs <= afterMs + SLACK_MS) return fine('key age', `${found}; it is changed after ${rotateAfter}`);
  return problem(
    'key age',
    `${found}, although ${VARIABLE} is ${rotateAfter}`,
    'run if-witness keys rotate; keys.rotate in the log of the collector says why it did not',
  );
}
