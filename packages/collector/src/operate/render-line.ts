/** How log lines look. */
import type { LogLevel } from '../config/settings.js';
import { escapeJson, escapeText } from './escape-text.js';
import type { LogLine } from './log-line.js';

/** Longest value of a field; the rest is cut. */
const MAX_TEXT = 4096;

/** `{"time":…,"level":…,"event":…,"message":…,…}` with its line break. */
export function renderJsonLine({ timeMs, level, event, message, fields }: LogLine): string {
  const time = new Date(timeMs).toISOString();
  // They come first, and a field of the same name does not replace them.
  const ours = { time, level, event, message: cut(message) };
  const line = Object.assign({ ...ours }, fields, ours);
  return `${escapeJson(JSON.stringify(line, plain))}\n`;
}

/** `12:03:04.123 INFO  message  key=value` with its line break. Times are UTC, as in JSON. */
export function renderTextLine({ timeMs, level, message, fields }: LogLine, color: boolean): string {
  const time = new Date(timeMs).toISOString().slice(11, 23);
  const paint = (on: number, text: string): string => (color ? `\x1b[${on}m${text}\x1b[0m` : text);
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${paint(2, `${name}=`)}${escapeText(textOf(value))}`);
  const word = paint(COLORS[level], level.toUpperCase().padEnd(5));
  return `${paint(2, time)} ${word} ${escapeText(cut(message))}${facts.join('')}\n`;
}

const COLORS: Readonly<Record<LogLevel, number>> = { debug: 2, info: 32, warn: 33, error: 31 };

/** A word as it is, anything else as JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return cut(value);
  return JSON.stringify(value, plain) ?? String(value);
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? cut(value) : value;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
