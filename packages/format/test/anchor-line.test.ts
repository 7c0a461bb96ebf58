/** Anchors as lines. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeAnchorLine,
  encodeCheckpoint,
  encodeNote,
  FormatError,
  isAnchorLine,
  parseAnchorLines,
} from '../dist/index.js';

const signature = fc.record({
  // Key names can hold what separates the parts of a line: the last colon counts.
  name: fc.stringMatching(/^[!-*,-~é—:]{1,20}$/u),
  keyIdHex: fc.stringMatching(/^[0-9a-f]{8}$/),
  signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
});
const note = fc
  .record({
    origin: fc.stringMatching(/^[!-*,-~]{1,40}$/),
    size: fc.nat(),
    rootHex: fc.stringMatching(/^[0-9a-f]{64}$/),
    signatures: fc.array(signature, { minLength: 1, maxLength: 5 }),
  })
  .map(({ signatures, ...checkpoint }) => encodeNote(encodeCheckpoint(checkpoint), signatures));

test('a note comes back octet for octet, of one line', () => {
  fc.assert(
    fc.property(note, (text) => {
      const line = encodeAnchorLine(Buffer.from(text));
      expect(line).not.toMatch(/[\n\r\t]/);
      expect(isAnchorLine(line)).toBe(true);
      expect(parseAnchorLines(`${line}\n`)).toEqual([text]);
    }),
  );
});

test('several lines are several notes, and a mailer may break them between the parts', () => {
  fc.assert(
    fc.property(fc.array(note, { minLength: 1, maxLength: 4 }), (notes) => {
      const text = notes.map((one) => encodeAnchorLine(Buffer.from(one))).join('\n');
      expect(parseAnchorLines(text.replaceAll(' ', '\r\n  '))).toEqual(notes);
    }),
  );
});

test('a changed line is another note or refused', () => {
  fc.assert(
    fc.property(note, fc.nat(), fc.constantFrom('A', ' ', ':', '\n', '=', '\x00'), (text, at, to) => {
      const line = encodeAnchorLine(Buffer.from(text));
      const changed = line.slice(0, at % line.length) + to + line.slice((at % line.length) + 1);
      if (changed === line) return;
      try {
        // White space in a place of white space changes nothing.
        if (changed.replaceAll(/\s+/g, ' ') !== line) expect(parseAnchorLines(changed)).not.toEqual([text]);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
  );
});

test.each([
  'if-witness-anchor/v1',
  'if-witness-anchor/v1 a 1',
  'if-witness-anchor/v1 a 1 AAAA x:AAAAAAAA',
  'x if-witness-anchor/v1',
  'if-witness-anchor/v1 if-witness-anchor/v1',
])('%j is refused', (text) => {
  expect(() => parseAnchorLines(text)).toThrow(expect.objectContaining({ code: 'anchor.malformed' }));
});

test('extension lines, which a line has no place for, are refused', () => {
  const text = `${encodeCheckpoint({ origin: 'a', size: 1, rootHex: '00'.repeat(32) })}more\n`;
  const extended = encodeNote(text, [{ name: 'a', keyIdHex: '00000000', signature: Buffer.alloc(64) }]);
  expect(() => encodeAnchorLine(Buffer.from(extended))).toThrow(FormatError);
});
