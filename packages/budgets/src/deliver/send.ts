/** One attempt to hand an alert to a destination. */
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { type AlertMessage, alertMessage, type BudgetAlert } from '../alert.js';
import { type Destination, readSecret } from './destinations.js';

const WEBHOOK_TIMEOUT_MS = 15_000;
const EXEC_TIMEOUT_MS = 30_000;
const ERROR_CHARS = 300;

/** Resolves when the destination has taken it. @throws Error with why not, in one line. */
export async function send(destination: Destination, alert: BudgetAlert): Promise<void> {
  const message = alertMessage(alert);
  if (destination.kind === 'exec') await run(destination.command, message);
  else await post(destination.url, destination.secretFile, alert.id, JSON.stringify(message));
}

/**
 * Headers of Standard Webhooks 1.0.0: an id that is the same for every attempt, the time of this one, and with a key the
 * HMAC-SHA-256 of `id.timestamp.body`.
 */
export function webhookHeaders(
  id: string,
  timestampS: number,
  body: string,
  key: Uint8Array | undefined,
): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestampS) };
  if (key === undefined) return headers;
  const signature = createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

async function post(url: string, secretFile: string | undefined, id: string, body: string): Promise<void> {
  // Read for each attempt: a secret may be exchanged.
  const key = secretFile === undefined ? undefined : readSecret(secretFile);
  const headers = webhookHeaders(id, Math.floor(Date.now() / 1000), body, key);
  let status: number;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'if-witness', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (error) {
    const { name, message, cause } = error as Error;
    if (name === 'TimeoutError') throw new Error(`no answer within ${WEBHOOK_TIMEOUT_MS / 1000} seconds`);
    throw new Error(oneLine(cause instanceof Error && cause.message !== '' ? cause.message : message));
  }
  if (status < 200 || status > 299) throw new Error(`answered ${status}`);
}

/** The command is the operator's, word for word; what an alert says is data on stdin and in variables. */
function run(command: string, message: AlertMessage): Promise<void> {
  const data = message.data as Readonly<Record<string, unknown>>;
  const variables = ['id', 'budget', 'kind', 'level', 'percent', 'limit_usd', 'spent_usd', 'forecast_usd', 'text'];
  const env = Object.fromEntries(
    variables
      .filter((name) => data[name] !== undefined)
      .map((name) => [`IF_ALERT_${name.toUpperCase()}`, String(data[name]).replaceAll('\0', '')]),
  );
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'ignore', 'pipe'],
      // A group of its own, so that what it started ends with it.
      detached: true,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < ERROR_CHARS) said += text;
    });
    const timer = setTimeout(() => kill(child.pid), EXEC_TIMEOUT_MS);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Error(oneLine(error.message)));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else {
        const how = signal === null ? `exit code ${code}` : `ended by ${signal}`;
        reject(new Error(said.trim() === '' ? how : `${how}: ${oneLine(said)}`));
      }
    });
    // A command need not read what it is given.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${JSON.stringify(message)}\n`);
  });
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, ERROR_CHARS);
}
