import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandEnv } from '../dist/config/expand-env.js';
import { formatBytes, formatDuration, parseBytes, parseDurationMs } from '../dist/config/quantities.js';
import { fileOf, problemsOf, problemsOfYaml, resolved, tempFolder } from './config-support.js';

describe('a file', () => {
  test('that is empty, or holds comments alone, says nothing', () => {
    const home = join(tempFolder(), 'home');
    const plain = resolved({}, home).values;
    for (const text of ['', '# nothing\n', '---\n', '{}']) {
      expect(resolved({ flags: { config: fileOf(text) } }, home).values).toEqual(plain);
    }
  });

  test.each([
    ['prot: 1', 'file:1:1', 'unknown key "prot"', 'did you mean port?'],
    [
      'port: 1\nforward:\n  - url: http://a:1\n    timout: 1s',
      'file:4:5',
      'unknown key "timout"',
      'did you mean timeout?',
    ],
    ['xyzzy: 1', 'file:1:1', 'unknown key "xyzzy"', /^known are home, /],
    ['port: 1\nport: 2', 'file:2:1', /unique/, undefined],
    ['port: [1, 2]', 'file:1:7', 'a single value is expected here', undefined],
    ['port:\nhost: ::1', 'file:1:6', 'the value is missing', 'give one, or remove the key'],
    ['a: &a 1\nport: *a', 'file:2:7', 'an alias is not taken here', 'write the value out'],
    ['port: !!int 1\nhost: !mine x', 'file:2:7', /tag/i, undefined],
    ['- port: 1', 'file:1:1', 'the file is not a mapping of keys to values', undefined],
    ['port: 0x10', 'file:1:7', '"0x10" is not a port', /^give/],
    ['port: 4_318', 'file:1:7', '"4_318" is not a port', /^give/],
    ['grpc: no', 'file:1:7', '"no" is not true or false', undefined],
    ['port: "1', 'file:1:9', /closing|missing/i, undefined],
    ['forward:\n  - name: x', 'file:2:5', 'the backend has no url', /^write url/],
    [
      'forward:\n  - url: http://a:1\n    headers: [x]',
      'file:3:14',
      'headers is not a mapping of names to texts',
      undefined,
    ],
    [
      'forward:\n  url: http://a:1\n  headers:\n    "b d": x',
      'file:4:12',
      '"b d" is not the name of a header',
      undefined,
    ],
    [
      'forward:\n  url: http://a:1\n  headers:\n    host: x',
      'file:4:11',
      'the header host is set by the collector itself',
      undefined,
    ],
    [`host: \${env:NOWHERE}`, 'file:1:7', 'the variable NOWHERE is not set', /^set it/],
    [`host: "\${NOWHERE}"`, 'file:1:7', '"${" begins nothing that is known', /^write/],
  ])('%j is refused at its place', (text, source, message, hint) => {
    const found = problemsOfYaml(text).find((problem) => problem.source === source);
    expect(found).toBeDefined();
    expect(found!.message).toMatch(message);
    if (hint === undefined) expect(found!.hint).toBeUndefined();
    else expect(found!.hint).toMatch(hint);
  });

  test('of any octets is read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const { source } of problemsOfYaml(text)) expect(source).toMatch(/^(file|--)/);
      }),
      { numRuns: 200 },
    );
  });

  test('of deep nesting or many aliases is refused soon', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(9)}]`).join('\n')}\n`;
    const startedMs = performance.now();
    expect(problemsOfYaml(bomb).length).toBeGreaterThan(0);
    expect(problemsOfYaml(`port: ${'['.repeat(2_000)}`).length).toBeGreaterThan(0);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test('that cannot be read is named with who named it', () => {
    expect(problemsOf({ flags: { config: '/does/not/exist.yaml' } })).toMatchObject([{ source: '--config' }]);
    expect(problemsOf({ env: { IF_WITNESS_COLLECT_CONFIG: '/does/not/exist.yaml' } })).toMatchObject([
      { source: 'IF_WITNESS_COLLECT_CONFIG' },
    ]);
  });

  test('names other files from where it is itself', () => {
    const config = fileOf('token_file: tokens\n', 'c.yaml');
    expect(problemsOf({ flags: { config } })[0]!.message).toContain(join(dirname(config), 'tokens'));
  });
});

describe('variables in the file', () => {
  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
  const plain = fc.string({ maxLength: 20 }).map((text) => text.replaceAll('$', ''));

  test('are put in as they are, and are not looked into again', () => {
    fc.assert(
      fc.property(name, fc.string(), plain, plain, (key, value, before, after) => {
        expect(expandEnv(`${before}\${env:${key}}${after}`, { [key]: value })).toBe(before + value + after);
      }),
    );
  });

  test('that are unset or empty have their default', () => {
    fc.assert(
      fc.property(name, plain, (key, otherwise) => {
        const text = `\${env:${key}:-${otherwise.replaceAll('}', '')}}`;
        for (const env of [{}, { [key]: '' }]) expect(expandEnv(text, env)).toBe(otherwise.replaceAll('}', ''));
      }),
    );
  });

  test('and $$ is one $, so that any text can be written', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(expandEnv(text.replaceAll('$', '$$$$'), {})).toBe(text);
      }),
    );
  });

  test('stand in headers and numbers alike', () => {
    const config = fileOf(
      `port: \${env:P}\nforward: { url: "http://a:1", headers: { Authorization: "Bearer \${env:T}" } }\n`,
    );
    const { port, forwards } = resolved({ flags: { config }, env: { P: '7', T: 'abc' } }).config;
    expect(port).toBe(7);
    expect(forwards[0]!.headers).toEqual({ authorization: 'Bearer abc' });
  });
});

describe('quantities', () => {
  test('are read as they are written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (bytes) => {
        expect(parseBytes(formatBytes(bytes), 0, 2 ** 40)).toBe(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (ms) => {
        expect(parseDurationMs(formatDuration(ms), 0, 1e9)).toBe(ms);
      }),
    );
  });

  test.each(['', '-1', '1e3', '0x1', '1,5', ' 1', '1 ', 'NaN', 'Infinity', '١', '1MiBB', '1mib', 'MiB'])(
    '%j is no size',
    (text) => {
      expect(() => parseBytes(text, 0, 2 ** 40)).toThrow(RangeError);
    },
  );

  test.each(['', '10', '-1s', '1w', '1e3s', '1 h 2 m', 's'])('%j is no duration', (text) => {
    expect(() => parseDurationMs(text, 0, 1e9)).toThrow(RangeError);
  });
});
