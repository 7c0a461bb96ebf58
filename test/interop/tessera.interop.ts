/** Our witness for a log that we did not write: Tessera's `posix-oneshot`, whose client decides for itself what an answer means. */
import { spawn } from 'node:child_process';
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWitnessKey, logsFile, startWitnessServer, type WitnessEvent } from '@infrafabric/cosigner';
import { base64Of, encodeVkey, keyIdHexOf, parseNote, sha256Hex } from '@infrafabric/format';
import { afterAll, expect, test } from 'vitest';
import { tesseraLog } from './peer-programs.js';

const folder = mkdtempSync(join(tmpdir(), 'tessera-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A signing key as Go's sumdb/note writes it, and its verifier key. */
function goKey(name: string): { skey: string; vkey: string } {
  const seed = randomBytes(32);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const spki = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({
    format: 'der',
    type: 'spki',
  });
  const publicKey = new Uint8Array(spki.subarray(-32));
  const secret = base64Of(Buffer.concat([Uint8Array.of(1), seed]));
  return { skey: `PRIVATE+KEY+${name}+${keyIdHexOf(name, publicKey)}+${secret}`, vkey: encodeVkey(name, publicKey) };
}

test('it grows under our cosignatures, and neither an older copy nor a second history of it gets one', {
  timeout: 120_000,
}, async (context) => {
  tesseraLog.need(context);
  const { skey, vkey } = goKey('log.example/tessera');
  writeFileSync(join(folder, 'skey'), skey);
  const { vkey: witnessVkey } = await createWitnessKey(join(folder, 'witness'), 'witness.example/ours');
  writeFileSync(logsFile(join(folder, 'witness')), `log ${vkey}\n`);
  const events: WitnessEvent[] = [];
  const witness = await startWitnessServer({
    folder: join(folder, 'witness'),
    port: 0,
    onEvent: (event) => events.push(event),
  });
  try {
    const url = `http://127.0.0.1:${witness.port}`;
    writeFileSync(join(folder, 'policy'), `witness ours ${witnessVkey} ${url}/\ngroup g all ours\nquorum g\n`);
    /** Adds entries, as a process of its own; without an answer of the witness it publishes nothing. */
    const grow = async (log: string, entries: readonly string[]): Promise<number | null> => {
      const added = mkdtempSync(join(folder, 'entries-'));
      for (const text of entries) writeFileSync(join(added, text), text);
      mkdirSync(join(folder, log), { recursive: true });
      const args = [
        `--storage_dir=${join(folder, log)}`,
        `--entries=${added}/*`,
        `--private_key=${join(folder, 'skey')}`,
        `--witness_policy_file=${join(folder, 'policy')}`,
        '--witness_timeout=2s',
      ];
      // Not spawnSync: the witness answers from this process.
      const child = spawn('posix-oneshot', args, { stdio: 'ignore' });
      const timer = setTimeout(() => child.kill('SIGKILL'), 8_000);
      const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
      clearTimeout(timer);
      return code;
    };
    const published = (log: string): string => readFileSync(join(folder, log, 'checkpoint'), 'utf8');
    const cosignedSize = async (): Promise<number> =>
      Number((await (await fetch(`${url}/${sha256Hex('log.example/tessera')}/checkpoint`)).text()).split('\n')[1]);

    expect(await grow('log', ['a', 'b', 'c'])).toBe(0);
    cpSync(join(folder, 'log'), join(folder, 'older'), { recursive: true });
    expect(await grow('log', ['d', 'e'])).toBe(0);
    expect(published('log')).toContain('\n5\n');
    expect(parseNote(Buffer.from(published('log'))).signatures.map(({ name }) => name)).toContain(
      'witness.example/ours',
    );
    expect(await cosignedSize()).toBe(5);

    // The older copy grows to less than was cosigned, then beyond it: a rollback, then a fork.
    const before = published('older');
    expect(await grow('older', ['x'])).not.toBe(0);
    expect(events.at(-1)).toMatchObject({ type: 'answered', status: 409, cosignedSize: 5 });
    expect(await grow('older', ['y', 'z', 'zz'])).not.toBe(0);
    expect(events.filter((event) => event.type === 'answered').at(-1)).toMatchObject({ status: 422 });
    expect(published('older')).toBe(before);
    expect(await cosignedSize()).toBe(5);

    expect(await grow('log', ['f'])).toBe(0);
    expect(await cosignedSize()).toBe(6);
  } finally {
    await witness.stop(0);
  }
});
