/** The note parser and the checkpoint parser against the answers of Go's; see notes/ORIGIN.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseVkey } from '@infrafabric/format';
import { openNote, readNote } from '@infrafabric/verify';
import { expect, test } from 'vitest';

const folder = new URL('notes/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));
const key = parseVkey(read('vkey').toString('utf8').trim());

/** What Go accepts and we refuse, and why; docs/format.md §Checkpoints. */
const stricter: Readonly<Record<string, string>> = {
  'good-then-bad-same-key': 'every signature line of a known key must verify, not only its first',
  'noncanonical-base64-signature': 'one signature has one text',
  'size-2^53+1': 'sizes stay where JavaScript counts exactly',
};

const answers = read('expected.tsv')
  .toString('utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t') as [name: string, go: 'ok' | 'no', why: string]);

test('every note has an answer, and every answer a note', () => {
  const notes = readdirSync(folder).filter((name) => name.endsWith('.note'));
  expect(answers.map(([name]) => `${name}.note`).sort()).toEqual(notes.sort());
  expect(answers).toHaveLength(54);
});

test.each(answers)('%s: Go says %s', (name, go) => {
  const { ok } = openNote(read(`${name}.note`), key);
  expect(ok).toBe(go === 'ok' && !(name in stricter));
});

test.each(answers.filter(([name, go]) => go === 'ok' && !(name in stricter)))(
  '%s: one bit less and it is refused',
  (name) => {
    const note = read(`${name}.note`);
    note[note.indexOf('\n')]! ^= 0x20;
    expect(openNote(note, key).ok).toBe(false);
  },
);

test.each([
  ['unknown-only', 'unsigned'],
  ['same-name-other-id', 'ok'],
  ['known-key-bad-signature', 'signature'],
  ['bad-then-good-same-key', 'signature'],
  ['good-then-bad-same-key', 'signature'],
  ['noncanonical-base64-signature', 'malformed'],
  ['size-2^53+1', 'malformed'],
  ['cr-in-origin', 'malformed'],
])('%s: %s', (name, fault) => {
  const opened = openNote(read(`${name}.note`), key);
  expect(opened.ok ? 'ok' : opened.fault).toBe(fault);
});

test('another origin under the same key is a good note, so whoever needs the origin compares it', () => {
  const opened = openNote(read('other-origin-same-key.note'), key);
  expect(opened.ok && opened.checkpoint.origin !== key.name).toBe(true);
});

test('text that looks like a signature belongs to the text', () => {
  const note = readNote(read('text-with-signature-like-line.note'));
  expect(note.ok && note.note.signatures).toHaveLength(1);
  expect(note.ok && note.checkpoint.extensions.some((line) => line.startsWith('— '))).toBe(true);
});
