/** `if-witness verify --bundle FILE`: judges a bundle. Needs a key, no ledger and no network. */
import { MAX_NOTE_OCTETS } from '@infrafabric/format';
import { witnessPaths } from '@infrafabric/ledger';
import { BundleJudge, type BundleReport } from '@infrafabric/verify';
import { CliError } from '../cli-error.js';
import { paintIf, wantsColor } from '../color.js';
import type { CommonOptions } from '../common-options.js';
import type { ExitCode } from '../exit-code.js';
import { renderJson } from '../json-text.js';
import { printOut } from '../output.js';
import { bar, Progress } from '../progress.js';
import { BundleFile, headerOfBundle, heldKeyOfBundle } from './bundle-file.js';
import { bundleReportJson, bundleVerdictLine, renderBundleReport } from './bundle-report-text.js';
import { keyOfFlag } from './choose-key.js';
import { knownCards } from './known-cards.js';
import { keyOfPolicy, loadPolicy } from './load-policy.js';
import { readInput } from './read-input.js';

/** What is asked. */
export interface BundleAsked {
  /** `-` for stdin. */
  readonly bundle: string;
  readonly key: string | undefined;
  readonly anchors: readonly string[];
  readonly requireAnchor: boolean;
  /** A file; false for none; undefined for that of the home, if there is one. */
  readonly policy: string | false | undefined;
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
  const loaded = loadPolicy(asked.policy, home);
  const anchors = asked.anchors.map((name) => ({ name, note: readInput(name, MAX_NOTE_OCTETS, 'the anchor') }));
  const progress = new Progress(common.quiet);
  const file = new BundleFile(asked.bundle);
  try {
    let judge: BundleJudge | undefined;
    const start = (first: Uint8Array): BundleJudge => {
      const chosen =
        asked.key === undefined
          ? (keyOfPolicy(loaded, headerOfBundle(first)?.origin) ?? heldKeyOfBundle(home, first))
          : keyOfFlag(asked.key);
      return new BundleJudge({
        ...(chosen === undefined ? {} : { key: chosen.key, keySource: chosen.source, keyFrom: chosen.from }),
        anchors,
        requireAnchor: asked.requireAnchor,
        ...(loaded === undefined ? {} : { policy: { policy: loaded.policy, from: loaded.from } }),
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
