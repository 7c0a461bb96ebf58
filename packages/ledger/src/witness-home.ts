/** Where things live: the witness home (default `~/.if-witness`), the ledger file, keys and spool in it. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { sha256Hex } from '@infrafabric/format';

/** Paths that belong together. */
export interface WitnessPaths {
  /** Directory, 0700. */
  readonly home: string;
  /** SQLite file, 0600. */
  readonly ledger: string;
}

/** Options win over `IF_WITNESS_HOME`, which wins over `~/.if-witness`; the ledger is `witness.db` in the home unless named. */
export function witnessPaths(
  options: { readonly home?: string | undefined; readonly ledger?: string | undefined } = {},
  env: NodeJS.ProcessEnv = process.env,
): WitnessPaths {
  const home = resolve(options.home ?? (env.IF_WITNESS_HOME || join(homedir(), '.if-witness')));
  return { home, ledger: resolve(options.ledger ?? join(home, 'witness.db')) };
}

/** Directory of one ledger's keys: named by the origin's SHA-256, because an origin is foreign text. */
export function keyDirectory(home: string, origin: string): string {
  return join(home, 'keys', sha256Hex(origin));
}

/** Directory of a home's own rate cards. */
export function ratesDirectory(home: string): string {
  return join(home, 'rates');
}

/** Directory of spans that wait for one ledger file. */
export function spoolDirectory(home: string, ledger: string): string {
  return join(home, 'spool', sha256Hex(ledger).slice(0, 16));
}
