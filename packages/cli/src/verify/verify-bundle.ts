/** `if-witness verify --bundle FILE`: judges a bundle. Needs a key, no ledger and no network. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { MAX_NOTE_OCTETS, parseBundleLine, utf8Of } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import { BundleJudge, type BundleReport } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import type { CommonOptions } from '../common-options.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { bar, Progress } from '../progress.js';
import { bundleReportJson, bundleVerdictLine, renderBundleReport } from './bundle-report-text.js';
import { type ChosenKey, keyOfFlag } from './choose-key.js';
import { knownCards } from './known-cards.js';
import { localKeyOfNote } from './local-key-of-note.js';
import { readInput } from './read-input.js';

/** What is asked. */
export interface BundleAsked {
  /** `-` for stdin. */
  readonly bundle: string;
  readonly key: string | undefined;
  readonly anchors: readonly string[];
  readonly requireAnchor: boolean;
  readonly deep: boolean;
}

/** Judges, and says so. */
export function verifyBundleFile(asked: BundleAsked, common: CommonOptions): ExitCode {
  const report = judge(asked, common);
  const foreign = report.anchors.find(({ state }) => state === 'foreign');
  if (foreign !== undefined && report.verdict !== 'INVALID') {
    throw new CliError('not-an-anchor', `${foreign.name} is not an anchor of this ledger: ${foreign.message}`, {
      hint: report.key.source === 'none' ? 'give the key with --key' : undefined,
    });
  }
  process.exitCode = report.exitCode;
  const paint = paintIf(wantsColor(1, common.color));
  if (common.json) printOut(`${renderJson(bundleReportJson(report, asked.bundle))}\n`);
  else if (common.quiet) printOut(`${bundleVerdictLine(report, paint)}\n`);
  else printOut(renderBundleReport(report, asked.bundle, paint));
  return report.exitCode;
}

function judge(asked: BundleAsked, common: CommonOptions): BundleReport {
  const { home } = witnessPaths(common);
  const anchors = asked.anchors.map((name) => ({ name, note: readInput(name, MAX_NOTE_OCTETS, 'the anchor') }));
  const progress = new Progress(common.quiet);
  const file = new BundleFile(asked.bundle);
  try {
    let judge: BundleJudge | undefined;
    const start = (first: Uint8Array): BundleJudge => {
      const chosen = asked.key === undefined ? heldKey(home, first) : keyOfFlag(asked.key);
      return new BundleJudge({
        ...(chosen === undefined ? {} : { key: chosen.key, keySource: chosen.source, keyFrom: chosen.from }),
        anchors,
        requireAnchor: asked.requireAnchor,
        deep: asked.deep,
        cardOf: knownCards(home),
      });
    };
    for (const piece of file.pieces()) {
      judge ??= start(piece);
      judge.add(piece);
      progress.show(() => `${bar(file.done, file.size)}  ${Math.round(file.done / 1e6).toLocaleString('en')} MB`);
    }
    return (judge ?? start(new Uint8Array())).conclude();
  } finally {
    progress.clear();
    file.close();
  }
}

/** The key that the witness home holds for the ledger that a bundle says it is of. Its own word for its key is not asked. */
function heldKey(home: string, first: Uint8Array): ChosenKey | undefined {
  try {
    const end = first.indexOf(0x0a);
    const header = parseBundleLine(first.subarray(0, end < 0 ? undefined : end));
    return header.line === 'header' ? localKeyOfNote(home, header.origin, utf8Of(header.checkpoint)) : undefined;
  } catch (error) {
    if (error instanceof CliError) throw error;
    // That it is no bundle, the judge says.
    return undefined;
  }
}

/** The first piece holds a whole first line, whose note has at most 1,000,000 octets. */
const PIECE_OCTETS = 4 * 1024 * 1024;

/** A file read piece by piece. */
class BundleFile {
  readonly #fd: number;
  readonly #name: string;
  readonly size: number;
  done = 0;

  constructor(name: string) {
    this.#name = name;
    try {
      if (name === '') throw new Error('its name is empty');
      this.#fd = name === '-' ? 0 : openSync(name, 'r');
      const stat = fstatSync(this.#fd);
      if (stat.isDirectory()) throw new Error('it is a directory');
      this.size = stat.size;
    } catch (cause) {
      throw this.#failed(cause as Error);
    }
  }

  *pieces(): Generator<Uint8Array> {
    for (;;) {
      const piece = new Uint8Array(PIECE_OCTETS);
      let filled = 0;
      while (filled < PIECE_OCTETS) {
        const read = this.#read(piece, filled);
        if (read === 0) break;
        filled += read;
      }
      if (filled === 0) return;
      this.done += filled;
      yield piece.subarray(0, filled);
    }
  }

  close(): void {
    if (this.#fd !== 0) closeSync(this.#fd);
  }

  #read(piece: Uint8Array, at: number): number {
    for (;;) {
      try {
        return readSync(this.#fd, piece, at, piece.length - at, null);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EOF') return 0;
        // A pipe that has nothing yet, where it does not block.
        if (code !== 'EAGAIN') throw this.#failed(error as Error);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    }
  }

  #failed(cause: Error): CliError {
    return new CliError('io', `the bundle cannot be read: ${this.#name}: ${cause.message}`, { cause });
  }
}
