/**
 * Texts of settings as values. The same spelling holds for flags, variables and the file. Each parser throws {@link Unusable}
 * with what to write instead.
 */
import { isIP } from 'node:net';
import { Unusable } from './config-problem.js';

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** Milliseconds of `10s`, `500ms`, `1.5m`, `1h`, `90d`; a bare number is refused but for 0. */
export function parseDurationMs(text: string, leastMs: number, mostMs: number): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?) ?(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = text === '0' ? 0 : Math.round(Number(digits) * (DURATION_MS[unit ?? ''] ?? Number.NaN));
  if (Number.isNaN(ms)) throw refusal(text, 'a duration', 'write 10s, 500ms or 2m');
  if (ms < leastMs || ms > mostMs) {
    throw refusal(text, 'possible here', `give ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`);
  }
  return ms;
}

/** Bytes of `20MiB`, `512KiB`, `1.5GB`, or of a bare number. */
export function parseBytes(text: string, least: number, most: number): number {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,3})?)(?: ?(B|kB|MB|GB|KiB|MiB|GiB))?$/.exec(text) ?? [];
  const bytes = Math.round(Number(digits) * (SIZES[unit ?? 'B'] ?? Number.NaN));
  if (Number.isNaN(bytes)) throw refusal(text, 'a size', 'write 20MiB, 512KiB or a number of bytes');
  if (bytes < least || bytes > most) {
    throw refusal(text, 'possible here', `give ${formatBytes(least)} to ${formatBytes(most)}`);
  }
  return bytes;
}

/** A whole number. */
export function parseCount(text: string, least: number, most: number): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= least && count <= most)) {
    throw refusal(text, 'possible here', `give a whole number, ${least} to ${most}`);
  }
  return count;
}

/** A TCP port; 0 lets the system choose. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  // What Kubernetes sets for a service called if-witness-collect.
  if (text.startsWith('tcp://')) {
    throw refusal(text, 'a port', 'Kubernetes set this for a service: set enableServiceLinks to false in the pod');
  }
  throw refusal(text, 'a port', 'give 0 to 65535, 0 for any that is free');
}

/** An address or name to listen on. */
export function parseHost(text: string): string {
  if (isIP(text) !== 0 || (/^[A-Za-z0-9._-]{1,253}$/.test(text) && !/^[\d.]+$/.test(text))) return text;
  throw refusal(text, 'an address to listen on', 'write 127.0.0.1, ::1, 0.0.0.0 or a host name, without a port');
}

/** `true` or `false`. */
export function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw refusal(text, 'true or false');
}

/** One of a few words. */
export function parseChoice<T extends string>(text: string, choices: readonly T[]): T {
  const chosen = choices.find((choice) => choice === text);
  if (chosen === undefined) throw refusal(text, 'known here', `write ${choices.join(' or ')}`);
  return chosen;
}

/** A command for a shell. */
export function parseCommand(text: string): string {
  if (text.trim() === '' || text.includes('\0')) throw refusal(text, 'a command');
  return text;
}

/** A path of a file or directory. */
export function parsePath(text: string): string {
  if (text === '' || text.includes('\0')) throw refusal(text, 'a path');
  return text;
}

/** What {@link parseDurationMs} reads. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  const unit = ['d', 'h', 'm', 's'].find((name) => ms % DURATION_MS[name]! === 0) ?? 'ms';
  return `${ms / DURATION_MS[unit]!}${unit}`;
}

/** What {@link parseBytes} reads. */
export function formatBytes(bytes: number): string {
  const unit = bytes === 0 ? 'B' : (['GiB', 'MiB', 'KiB'].find((name) => bytes % SIZES[name]! === 0) ?? 'B');
  return `${bytes / SIZES[unit]!}${unit}`;
}

function refusal(text: string, what: string, hint?: string): Unusable {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new Unusable(`${JSON.stringify(shown)} is not ${what}`, hint);
}
