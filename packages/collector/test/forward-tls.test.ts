/** Forwarding over TLS: to whom the system trusts, and whom NODE_EXTRA_CA_CERTS adds. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeTraceRequest } from '@infrafabric/otlp';
import { expect, onTestFinished, test } from 'vitest';
import { tempHome, until } from './forward-support.js';

const child = fileURLToPath(new URL('./forward-child.mjs', import.meta.url));

/** Forwards until it is stopped. */
function forward(url: string, env: NodeJS.ProcessEnv): { stop(): void } {
  const running = spawn(process.execPath, [child, tempHome(), url, '0'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = (): void => void running.kill('SIGKILL');
  onTestFinished(stop);
  return { stop };
}

test('spans go only to a backend whose certificate is known', async (context) => {
  const home = tempHome();
  const [key, cert] = [join(home, 'key.pem'), join(home, 'cert.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
  ]);
  if (made.status !== 0) return context.skip('no openssl that makes certificates');
  let handshakes = 0;
  const names: string[] = [];
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      names.push(...decodeTraceRequest(Buffer.concat(chunks)).spans.map(({ name }) => name));
      response.end();
    });
  });
  server.on('tlsClientError', () => handshakes++);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const stranger = forward(url, {});
  await until(() => handshakes >= 2);
  stranger.stop();
  await sleep(50);
  expect(names).toEqual([]);
  const known = forward(url, { NODE_EXTRA_CA_CERTS: cert });
  await until(() => names.length >= 100);
  known.stop();
  expect(names.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
});
