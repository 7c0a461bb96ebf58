/** A ledger file as what is imported: judged as `verify` judges it, then read as it is. */
import { type ContextKind, encodeVkey, FormatError, parseEntry, parseVkey } from '@infrafabric/format';
import { readHead } from '@infrafabric/ledger';
import type { ForeignEntry } from '@infrafabric/ledger/import';
import { LedgerReader } from '@infrafabric/ledger/reader';
import { openNote, type Report, readNote, type VerifyOptions } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { paintIf } from '../color.js';
import { type ChosenKey, describeItself, keyOfFlag, localKeyOf } from '../verify/choose-key.js';
import { copyToRead, needsCopy } from '../verify/readable-copy.js';
import { renderVerdict } from '../verify/render-report.js';
import { verifyFile } from '../verify/verify-file.js';
import type { ImportSource, SourceFault, SourceOptions } from './source.js';

/** @throws LedgerError where it cannot be read at all. */
export async function ledgerSource({ file, home, key, onProgress }: SourceOptions): Promise<ImportSource> {
  const copy = needsCopy(file) ? await copyToRead(file) : undefined;
  const path = copy?.path ?? file;
  let reader: LedgerReader | undefined;
  try {
    const itself = describeItself(path);
    const chosen = key === undefined ? localKeyOf(home, itself) : keyOfFlag(key);
    const options: VerifyOptions = {
      ...(chosen === undefined ? {} : { key: chosen.key, keySource: chosen.source, keyFrom: chosen.from }),
      head: readHead(file) ?? null,
      onProgress: (entries) => onProgress(entries, itself.size),
    };
    const { report } = await verifyFile({ home, ledger: path }, options);
    const opened = LedgerReader.open(path);
    reader = opened;
    const note = opened.newestNote();
    const read = readNote(note ?? new Uint8Array());
    if (note === undefined || !read.ok) {
      throw new CliError('ledger', `${file} has no checkpoint that can be read, so there is nothing to continue from`, {
        hint: `if-witness doctor --repair --ledger ${file} salvages what is left of it`,
      });
    }
    const judged = report.newestCheckpoint;
    if (report.exitCode !== 1 && judged?.rootHex !== read.checkpoint.rootHex) {
      throw new CliError('replaced', `somebody wrote to ${file} while it was read`, {
        hint: 'stop the writer, or import a backup of it',
      });
    }
    const vkey = report.verdict === 'VALID' ? vkeyOfNote(opened, note, chosen) : undefined;
    let unreadable = 0;
    const entries = function* (): Generator<ForeignEntry> {
      unreadable = 0;
      for (const rows of opened.entries(0, Number.POSITIVE_INFINITY)) {
        for (const [row, text] of rows) {
          const seq = typeof text === 'string' ? seqOf(text) : undefined;
          if (seq === undefined) unreadable++;
          else yield { seq, text: text as string, payload: opened.payload(row) };
        }
      }
    };
    return {
      kind: 'ledger',
      origin: read.checkpoint.origin,
      size: read.checkpoint.size,
      keyIdHex: vkey === undefined ? undefined : parseVkey(vkey).keyIdHex,
      fault: vkey === undefined ? faultOf(report, file) : undefined,
      ...sentences(report),
      foreign: {
        erased: erasedOf(opened),
        runs: [{ origin: read.checkpoint.origin, note, vkey, entries }],
        context: (_kind: ContextKind, digestHex: string) => contextOf(opened, digestHex),
      },
      unreadable: () => unreadable,
      close: async () => {
        opened.close();
        await copy?.remove();
      },
    };
  } catch (error) {
    reader?.close();
    await copy?.remove();
    throw error;
  }
}

/** The key that signed the newest checkpoint: the held one, or one that rotations from it lead to. */
function vkeyOfNote(reader: LedgerReader, note: Uint8Array, chosen: ChosenKey | undefined): string | undefined {
  if (chosen === undefined) return undefined;
  const candidates = [encodeVkey(chosen.key.name, chosen.key.publicKey)];
  for (const { entry } of reader.entriesOfType('rotation'))
    if (typeof entry.body.key === 'string') candidates.push(entry.body.key);
  return candidates.findLast((vkey) => openNote(note, parseVkey(vkey)).ok);
}

function erasedOf(reader: LedgerReader): ReadonlySet<number> {
  const targets = [...reader.entriesOfType('redaction')].map(({ entry }) => entry.body.target);
  return new Set(targets.filter((target) => typeof target === 'number'));
}

function faultOf(report: Report, file: string): SourceFault {
  const verdict = renderVerdict(report, { path: file, created: false, copied: false }, paintIf(false));
  const hint =
    report.code === 'incomplete.self-asserted-key'
      ? 'name the key that you hold with --key, or import it --unverified'
      : report.exitCode === 1
        ? `if-witness doctor --repair --ledger ${file} takes what is still provable; --unverified takes all that can be read`
        : '--unverified imports it nevertheless';
  return { message: `${file}: ${verdict}`, hint, exitCode: report.exitCode === 1 ? 1 : 3 };
}

function sentences(report: Report): Pick<ImportSource, 'checked' | 'notChecked'> {
  return {
    checked: [
      `all that verify checks: ${report.verdict} (${report.code}), ${report.entries.toLocaleString('en')} entries`,
    ],
    notChecked: report.notVouchedFor,
  };
}

function seqOf(text: string): number | undefined {
  try {
    return parseEntry(text).seq;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Of either kind: its digest, which is looked at, says which it is. */
function contextOf(reader: LedgerReader, digestHex: string): Uint8Array | undefined {
  const context = reader.context(Buffer.from(digestHex, 'hex'));
  return context instanceof Uint8Array ? context : undefined;
}
