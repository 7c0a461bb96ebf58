/** Settings of anchoring as a plan; undefined where nothing says where anchors go. */
import { readFileSync, statSync } from 'node:fs';
import { type AnchorPlan, askable, isFolder } from '@infrafabric/cosigner/anchor';
import { MAX_POLICY_OCTETS, type Policy, parsePolicy } from '@infrafabric/format';
import type { Findings } from './config-problem.js';
import type { SettingName, SettingValues } from './settings.js';

/** @param at who gave a setting */
export function resolveAnchor(
  { anchor_every, anchor_dir, anchor_exec, anchor_policy }: SettingValues,
  at: (name: SettingName) => string,
  isGiven: (name: SettingName) => boolean,
  findings: Findings,
): AnchorPlan | undefined {
  if (anchor_dir === undefined && anchor_exec === undefined && anchor_policy === undefined) {
    if (isGiven('anchor_every'))
      findings.problem(
        at('anchor_every'),
        'nothing says where anchors go',
        'give anchor_dir, anchor_exec or anchor_policy',
      );
    return undefined;
  }
  // Not made here: a folder that is missing may be a disk that is not mounted.
  if (anchor_dir !== undefined && !isFolder(anchor_dir))
    findings.problem(at('anchor_dir'), `${anchor_dir} is not a folder that is there`, 'make it, or mount it');
  const policy = anchor_policy === undefined ? undefined : readPolicy(anchor_policy, at('anchor_policy'), findings);
  return { everyMs: anchor_every, folder: anchor_dir, exec: anchor_exec, policy };
}

function readPolicy(file: string, source: string, findings: Findings): Policy | undefined {
  try {
    if (statSync(file).size > MAX_POLICY_OCTETS) throw new RangeError(`it has more than ${MAX_POLICY_OCTETS} octets`);
    const policy = parsePolicy(readFileSync(file));
    if (askable(policy).length === 0)
      findings.problem(source, `no witness of ${file} has a URL`, 'write it behind the key: witness NAME VKEY URL');
    return policy;
  } catch (error) {
    findings.problem(source, `${file}: ${(error as Error).message}`);
    return undefined;
  }
}
