/** The fsck of Tessera on what `export --format tiles` writes, from the disk and from a web server. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { FILES_OF_700, GrowingLog, runPeer, SIZES, withOneBitChanged } from './logs.js';
import { tesseraFsck } from './peer-programs.js';

beforeEach((context) => tesseraFsck.need(context));

/** Whether it is content. Its exit code is 0 also when it is not, and on some damage it does not end. */
function isContent(log: GrowingLog, url: string, timeoutMs = 120_000): boolean {
  const key = log.file('vkey', log.vkey);
  const ran = runPeer(
    ['tessera-fsck', '--storage_url', `${url}/`, '--public_key', key, '--ui=false', '-N', '4'],
    timeoutMs,
  );
  return ran.stderr.includes("Successfully fsck'd");
}

describe('a directory', () => {
  test(`at ${SIZES.join(', ')} entries, grown and new, is whole`, { timeout: 300_000 }, () => {
    const log = new GrowingLog();
    for (const size of SIZES) {
      log.growTo(size);
      expect(isContent(log, `file://${log.tiles('grown')}`), `grown to ${size}`).toBe(true);
      expect(isContent(log, `file://${log.tiles(`new-${size}`)}`), `new at ${size}`).toBe(true);
    }
  });

  test.each(FILES_OF_700)('with one bit of %s changed is not', (path) => {
    const { log, changed } = withOneBitChanged(path);
    expect(isContent(log, `file://${changed}`, 10_000)).toBe(false);
  });
});

test('a log behind a web server that only serves files is whole', async () => {
  const log = new GrowingLog();
  log.growTo(700);
  const folder = log.tiles('served');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    try {
      response.end(readFileSync(join(folder, new URL(request.url!, 'http://x').pathname)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(undefined)));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { spawn } = await import('node:child_process');
  const key = log.file('vkey', log.vkey);
  const url = `http://127.0.0.1:${port}/`;
  const child = spawn('tessera-fsck', ['--storage_url', url, '--public_key', key, '--ui=false', '-N', '4']);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await new Promise((closed) => child.on('close', closed));
  expect(said).toContain("Successfully fsck'd");
  expect(asked).toEqual(expect.arrayContaining(['/checkpoint', '/tile/entries/000', '/tile/0/002.p/188']));
});
