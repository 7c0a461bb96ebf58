/** When a ledger was last verified, and what came out: `last-verify.json` in the witness home, for `doctor`. Nothing trusts it. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '@infrafabric/verify';

/** One verification. */
export interface LastVerify {
  readonly ledger: string;
  readonly code: string;
  readonly entries: number;
  /** RFC 3339. */
  readonly at: string;
}

const KEPT = 100;

/** Remembers a verification, if there is a home to do it in. Never throws. */
export function rememberVerify(home: string, ledger: string, { code, entries }: Report): void {
  if (!existsSync(home)) return;
  try {
    const others = readAll(home).filter((known) => known.ledger !== ledger);
    const all: LastVerify[] = [{ ledger, code, entries, at: new Date().toISOString() }, ...others].slice(0, KEPT);
    const file = fileOf(home);
    const temporary = `${file}.${process.pid}.tmp`;
    writeFileSync(temporary, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // A home of somebody else's, or a full disk: the verdict stands without it.
  }
}

/** The last verification of a ledger, if one is remembered. Never throws. */
export function lastVerify(home: string, ledger: string): LastVerify | undefined {
  return readAll(home).find((known) => known.ledger === ledger);
}

function readAll(home: string): LastVerify[] {
  try {
    const all: unknown = JSON.parse(readFileSync(fileOf(home), 'utf8'));
    return Array.isArray(all) ? all.filter(isLastVerify) : [];
  } catch {
    return [];
  }
}

function isLastVerify(value: unknown): value is LastVerify {
  const { ledger, code, entries, at } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof ledger === 'string' && typeof code === 'string' && typeof entries === 'number' && typeof at === 'string'
  );
}

function fileOf(home: string): string {
  return join(home, 'last-verify.json');
}
