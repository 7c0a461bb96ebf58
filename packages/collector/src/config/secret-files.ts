/** Files that hold secrets: tokens of senders, headers for backends. One item a line, `#` begins a comment line. */
import { readFileSync, statSync } from 'node:fs';
import { type Findings, Unusable } from './config-problem.js';
import { addHeader } from './forward-settings.js';

const MAX_FILE_BYTES = 1024 * 1024;
const OTHERS = 0o007;

/** Characters of RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const SHORT_TOKEN = 16;

/** Text of a file that a setting names; undefined when it cannot be read, which is then a problem. */
export function readNamedFile(file: string, source: string, findings: Findings): string | undefined {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    findings.problem(source, `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** The same for a secret: a warning where other accounts can read it. */
export function readSecretFile(file: string, source: string, findings: Findings): string | undefined {
  const text = readNamedFile(file, source, findings);
  if (text !== undefined && process.platform !== 'win32' && (statSync(file).mode & OTHERS) !== 0) {
    findings.warning(source, `${file} can be read by every account of this machine`, `chmod 600 ${file}`);
  }
  return text;
}

/** The tokens of a file; what is wrong with a line is said without the line. */
export function readTokens(file: string, source: string, findings: Findings): string[] {
  const text = readSecretFile(file, source, findings);
  if (text === undefined) return [];
  const tokens: string[] = [];
  for (const { line, at } of linesOf(text, file)) {
    if (!TOKEN.test(line)) {
      findings.problem(
        at,
        'not a bearer token',
        'write one a line, of letters, digits and -._~+/, without spaces or "Bearer"',
      );
    } else {
      if (line.length < SHORT_TOKEN) {
        findings.warning(at, `a token of fewer than ${SHORT_TOKEN} characters can be guessed`, 'openssl rand -hex 32');
      }
      tokens.push(line);
    }
  }
  // An empty file must not mean that everybody may send.
  if (tokens.length === 0) findings.problem(source, `${file} holds no token`, 'openssl rand -hex 32 makes one');
  return tokens;
}

/** Adds the headers of a file, `name: value` a line. */
export function readHeaders(file: string, source: string, findings: Findings, headers: Record<string, string>): void {
  const text = readSecretFile(file, source, findings);
  for (const { line, at } of linesOf(text ?? '', file)) {
    findings.attempt(at, () => {
      const colon = line.indexOf(':');
      if (colon <= 0) throw new Unusable('not a header', 'write name: value');
      addHeader(headers, line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    });
  }
}

function linesOf(text: string, file: string): { line: string; at: string }[] {
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line, i) => ({ line: line.trim(), at: `${file}:${i + 1}` }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));
}
