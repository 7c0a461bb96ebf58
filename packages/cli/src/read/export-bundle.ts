/** `export --format bundle`: evidence in one file, which whoever has the key can judge without the ledger. */
import { type BundleSelection, MAX_NOTE_OCTETS } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import { type WrittenBundle, writeBundle } from '@infrafabric/ledger/bundle';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { openNote } from '@infrafabric/verify';
import { BufferedOut } from '../buffered-out.js';
import { CliError } from '../cli-error.js';
import type { CommonOptions } from '../common-options.js';
import { escapeJson } from '../escape.js';
import { openFileOutput } from '../file-output.js';
import { renderJson } from '../json-text.js';
import type { Messages } from '../messages.js';
import { printOut } from '../output.js';
import { Progress } from '../progress.js';
import type { AskedTime } from '../report/time-range.js';
import { readInput } from '../verify/read-input.js';
import { type SignedCheckpoint, signedCheckpoint } from '../verify/signed-checkpoint.js';
import { allEntries, selectTrace } from './select-trace.js';

/** What is asked for. */
export interface BundleAsked {
  readonly traceId: string | undefined;
  /** Undefined for all time. */
  readonly time: AskedTime | undefined;
  readonly output: string | undefined;
  readonly key: string | undefined;
  /** Files with anchors that the bundle shall be comparable with. */
  readonly anchors: readonly string[];
  /** Whether payloads come along. */
  readonly payloads: boolean;
}

/** Writes the bundle, and says so. */
export function exportBundle(asked: BundleAsked, common: CommonOptions, messages: Messages): void {
  const { home, ledger } = witnessPaths(common);
  const reader = LedgerReader.open(ledger);
  const progress = new Progress(common.quiet || asked.output === undefined);
  const stdout = new BufferedOut(escapeJson);
  let output: ReturnType<typeof openFileOutput> | undefined;
  try {
    const checkpoint = signedCheckpoint(reader, { home, ledger, key: asked.key });
    const seqs = seqsAsked(reader, asked);
    const request = {
      seqs,
      selection: selectionOf(asked),
      note: checkpoint.note,
      vkey: checkpoint.chosen.vkey,
      anchorSizes: asked.anchors.map((file) => anchorSize(file, checkpoint)),
      payloads: asked.payloads,
      onProgress: (entries: number) => progress.show(() => `${entries.toLocaleString('en')} entries`),
    };
    output = asked.output === undefined ? undefined : openFileOutput(asked.output, ledger);
    const written = writeBundle(reader, request, output?.write ?? stdout.write);
    stdout.flush();
    output?.commit();
    progress.clear();
    if (asked.output !== undefined) say(asked.output, written, common, messages);
  } finally {
    progress.clear();
    output?.abandon();
    reader.close();
  }
}

function say(output: string, written: WrittenBundle, common: CommonOptions, messages: Messages): void {
  const { entries, payloads, added, size } = written;
  if (common.json) {
    printOut(`${renderJson({ output, format: 'bundle', entries, payloads, added, size })}\n`);
    return;
  }
  const number = (n: number): string => n.toLocaleString('en');
  const more = added === 0 ? '' : `, ${number(added)} of them to judge the others by`;
  messages.note(`${number(entries)} of ${number(size)} entries in ${output}${more}`);
}

/** Undefined for everything. */
function seqsAsked(reader: LedgerReader, { traceId, time }: BundleAsked): Set<number> | undefined {
  const ofTrace =
    traceId === undefined ? undefined : new Set(allEntries(selectTrace(reader, traceId).root).map(({ seq }) => seq));
  if (time === undefined) return ofTrace;
  const received = reader.seqsReceived(time.sinceUnixNano, time.untilUnixNano);
  const seqs = new Set<number>();
  for (const seq of received) if (ofTrace === undefined || ofTrace.has(seq)) seqs.add(seq);
  if (seqs.size > 0) return seqs;
  throw new CliError('not-found', 'no entry was received in that time', { exitCode: 1 });
}

function selectionOf({ traceId, time }: BundleAsked): BundleSelection {
  return {
    ...(traceId === undefined ? {} : { trace: traceId }),
    ...(time?.sinceUnixNano === undefined ? {} : { since: String(time.sinceUnixNano) }),
    ...(time?.untilUnixNano === undefined ? {} : { until: String(time.untilUnixNano) }),
  };
}

function anchorSize(file: string, { chosen }: SignedCheckpoint): number {
  const opened = openNote(readInput(file, MAX_NOTE_OCTETS, 'the anchor'), chosen.key);
  if (opened.checkpoint?.origin === chosen.key.name) return opened.checkpoint.size;
  throw new CliError('not-an-anchor', `${file} is not an anchor of this ledger`);
}
