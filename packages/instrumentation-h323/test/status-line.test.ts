import { describe, expect, test } from 'vitest';
import { parseStatusLine } from '../dist/index.js';
import { MAX_LINE_OCTETS, TelnetLines } from '../dist/status/telnet-lines.js';
import { streamOf } from './fake-status-server.js';
import { seeded } from './random-values.js';
import { STATUS_FILES, statusRecording } from './recordings.js';

const ALICE_CALL = 'aabe0266d3e4f1118c9202fc00000001';

describe.each(STATUS_FILES)('%s', (file) => {
  const lines = statusRecording(file);
  const stream = streamOf(lines);

  test('gives the same lines wherever its octets are split', () => {
    for (let at = 0; at <= stream.length; at++) {
      const got: string[] = [];
      const reader = new TelnetLines((line) => got.push(line));
      reader.push(stream.subarray(0, at));
      reader.push(stream.subarray(at));
      expect(got, `split at ${at}`).toEqual(lines);
    }
  });

  test('every line behind the version block is read', () => {
    const body = lines.slice(lines.indexOf(';') + 1).filter((line) => line !== ';');
    for (const line of body) expect(parseStatusLine(line), line).toBeDefined();
  });
});

test('each kind of line says what it says', () => {
  const call = statusRecording('status-call');
  const find = (verb: string): string => call.find((line) => line.startsWith(verb))!;
  expect(parseStatusLine(find('GCF'))).toEqual({
    kind: 'GCF',
    ip: '127.0.0.1',
    aliases: ['bob'],
    endpointType: 'terminal',
  });
  expect(parseStatusLine(find('RCF'))).toEqual({
    kind: 'RCF',
    address: '127.0.0.1:1721',
    aliases: ['bob', '2002'],
    endpointType: 'terminal',
    endpointId: '395974848_endp',
  });
  expect(parseStatusLine(find('ACF'))).toEqual({
    kind: 'ACF',
    address: '127.0.0.1:1722',
    endpointId: '25010161_endp',
    callReference: 7319,
    destination: ['bob'],
    source: ['alice', '2001'],
    isAnswering: false,
    callId: ALICE_CALL,
    mediaRoute: 'ToBeDecided',
  });
  // Spaces in a CDR, dashes everywhere else: one call id.
  expect(parseStatusLine(find('CDR'))).toEqual({
    kind: 'CDR',
    callId: ALICE_CALL,
    durationS: 8,
    startMs: Date.UTC(2026, 10, 22, 11, 13, 22),
    endMs: Date.UTC(2026, 10, 22, 11, 13, 30),
    callerAddress: '127.0.0.1:1722',
    callerId: '25010161_endp',
    calleeAddress: '127.0.0.1:1721',
    calleeId: '395974848_endp',
    destination: ['bob'],
    source: ['alice', '2001'],
    gatekeeperId: 'LedgerGK',
  });
  expect(parseStatusLine(find('DCF'))).toMatchObject({ kind: 'DCF', reason: 'normalDrop', callId: ALICE_CALL });
  expect(parseStatusLine(find('UCF'))).toEqual({ kind: 'UCF', ip: '127.0.0.1', endpointId: '25010161_endp' });
  const others = statusRecording('status-brq').map(parseStatusLine);
  expect(others).toContainEqual({ kind: 'BCF', ip: '127.0.0.1', endpointId: '3428884877_endp', bandwidth: 3840 });
  expect(others).toContainEqual({
    kind: 'BRJ',
    ip: '127.0.0.1',
    endpointId: '3428884877_endp',
    bandwidth: 640,
    reason: 'invalidConferenceID',
  });
  expect(others).toContainEqual(expect.objectContaining({ kind: 'ARJ', address: '', reason: 'callerNotRegistered' }));
});

test('a call that was never connected has no start', () => {
  const line = statusRecording('status-call').find((other) => other.startsWith('CDR'))!;
  const fields = line.split('|');
  fields[3] = '0';
  fields[4] = 'unconnected';
  expect(parseStatusLine(fields.join('|'))).toMatchObject({ startMs: undefined, durationS: 0 });
});

test.each([
  ['an alias with a bar in it', 'RCF|1.2.3.4:1720|a|b:h323_ID|terminal|1_endp'],
  ['a call id that is none', 'DCF|1.2.3.4|1_endp|1|normalDrop|zz-00'],
  ['a bandwidth that is none', 'BCF|1.2.3.4|1_endp|lots'],
  ['a verb that is none', 'HELLO|x'],
  ['nothing', ''],
])('%s is no line', (_, line) => {
  expect(parseStatusLine(line)).toBeUndefined();
});

test('telnet commands are taken out anywhere, and twice ff is the octet', () => {
  const got: string[] = [];
  const reader = new TelnetLines((line) => got.push(line));
  const iac = 0xff;
  const octets = [0x61, iac, 0xfd, 0x0a, 0x62, iac, 0xfa, 0x18, 0x0a, iac, 0xf0, 0x63, iac, 0xf1, 0x64, 0x0d, 0x0a];
  for (const octet of octets) reader.push(Uint8Array.of(octet));
  reader.push(Uint8Array.of(iac, iac, 0x0a));
  expect(got).toEqual(['abcd', '�']);
});

test('a line without end is cut, said to be, and the next is whole', () => {
  const got: [string, boolean][] = [];
  const reader = new TelnetLines((line, isCut) => got.push([line, isCut]));
  for (let i = 0; i < 100; i++) reader.push(new Uint8Array(MAX_LINE_OCTETS).fill(0x61));
  reader.push(Buffer.from('\r\nnext\r\n'));
  expect(got).toHaveLength(2);
  expect(got[0]![0]).toHaveLength(MAX_LINE_OCTETS);
  expect(got.map(([, isCut]) => isCut)).toEqual([true, false]);
  expect(got[1]![0]).toBe('next');
});

test('noise between lines is neither thrown over nor read as more than it is', () => {
  const random = seeded(7000);
  const lines = STATUS_FILES.flatMap(statusRecording);
  const known = new Set('GCF GRJ RCF RRJ ACF ARJ BCF BRJ DCF DRJ UCF URJ CDR other'.split(' '));
  for (let i = 0; i < 20_000; i++) {
    const octets = Buffer.from(lines[Math.floor(random() * lines.length)]!);
    for (let flips = 0; flips < 3; flips++) octets[Math.floor(random() * octets.length)] = Math.floor(random() * 256);
    const parsed = parseStatusLine(octets.toString());
    if (parsed !== undefined) expect(known.has(parsed.kind)).toBe(true);
  }
});
