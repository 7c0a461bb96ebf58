/** `if-witness import`: another ledger, or an export of one, restored into a new ledger that records where it is from. */
import { witnessPaths } from '@infrafabric/ledger';
import { type ImportedLedger, importLedger, type LostPayloads, requireFresh } from '@infrafabric/ledger/import';
import type { Command } from 'commander';
import { act, type Invocation } from '../act.js';
import { CliError, usageError } from '../cli-error.js';
import { escapeText } from '../escape.js';
import type { ExitCode } from '../exit-code.js';
import { bundleSource } from '../import/bundle-source.js';
import { exportSource } from '../import/export-source.js';
import { ledgerSource } from '../import/ledger-source.js';
import { recogniseFile } from '../import/recognise-file.js';
import type { ImportSource } from '../import/source.js';
import { type JsonOut, renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { addHelp } from '../program.js';
import { bar, Progress } from '../progress.js';

interface ImportFlags {
  readonly key?: string;
  readonly unverified?: true;
}

const SHOWN = 10;

export function define(command: Command): void {
  command
    .argument('<file>', 'a ledger file, or what `export` wrote with --format json or bundle')
    .option('--key <vkey>', 'the key of the other ledger, as text or as a file (default: the one in the witness home)')
    .option('--unverified', 'import also what does not verify, and record that nobody verified it');
  addHelp(
    command,
    'Restores a ledger, or an export of one, into a new ledger that records where it is from.',
    [
      'if-witness import /backup/witness.db',
      'if-witness import witness-backup-20251111.json --key witness.vkey --home /srv/witness',
      'if-witness import call.bundle --key witness.vkey --ledger case-1234.db',
      'if-witness import old.db --ledger restored.db --json',
    ],
    [
      'The new ledger (--home, --ledger) is one that is not there yet, or has no entries. It gets a name and a key of its own.\n' +
        'Every entry of the other ledger is kept in it octet for octet, signed anew, beside the checkpoint that it is from.\n' +
        'Spans are shown and counted as before; budgets, alerts, redactions and rotations of the other ledger act on nothing.',
      'What does not verify under the key is refused. Nothing is left behind when an import does not end well.\n' +
        'OpenTelemetry files are no ledgers: see ingest.',
    ],
  );
  command.action(act<ImportFlags>(importFile));
}

async function importFile({ flags, args, common, messages }: Invocation<ImportFlags>): Promise<ExitCode> {
  const file = args[0]!;
  if (flags.key === '') throw usageError('--key is empty');
  const paths = witnessPaths(common);
  const kind = recogniseFile(file);
  requireFresh(paths.ledger);
  const progress = new Progress(common.quiet);
  const show = (what: string, done: number, all: number): void =>
    progress.show(() => `${bar(done, all)}  ${done.toLocaleString('en')} entries ${what}`);
  const open = { ledger: ledgerSource, 'json-export': exportSource, bundle: bundleSource }[kind];
  let source: ImportSource | undefined;
  try {
    source = await open({
      file,
      home: paths.home,
      key: flags.key,
      onProgress: (done, all) => show('verified', done, all),
    });
    const { fault, size } = source;
    if (fault !== undefined && flags.unverified !== true) throw new CliError('unverified', fault.message, fault);
    const imported = await importLedger(source.foreign, {
      ...paths,
      onProgress: (done) => show('imported', done, size),
    });
    progress.clear();
    if (fault !== undefined) messages.warn(`imported without being verified: ${fault.message}`);
    if (source.unreadable() > 0)
      messages.warn(`${source.unreadable().toLocaleString('en')} entries cannot be read, and are left out`);
    sayLost('was there, but is not what was signed', imported.payloadsRefused, (text) => messages.warn(text));
    if (common.json) printOut(`${renderJson(resultJson(source, imported))}\n`);
    else printOut(render(source, imported));
    return 0;
  } finally {
    progress.clear();
    await source?.close();
  }
}

function sayLost(what: string, { count, first }: LostPayloads, say: (text: string) => void): void {
  if (count === 0) return;
  const shown = first.slice(0, SHOWN).join(', ');
  say(`of ${count.toLocaleString('en')} entries the payload ${what}: ${shown}${count > SHOWN ? ', …' : ''}`);
}

function render(source: ImportSource, imported: ImportedLedger): string {
  const number = (n: number): string => n.toLocaleString('en');
  const { fault, keyIdHex, checked, notChecked } = source;
  const lines = [
    `${number(imported.entries)} entries of ${escapeText(source.origin)} imported into ${escapeText(imported.paths.ledger)}`,
    '',
    `  spans        ${number(imported.spans)}`,
    `  payloads     ${number(imported.payloads)}${missingText(imported)}`,
    `  new origin   ${imported.origin}`,
    `  continues    ${source.kind} of ${number(source.size)} entries${keyIdHex === undefined ? '' : `, key ${keyIdHex}`}`,
  ];
  if (imported.adjustments > 0)
    lines.push(`  adjustments  ${number(imported.adjustments)} written here, so that what was repriced stays so`);
  lines.push('', fault === undefined ? 'Checked before:' : 'Not verified:');
  for (const text of fault === undefined ? checked : [fault.message]) lines.push(`  - ${escapeText(text)}`);
  if (fault === undefined) {
    lines.push('Not checked:', ...notChecked.map((text) => `  - ${escapeText(text)}`));
  }
  return `${lines.join('\n')}\n`;
}

function missingText({ payloadsErased, payloadsMissing, payloadsRefused }: ImportedLedger): string {
  const missing = payloadsMissing.count + payloadsRefused.count;
  const erased = payloadsErased === 0 ? '' : `; ${payloadsErased.toLocaleString('en')} were erased before`;
  return missing === 0 ? erased : `${erased}; ${missing.toLocaleString('en')} did not come along`;
}

function resultJson(source: ImportSource, imported: ImportedLedger): { readonly [member: string]: JsonOut } {
  const { fault } = source;
  return {
    ledger: imported.paths.ledger,
    origin: imported.origin,
    from: { kind: source.kind, origin: source.origin, size: source.size, key_id: source.keyIdHex ?? null },
    verified: fault === undefined,
    fault: fault?.message ?? null,
    checked: fault === undefined ? [...source.checked] : [],
    not_checked: [...source.notChecked],
    entries: imported.entries,
    unverified: imported.unverified,
    unreadable: source.unreadable(),
    spans: imported.spans,
    payloads: imported.payloads,
    payloads_erased: imported.payloadsErased,
    payloads_missing: lostJson(imported.payloadsMissing),
    payloads_refused: lostJson(imported.payloadsRefused),
    adjustments: imported.adjustments,
  };
}

function lostJson({ count, first }: LostPayloads): JsonOut {
  return { count, first_seqs: [...first] };
}
