/** Home, ledger file and keys: there, private, and the right ones. */
import { existsSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseVkey } from '@infrafabric/format';
import { keyHolderOf, LedgerError, type LocalKey, loadSigner, localKeys, type WitnessPaths } from '@infrafabric/ledger';
import { type SelfDescription, vkeysOf } from '../verify/choose-key.js';
import { type Finding, fine, problem } from './finding.js';

/** The witness home: a directory of ours that nobody else may enter. */
export function checkHome({ home }: WitnessPaths): Finding {
  const found = lstatSync(home, { throwIfNoEntry: false });
  if (found === undefined) return fine('home', `${home} is not there yet; the first log creates it`);
  if (!found.isDirectory() && !found.isSymbolicLink())
    return problem('home', `${home} is not a directory`, 'move it away, or name another home with --home');
  return permissions('home', home, 0o700, 'chmod 700');
}

/** The ledger file and what lies beside it. */
export function checkLedgerFile({ ledger }: WitnessPaths): Finding[] {
  if (!existsSync(ledger)) return [checkMissing(ledger)];
  const findings: Finding[] = [];
  for (const file of [ledger, `${ledger}-wal`, `${ledger}-shm`, `${ledger}.head`]) {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (found.isSymbolicLink()) {
      findings.push(
        problem(
          'ledger file',
          `${file} is a symbolic link`,
          'put the file itself there, or name its real path with --ledger',
        ),
      );
    } else if (!found.isFile())
      findings.push(problem('ledger file', `${file} is not a regular file`, 'name another file with --ledger'));
    else {
      const finding = permissions('ledger file', file, 0o600, 'chmod 600');
      if (!finding.ok || file === ledger) findings.push(finding);
    }
  }
  if (existsSync(`${ledger}-journal`)) {
    findings.push(
      problem(
        'ledger file',
        `a rollback journal lies beside it: ${ledger}-journal`,
        'a ledger never has one; move it away and keep it as evidence',
      ),
    );
  }
  return findings;
}

/** The private half of the ledger's current key: without it the ledger can be verified but not continued. */
export async function checkKey({ home }: WitnessPaths, itself: SelfDescription): Promise<Finding[]> {
  const { origin, vkey } = itself;
  if (origin === undefined || vkey === undefined) return [];
  const held = localKeys(home, origin).find((key) => key.vkey === vkey);
  if (held === undefined) {
    return [
      problem(
        'key',
        `the key of ${origin} is not in ${home}`,
        'restore the keys directory from its backup, or name its home with --home',
      ),
    ];
  }
  try {
    const past = checkPastKeys(home, itself);
    const holder = held.canSign ? undefined : keyHolderOf();
    if (holder !== undefined) {
      await holder.signer(origin, parseVkey(vkey).publicKey).check?.();
      return [fine('key', `${held.keyIdHex}, its private half in the signer that IF_WITNESS_SIGNER names`), ...past];
    }
    const { keyIdHex } = loadSigner(home, origin, vkey);
    const skey = privateFileOf(held);
    const finding = permissions('key', skey, 0o600, 'chmod 600');
    const directory = permissions('key', dirname(skey), 0o700, 'chmod 700');
    return [!finding.ok ? finding : !directory.ok ? directory : fine('key', `${keyIdHex}, both halves`), ...past];
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return [problem('key', error.message, error.hint ?? 'restore the key file from its backup')];
  }
}

/** Private halves of keys that sign no more: whoever has one can write another history from before its end. */
function checkPastKeys(home: string, { origin, vkey, epochs }: SelfDescription): Finding[] {
  const past = vkeysOf(epochs).filter((each) => each !== vkey);
  return localKeys(home, origin!)
    .filter((key) => key.canSign && past.includes(key.vkey))
    .map((key) =>
      problem(
        'key',
        `the private half of ${key.keyIdHex}, which signs no more, is still there: ${privateFileOf(key)}`,
        'log one more event: it is destroyed then; if it stays, check who may write there',
      ),
    );
}

function privateFileOf({ vkeyFile }: LocalKey): string {
  return vkeyFile.replace(/\.vkey$/, '.key');
}

function checkMissing(ledger: string): Finding {
  if (existsSync(`${ledger}.head`)) {
    return problem(
      'ledger file',
      `${ledger} is gone, but its head is remembered: there was a ledger`,
      'restore it from its newest backup; to start another one, name another file with --ledger',
    );
  }
  return fine('ledger file', `${ledger} is not there yet; the first log creates it`);
}

function permissions(check: string, path: string, most: number, mend: string): Finding {
  const { mode, uid } = lstatSync(path);
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const own = process.getuid?.();
  if (own !== undefined && own !== 0 && uid !== own) {
    return problem(
      check,
      `${path} belongs to user ${uid}, this is user ${own}`,
      `run this as that user, or: chown ${own} ${path}`,
    );
  }
  if ((mode & 0o777 & ~most) !== 0 && !lstatSync(path).isSymbolicLink()) {
    return problem(check, `${path} has mode ${octal}: others can read what spans hold`, `${mend} ${path}`);
  }
  return fine(check, `${path}, mode ${octal}`);
}
