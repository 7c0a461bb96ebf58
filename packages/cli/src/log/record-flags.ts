/** Flags about recording, which `log` and `exec` share. */
import type { WitnessPaths } from '@infrafabric/ledger';
import type { Command } from 'commander';
import { usageError } from '../cli-error.js';
import type { RecorderOptions } from './span-recorder.js';

/** As commander gives them. */
export interface RecordFlags {
  readonly service?: string;
  readonly timeout?: string;
  /** False when `--no-spool` was given. */
  readonly spool?: boolean;
}

const DEFAULT_TIMEOUT_S = '5';
const MAX_TIMEOUT_S = 3600;

/** Adds the flags. */
export function addRecordOptions(command: Command): void {
  command
    .option('--timeout <seconds>', `how long to wait for a locked ledger (default: ${DEFAULT_TIMEOUT_S})`)
    .option('--no-spool', 'exit with code 2 instead of leaving the event in the spool');
}

/** How to record. @throws CliError `usage`. */
export function recorderOptions(flags: RecordFlags, paths: WitnessPaths): RecorderOptions {
  const text = flags.timeout ?? DEFAULT_TIMEOUT_S;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_TIMEOUT_S))
    throw usageError(`--timeout must be 0 to ${MAX_TIMEOUT_S} seconds, not ${JSON.stringify(text)}`);
  return { paths, timeoutMs: seconds * 1000, useSpool: flags.spool !== false, longLived: false };
}
