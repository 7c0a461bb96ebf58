/** Where alerts go besides stderr: a file of the witness home, `alerts.json`, that the command line writes. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makePrivateDirectory, writePrivateFile } from '@infrafabric/ledger';
import { BudgetError } from '../budget-error.js';

/** A program or an address that alerts go to. */
export type Destination = {
  readonly id: string;
  /** It gets alerts from this moment on, Unix nanoseconds. */
  readonly sinceUnixNano: bigint;
} & DestinationTarget;

/** What it is. */
export type DestinationTarget =
  /** A command line for `sh -c`. The alert reaches it on stdin and in its environment, never as part of the command. */
  | { readonly kind: 'exec'; readonly command: string }
  | { readonly kind: 'webhook'; readonly url: string; readonly secretFile?: string | undefined };

/** The file of a witness home. */
export function destinationsFile(home: string): string {
  return join(home, 'alerts.json');
}

/** All destinations; none where the file is not there. @throws BudgetError `destination.invalid` for a file that is none. */
export function readDestinations(home: string): Destination[] {
  const file = destinationsFile(home);
  if (!existsSync(file)) return [];
  try {
    const { destinations } = JSON.parse(readFileSync(file, 'utf8')) as { destinations: Record<string, string>[] };
    return destinations.map(({ id, since, kind, command, url, secret_file }) => {
      const common = { id: checkedId(id), sinceUnixNano: BigInt(since!) };
      if (kind === 'exec' && typeof command === 'string') return { ...common, kind, command };
      if (kind === 'webhook' && typeof url === 'string')
        return {
          ...common,
          kind,
          url: checkedUrl(url),
          ...(secret_file === undefined ? {} : { secretFile: secret_file }),
        };
      throw new TypeError(`unknown kind ${JSON.stringify(kind)}`);
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BudgetError('destination.invalid', `${file} cannot be read: ${why}`, {
      cause,
      hint: 'mend it, or remove it and name the destinations again',
    });
  }
}

/** Adds a destination; answers the one that was there where it is the same. @throws BudgetError `destination.invalid`. */
export function addDestination(home: string, target: DestinationTarget, nowUnixNano: bigint): Destination {
  if (target.kind === 'webhook') {
    checkedUrl(target.url);
    if (target.secretFile !== undefined) readSecret(target.secretFile);
  } else if (target.command.trim() === '' || target.command.includes('\0')) {
    throw new BudgetError('destination.invalid', 'the command of a destination is empty or holds a NUL');
  }
  const all = readDestinations(home);
  const same = all.find((known) => textOf(known) === textOf(target));
  if (same !== undefined) return same;
  const added = { id: randomBytes(4).toString('hex'), sinceUnixNano: nowUnixNano, ...target };
  write(home, [...all, added]);
  return added;
}

/** Removes a destination by its id; false when there is none. */
export function removeDestination(home: string, id: string): boolean {
  const all = readDestinations(home);
  const rest = all.filter((known) => known.id !== id);
  if (rest.length < all.length) write(home, rest);
  return rest.length < all.length;
}

/** What people call it. */
export function textOf(target: DestinationTarget): string {
  return target.kind === 'exec' ? `exec ${target.command}` : `webhook ${target.url}`;
}

/** The key of a webhook: base64 behind `whsec_`, as Standard Webhooks writes it, else the text itself. @throws BudgetError */
export function readSecret(file: string): Uint8Array {
  let text: string;
  try {
    if (statSync(file).size > 4096) throw new Error('more than 4,096 octets');
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BudgetError('destination.invalid', `the secret cannot be read: ${why}`, { cause });
  }
  const key = text.startsWith('whsec_') ? Buffer.from(text.slice(6), 'base64') : Buffer.from(text);
  if (key.length < 16)
    throw new BudgetError('destination.invalid', `the secret in ${file} is shorter than 16 octets`, {
      hint: 'openssl rand -base64 32',
    });
  return key;
}

function write(home: string, destinations: readonly Destination[]): void {
  const rows = destinations.map(({ id, sinceUnixNano, ...target }) => ({
    id,
    since: String(sinceUnixNano),
    ...(target.kind === 'exec'
      ? { kind: target.kind, command: target.command }
      : { kind: target.kind, url: target.url, secret_file: target.secretFile }),
  }));
  makePrivateDirectory(home);
  writePrivateFile(destinationsFile(home), `${JSON.stringify({ destinations: rows }, null, 2)}\n`);
}

function checkedId(id: string | undefined): string {
  if (id === undefined || !/^[0-9a-f]{8}$/.test(id)) throw new TypeError('a destination without an id');
  return id;
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new BudgetError('destination.invalid', `${JSON.stringify(text)} is not an address of http or https`);
  }
  return text;
}
