/** Checkpoints and keys between us and golang.org/x/mod/sumdb/note, in both directions. */
import { readFileSync } from 'node:fs';
import { encodeCheckpoint, parseVkey } from '@infrafabric/format';
import { openNote } from '@infrafabric/verify';
import { beforeEach, expect, test } from 'vitest';
import { GrowingLog, runPeer } from './logs.js';
import { goTlog } from './peer-programs.js';

beforeEach((context) => goTlog.need(context));

test('Go opens every checkpoint of a ledger under the key that keys show prints', () => {
  const log = new GrowingLog();
  for (const size of [1, 2, 7, 300, 1_000]) {
    log.growTo(size);
    const { origin, root_hex } = JSON.parse(log.home.witness(['anchor', '--json']).stdout) as Record<string, string>;
    const root = Buffer.from(root_hex!, 'hex').toString('base64');
    expect(runPeer(['go-tlog', 'open', log.vkey, log.anchor('anchor.note')])).toEqual({
      exitCode: 0,
      stdout: `${origin}\n${size}\n${root}\n`,
      stderr: '',
    });
  }
  for (const [size, note] of log.checkpoints()) {
    const { stdout } = runPeer(['go-tlog', 'open', log.vkey, log.file('checkpoint', note)]);
    expect(stdout.split('\n')[1]).toBe(String(size));
  }
});

// But for one: Go's base64 passes over the two bits of the last letter of a signature that mean nothing.
test('a note with any octet changed is refused by Go and by us', () => {
  const log = new GrowingLog();
  log.growTo(10);
  const key = parseVkey(log.vkey);
  const note = readFileSync(log.anchor('anchor.note'));
  expect(openNote(note, key).ok).toBe(true);
  const lastLetter = note.length - '=\n'.length - 1;
  for (let at = 0; at < note.length; at++) {
    const changed = Buffer.from(note);
    changed[at]! ^= 1;
    expect(openNote(changed, key).ok, `octet ${at}`).toBe(false);
    const exitCode = at === lastLetter && signatureOf(changed).equals(signatureOf(note)) ? 0 : 1;
    expect(runPeer(['go-tlog', 'open', log.vkey, log.file('changed.note', changed)]), `octet ${at}`).toMatchObject({
      exitCode,
    });
  }
});

/** Octets of the only signature line, read as laxly as Go does. */
function signatureOf(note: Buffer): Buffer {
  return Buffer.from(note.toString('latin1').split(' ').at(-1)!, 'base64');
}

test('we open what Go signed, under the key that it made', () => {
  const log = new GrowingLog();
  const rootHex = 'ab'.repeat(32);
  for (const size of [0, 1, 2 ** 53 - 1]) {
    const text = encodeCheckpoint({ origin: 'example.com/log', size, rootHex });
    const { stdout } = runPeer(['go-tlog', 'sign', 'example.com/log', log.file('text', text)]);
    const [vkey = '', ...note] = stdout.split('\n');
    expect(openNote(Buffer.from(note.join('\n')), parseVkey(vkey))).toMatchObject({
      ok: true,
      checkpoint: { origin: 'example.com/log', size, rootHex },
    });
  }
});
