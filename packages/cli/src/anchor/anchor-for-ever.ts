/** `anchor --every`: one process that anchors what is new until it is stopped. Each turn is a line on stderr, JSON with `--json`. */
import { type AnchorEvent, AnchorSchedule, isFolder } from '@infrafabric/cosigner/anchor';
import type { VerifierKey } from '@infrafabric/format';
import type { WitnessPaths } from '@infrafabric/ledger';
import type { Invocation } from '../act.js';
import { usageError } from '../cli-error.js';
import { StopSignals } from '../collect/stop-signals.js';
import { escapeJson, escapeLines, escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { printErr } from '../output.js';
import type { AnchorFlags } from './anchor-flags.js';
import type { ChosenWitnesses } from './choose-witnesses.js';
import { durationOfFlag } from './duration-of-flag.js';

/** What is anchored, and where to. */
export interface ForEver {
  readonly paths: WitnessPaths;
  readonly key: VerifierKey;
  readonly chosen: ChosenWitnesses | undefined;
  readonly timeoutMs: number | undefined;
  readonly every: string;
}

const DAY_MS = 86_400_000;

/** Until SIGTERM or SIGINT. @throws CliError `usage`. Exit code 1 where a witness or an older anchor contradicted the ledger. */
export async function anchorForEver(
  { paths, key, chosen, timeoutMs, every }: ForEver,
  { flags, common, messages }: Invocation<AnchorFlags>,
): Promise<ExitCode> {
  const everyMs = durationOfFlag('--every', every, 1_000, 366 * DAY_MS);
  if (flags.line === true) throw usageError('--line is for one anchor', 'with --every give --exec or --output');
  if (flags.output !== undefined && !isFolder(flags.output))
    throw usageError(`with --every, --output names a folder that is there, not ${flags.output}`);
  if (flags.output === undefined && flags.exec === undefined && chosen === undefined)
    throw usageError('--every needs to know where to', 'give --output FOLDER, --exec COMMAND or --policy FILE');
  let contradicted = false;
  const tell = (event: AnchorEvent): void => {
    if (event.type === 'contradicted') contradicted = true;
    if (common.json) printErr(`${escapeJson(JSON.stringify(eventJson(event)))}\n`);
    else if (event.type !== 'anchored') printErr(`${textOf(event)}\n`);
    else messages.note(textOf(event));
  };
  const plan = { everyMs, folder: flags.output, exec: flags.exec, timeoutMs, ...chosen };
  const schedule = new AnchorSchedule(paths, plan, tell, key);
  const signals = new StopSignals(['SIGTERM', 'SIGINT'], () => undefined);
  void signals.first.then(() => schedule.stop());
  await schedule.run();
  return contradicted ? 1 : 0;
}

function textOf(event: AnchorEvent): string {
  switch (event.type) {
    case 'anchored': {
      const by = event.by.length === 0 ? '' : `, cosigned by ${event.by.join(', ')}`;
      const missing = event.failures.map(({ witness, reason }) => `; not by ${witness}: ${reason}`).join('');
      const file = event.file === undefined ? '' : ` in ${event.file}`;
      return `anchored ${event.size} entries${file}${by}${missing}`;
    }
    case 'contradicted':
      return [
        `error: ${escapeText(event.message)}`,
        ...event.evidence.map((note) => `evidence, keep it:\n${escapeLines(note)}`),
      ].join('\n');
    case 'failed':
      return `error: ${escapeLines(event.message)}${event.hint === undefined ? '' : `\nhint: ${escapeLines(event.hint)}`}`;
  }
}

function eventJson(event: AnchorEvent): object {
  return { time: new Date().toISOString(), ...event };
}
