/** The subcommands of `witness` that look into its folder: key and list of logs. */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createWitnessKey, loadWitnessKey, logsFile, parseLogs, StateFolder } from '@infrafabric/cosigner';
import { FormatError, type PolicyLog, parseCosignature, parseVkey } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import type { Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { isoOfUnixS } from '../read/nano-text.js';
import { renderTable } from '../table.js';
import { terminalWidth } from '../terminal-width.js';
import { keyOfFlag } from '../verify/choose-key.js';

/** Flags of `witness` and its subcommands. */
export interface WitnessFlags {
  readonly dir?: string;
  readonly logs?: string;
  readonly listen?: string;
}

/** Where a witness has its things. Options of the parent command hold for its subcommands. */
export function witnessFolder(flags: WitnessFlags, home: string | undefined): { folder: string; logs: string } {
  if (flags.dir === '' || flags.logs === '') throw usageError('--dir or --logs is empty');
  const folder = flags.dir ?? join(witnessPaths({ home }).home, 'witness');
  return { folder, logs: flags.logs ?? logsFile(folder) };
}

export async function keygen({ flags, args, common, messages }: Invocation<WitnessFlags>): Promise<ExitCode> {
  const { folder } = witnessFolder(flags, common.home);
  try {
    const { vkey, key } = await createWitnessKey(folder, args[0]!);
    if (common.json) printOut(`${renderJson({ name: key.name, key_id: key.keyIdHex, vkey, dir: folder })}\n`);
    else printOut(`${vkey}\n`);
    messages.note(`a new witness in ${folder}; list a ledger with: if-witness witness add VKEY`);
    return 0;
  } catch (error) {
    if (error instanceof RangeError) throw usageError(error.message, 'write for example witness.example/alice');
    throw error;
  }
}

export function show({ flags, common }: Invocation<WitnessFlags>): ExitCode {
  const { folder } = witnessFolder(flags, common.home);
  const { vkey, key } = loadWitnessKey(folder);
  if (common.json) printOut(`${renderJson({ name: key.name, key_id: key.keyIdHex, vkey })}\n`);
  else printOut(`${vkey}\n`);
  return 0;
}

export function add({ flags, args, common, messages }: Invocation<WitnessFlags>): ExitCode {
  const { logs } = witnessFolder(flags, common.home);
  const { key, vkey } = keyOfOperand(args[0]!);
  const known = readLogs(logs);
  const isListed = known.some((log) => log.vkey === vkey);
  if (!isListed) append(logs, `log ${vkey}\n`);
  if (common.json)
    printOut(`${renderJson({ origin: key.name, key_id: key.keyIdHex, vkey, logs, added: !isListed })}\n`);
  else messages.note(isListed ? `${key.name} is listed already` : `${key.name} is listed in ${logs}`);
  return 0;
}

export async function list({ flags, common }: Invocation<WitnessFlags>): Promise<ExitCode> {
  const { folder, logs } = witnessFolder(flags, common.home);
  const { key: own } = loadWitnessKey(folder);
  const state = new StateFolder(folder);
  const rows = await Promise.all(
    readLogs(logs).map(async ({ key, vkey }) => {
      const cosigned = await state.read(key.name);
      const line = cosigned?.note.signatures.find(
        ({ name, keyIdHex }) => name === own.name && keyIdHex === own.keyIdHex,
      );
      return {
        origin: key.name,
        key_id: key.keyIdHex,
        vkey,
        cosigned_size: cosigned?.checkpoint.size ?? null,
        cosigned_at: line === undefined ? null : isoOfUnixS(parseCosignature(line.signature).timeUnixS),
      };
    }),
  );
  if (common.json) {
    printOut(`${renderJson({ logs: rows })}\n`);
    return 0;
  }
  const cells = rows.map(({ origin, key_id, cosigned_size, cosigned_at }) => [
    escapeText(origin),
    key_id,
    cosigned_size === null ? 'never' : String(cosigned_size),
    cosigned_at ?? '',
  ]);
  const columns = [{ title: 'ORIGIN', shrinkTo: 12 }, { title: 'KEY ID' }, { title: 'COSIGNED SIZE' }, { title: 'AT' }];
  const paint = paintIf(wantsColor(1, common.color));
  printOut(`${renderTable(columns, cells, { width: terminalWidth(), paintTitle: paint.faint }).join('\n')}\n`);
  return 0;
}

/** The list; none is an empty one. @throws CliError `input`, `io`. */
function readLogs(file: string): readonly PolicyLog[] {
  if (!existsSync(file)) return [];
  try {
    return parseLogs(readFileSync(file));
  } catch (cause) {
    if (cause instanceof FormatError) throw new CliError('input', `${file}: ${cause.message}`, { cause });
    throw new CliError('io', `the list of logs cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** The key of a ledger, as text or in a file. */
function keyOfOperand(operand: string): { key: PolicyLog['key']; vkey: string } {
  const { vkey } = keyOfFlag(operand);
  return { key: parseVkey(vkey), vkey };
}

/** Whole and durable before anybody is told that it is listed. */
function append(file: string, line: string): void {
  try {
    const isNew = !existsSync(file) || statSync(file).size === 0;
    appendFileSync(file, isNew ? `# Ledgers that this witness cosigns: log VKEY\n${line}` : line, { mode: 0o600 });
    const fd = openSync(file, 'r');
    fsyncSync(fd);
    closeSync(fd);
  } catch (cause) {
    throw new CliError('io', `the list of logs cannot be written: ${(cause as Error).message}`, {
      cause,
      hint: 'make the witness first: if-witness witness keygen NAME',
    });
  }
}
