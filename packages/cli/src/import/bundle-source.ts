/**
 * A bundle as what is imported: judged as `verify --bundle` judges it, then read once more to take its entries. The head of
 * the import vouches for them, so both times it must have been the same file.
 */
import { createHash } from 'node:crypto';
import { type Entry, encodeVkey, FormatError, parseVkey, utf8Of, type VerifierKey } from '@infrafabric/format';
import type { ForeignEntry } from '@infrafabric/ledger/import';
import { BundleJudge, type BundleReport, openNote, readNote } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { paintIf } from '../color.js';
import { BundleFile, headerOfBundle, heldKeyOfBundle } from '../verify/bundle-file.js';
import { bundleVerdictLine } from '../verify/bundle-report-text.js';
import { keyOfFlag } from '../verify/choose-key.js';
import { knownCards } from '../verify/known-cards.js';
import { bundleEntries } from './bundle-entries.js';
import type { ImportSource, SourceFault, SourceOptions } from './source.js';

/** Resources and scopes are held in memory; a ledger rarely has more than a few kilobytes of them. */
const MAX_CONTEXT_OCTETS = 256 * 1024 * 1024;

/** @throws CliError `input` for what has no checkpoint to continue from. */
export async function bundleSource({ file, home, key, onProgress }: SourceOptions): Promise<ImportSource> {
  const { report, note, vkeys, contexts, erased, sha256 } = judged(file, home, key, onProgress);
  const read = readNote(note ?? new Uint8Array());
  if (note === undefined || !read.ok) {
    throw new CliError('input', `${file} has no checkpoint of its ledger, so there is nothing to continue from`, {
      hint: `if-witness verify --bundle ${file} says what is wrong with it`,
    });
  }
  const isVerified = report.verdict === 'VALID';
  const vkey = isVerified ? vkeys.findLast((one) => openNote(note, parseVkey(one)).ok) : undefined;
  let unreadable = 0;
  const entries = function* (): Generator<ForeignEntry> {
    unreadable = 0;
    for (const entry of bundleEntries(file, sha256)) {
      if (entry === undefined) unreadable++;
      else yield entry;
    }
  };
  const { origin, size } = read.checkpoint;
  return {
    kind: 'bundle',
    origin,
    size,
    keyIdHex: vkey === undefined ? undefined : parseVkey(vkey).keyIdHex,
    fault: isVerified ? undefined : faultOf(report, file),
    checked: [
      `all that verify --bundle checks: ${report.verdict} (${report.code}), ${report.entries.toLocaleString('en')} of ${size.toLocaleString('en')} entries`,
    ],
    notChecked: report.notVouchedFor,
    foreign: {
      erased,
      runs: [{ origin, note, vkey, entries }],
      context: (kind, digest) => contexts.get(kind + digest),
    },
    unreadable: () => unreadable,
    close: async () => undefined,
  };
}

interface Judged {
  readonly report: BundleReport;
  /** Of the first line; undefined where that is none. */
  readonly note: Uint8Array | undefined;
  /** Keys that genesis and the rotations name, in order. */
  readonly vkeys: readonly string[];
  readonly contexts: ReadonlyMap<string, Uint8Array>;
  /** Seqs of entries whose payload a redaction says it erased. */
  readonly erased: ReadonlySet<number>;
  /** Of the file, hex. */
  readonly sha256: string;
}

function judged(file: string, home: string, flag: string | undefined, onProgress: SourceOptions['onProgress']): Judged {
  const bundle = new BundleFile(file);
  try {
    const vkeys: string[] = [];
    const contexts = new Map<string, Uint8Array>();
    const erased = new Set<number>();
    const hash = createHash('sha256');
    let octets = 0;
    let note: Uint8Array | undefined;
    let judge: BundleJudge | undefined;
    const start = (first: Uint8Array): BundleJudge => {
      const checkpoint = headerOfBundle(first)?.checkpoint;
      note = checkpoint === undefined ? undefined : utf8Of(checkpoint);
      const read = readNote(note ?? new Uint8Array());
      const size = read.ok ? read.checkpoint.size : 0;
      const chosen = flag === undefined ? heldKeyOfBundle(home, first) : keyOfFlag(flag);
      return new BundleJudge({
        ...(chosen === undefined ? {} : { key: chosen.key, keySource: chosen.source, keyFrom: chosen.from }),
        cardOf: knownCards(home),
        onEntry: ({ seq, entry }) => {
          onProgress(seq, size);
          if (entry === undefined) return;
          const named = keyNamedBy(entry);
          if (named !== undefined) vkeys.push(encodeVkey(named.name, named.publicKey));
          if (entry.type === 'redaction' && typeof entry.body.target === 'number') erased.add(entry.body.target);
        },
        onContext: ({ kind, context }, digest) => {
          octets += context.length;
          if (octets > MAX_CONTEXT_OCTETS)
            throw new CliError('input', `${file} has more resources and scopes than fit into memory`);
          contexts.set(kind + digest, context);
        },
      });
    };
    for (const piece of bundle.pieces()) {
      judge ??= start(piece);
      judge.add(piece);
      hash.update(piece);
    }
    const report = (judge ?? start(new Uint8Array())).conclude();
    return { report, note, vkeys, contexts, erased, sha256: hash.digest('hex') };
  } finally {
    bundle.close();
  }
}

/** Undefined for entries that name no usable key. */
function keyNamedBy({ type, body }: Entry): VerifierKey | undefined {
  if ((type !== 'genesis' && type !== 'rotation') || typeof body.key !== 'string') return undefined;
  try {
    return parseVkey(body.key);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function faultOf(report: BundleReport, file: string): SourceFault {
  const hint =
    report.code === 'incomplete.self-asserted-key'
      ? 'name the key that you hold with --key, or import it --unverified'
      : report.exitCode === 1
        ? '--unverified imports what can be read, and says in the ledger that nobody verified it'
        : '--unverified imports it nevertheless';
  return {
    message: `${file}: ${bundleVerdictLine(report, paintIf(false))}`,
    hint,
    exitCode: report.exitCode === 1 ? 1 : 3,
  };
}
