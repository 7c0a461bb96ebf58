import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type ConfigFlags,
  describeConfig,
  flagOf,
  type SettingName,
  settingNames,
  variableOf,
} from '@infrafabric/collector';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { fileOf, problemsOf, resolved, tempFolder } from './config-support.js';

/** Three values of each setting, in the spelling of all sources, and what becomes of them. */
const VALUES: {
  // The rest is in tests of its own: files that must be there, and what needs another setting beside it.
  readonly [K in Exclude<
    SettingName,
    'home' | 'ledger' | 'token_file' | 'tls_cert' | 'tls_key' | 'anchor_every' | 'anchor_dir' | 'anchor_policy'
  >]: readonly (readonly [string, unknown])[];
} = {
  host: [
    ['127.0.0.2', '127.0.0.2'],
    ['::1', '::1'],
    ['localhost', 'localhost'],
  ],
  port: [
    ['0', 0],
    ['65535', 65_535],
    ['14318', 14_318],
  ],
  grpc: [
    ['true', true],
    ['false', false],
    ['true', true],
  ],
  grpc_host: [
    ['127.0.0.3', '127.0.0.3'],
    ['::1', '::1'],
    ['localhost', 'localhost'],
  ],
  grpc_port: [
    ['0', 0],
    ['14317', 14_317],
    ['1', 1],
  ],
  cors_origin: [
    ['https://a.example.com', ['https://a.example.com']],
    ['http://localhost:3000', ['http://localhost:3000']],
    ['https://*.example.com', ['https://*.example.com']],
  ],
  insecure_listen: [
    ['true', true],
    ['false', false],
    ['true', true],
  ],
  max_body: [
    ['1MiB', 1_048_576],
    ['2000', 2000],
    ['1.5 MB', 1_500_000],
  ],
  max_in_flight: [
    ['1', 1],
    ['8192', 8192],
    ['512', 512],
  ],
  memory: [
    ['1GiB', 2 ** 30],
    ['100MB', 100_000_000],
    ['32MiB', 2 ** 25],
  ],
  shutdown_timeout: [
    ['500ms', 500],
    ['0', 0],
    ['1.5m', 90_000],
  ],
  anchor_exec: [
    ['cat', 'cat'],
    ['mail -s a b@example.com', 'mail -s a b@example.com'],
    ['true', 'true'],
  ],
  rotate_keys_after: [
    ['90d', 90 * 86_400_000],
    ['36h', 36 * 3_600_000],
    ['1m', 60_000],
  ],
  log_level: [
    ['debug', 'debug'],
    ['error', 'error'],
    ['warn', 'warn'],
  ],
  log_format: [
    ['json', 'json'],
    ['text', 'text'],
    ['json', 'json'],
  ],
};
type Tested = keyof typeof VALUES;
const TESTED = Object.keys(VALUES) as Tested[];

describe('a setting', () => {
  /** Which of flag, variable and file give it. */
  const given = fc.record(
    Object.fromEntries(TESTED.map((name) => [name, fc.tuple(fc.boolean(), fc.boolean(), fc.boolean())])) as {
      [K in Tested]: fc.Arbitrary<[boolean, boolean, boolean]>;
    },
  );

  test('is as the flag says, else as the variable, else as the file, else as by default', () => {
    const defaults = resolved({}).values;
    fc.assert(
      fc.property(given, (choice) => {
        const flags: Partial<Record<SettingName | 'config', string | string[]>> = {};
        const env: Record<string, string> = {};
        const file: Partial<Record<Tested, string | string[]>> = {};
        const expected: Partial<Record<Tested, unknown>> = {};
        for (const name of TESTED) {
          const [flag, variable, inFile] = VALUES[name];
          const [byFlag, byVariable, byFile] = choice[name];
          if (byFlag) flags[name] = name === 'cors_origin' ? [flag![0]] : flag![0];
          if (byVariable) env[variableOf(name)] = variable![0];
          if (byFile) file[name] = name === 'cors_origin' ? [inFile![0]] : inFile![0];
          const winner = byFlag ? flag : byVariable ? variable : byFile ? inFile : undefined;
          expected[name] = winner === undefined ? defaults[name] : winner[1];
        }
        flags.config = fileOf(stringify(file), 'c.yaml');
        expect(resolved({ flags, env }).values).toMatchObject(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('says who set it, and says nothing where nobody did', () => {
    const config = fileOf('max_body: 1MiB\nport: 5\n', 'c.yaml');
    const { sources } = resolved({ flags: { config, port: '6' }, env: { IF_WITNESS_COLLECT_MEMORY: '1GiB' } });
    expect(sources.get('port')).toBe('--port');
    expect(sources.get('memory')).toBe('IF_WITNESS_COLLECT_MEMORY');
    expect(sources.get('max_body')).toBe(`${config}:1:11`);
    expect(sources.get('host')).toBeUndefined();
  });

  test('by an empty variable is not set', () => {
    expect(resolved({ env: { IF_WITNESS_COLLECT_PORT: '', IF_WITNESS_COLLECT_FORWARD: ' ' } }).config).toMatchObject({
      port: 4318,
      forwards: [],
    });
  });

  test('that is a list has one item, several in a variable between commas, or none in the file to end what is there', () => {
    const env = { IF_WITNESS_COLLECT_FORWARD: 'http://a:1, http://b:2/otlp' };
    const urls = (sources: Parameters<typeof resolved>[0]) => resolved(sources).config.forwards.map(({ url }) => url);
    expect(urls({ env })).toEqual(['http://a:1/v1/traces', 'http://b:2/otlp']);
    expect(urls({ env, flags: { forward: ['http://c:3'] } })).toEqual(['http://c:3/v1/traces']);
    expect(urls({ flags: { config: fileOf('forward: []\n') } })).toEqual([]);
  });
});

test('every problem is said at once, each with its source', () => {
  const broken: readonly (readonly [SettingName, string])[] = [
    ['host', '127.0.0.1:4318'],
    ['port', '65536'],
    ['grpc_port', '-1'],
    ['max_body', '20 bananas'],
    ['max_in_flight', '0'],
    ['memory', '1e9'],
    ['shutdown_timeout', '10'],
    ['rotate_keys_after', '5s'],
    ['log_level', 'loud'],
    ['log_format', 'xml'],
    ['insecure_listen', 'yes'],
    ['cors_origin', '*'],
    ['token_file', '/does/not/exist'],
  ];
  fc.assert(
    fc.property(fc.subarray([...broken]), fc.constantFrom('flag', 'variable', 'file'), (chosen, by) => {
      const flags: Record<string, string> = {};
      const env: Record<string, string> = {};
      for (const [name, text] of chosen) {
        if (by === 'flag') flags[name] = text;
        else if (by === 'variable') env[variableOf(name)] = text;
      }
      const config = fileOf(chosen.map(([name, text]) => `${name}: ${JSON.stringify(text)}\n`).join(''), 'c.yaml');
      if (by === 'file') flags.config = config;
      const sources = chosen.map(([name], i) =>
        by === 'flag' ? flagOf(name) : by === 'variable' ? variableOf(name) : `${config}:${i + 1}:${name.length + 3}`,
      );
      const found = problemsOf({ flags: flags as ConfigFlags, env });
      expect(found.map(({ source }) => source).sort()).toEqual(sources.sort());
    }),
    { numRuns: 100 },
  );
});

test.each([
  'https://*.*.example.com',
  'https://*.example.com/',
  'ftp://*.example.com',
  'app.example.com',
  'https://*:*',
])('what no browser can send is no origin: %s', (origin) => {
  const found = problemsOf({ flags: { cors_origin: [origin] } as unknown as ConfigFlags, env: {} });
  expect(found).toMatchObject([{ source: '--cors-origin', message: expect.stringContaining('is not a web origin') }]);
});

describe('what --check shows', () => {
  const tokens = 'correct-horse-battery-staple-1\n';
  const config = `
token_file: tokens
forward:
  - url: https://api.example.com/otlp/v1/traces?key=s3cret-in-query
    headers: { authorization: Bearer s3cret-in-header, x-tenant: "s3cret-tenant" }
  - url: http://127.0.0.1:14318
    timeout: 2500ms
    max_behind: 5000
    max_request: 1MiB
    compression: gzip
    content_type: application/json
    name: jaeger
cors_origin: https://shop.example.com
memory: 40MiB
shutdown_timeout: 90s
rotate_keys_after: 90d
`;

  test('is every setting, and no secret', () => {
    const file = fileOf(config, 'c.yaml');
    const folder = dirname(file);
    writeFileSync(join(folder, 'tokens'), tokens, { mode: 0o600 });
    const shown = describeConfig(resolved({ flags: { config: file } }));
    expect(shown.map(({ name }) => name)).toEqual([...settingNames]);
    const text = JSON.stringify(shown);
    expect(text).not.toMatch(/s3cret|correct-horse/);
    expect(text).toContain('"authorization":"***"');
    expect(text).toContain(join(folder, 'tokens'));
  });

  test('means the same when it is given as the file', () => {
    const file = fileOf(config.replace('token_file: tokens\n', ''), 'c.yaml');
    const home = join(tempFolder(), 'home');
    const first = resolved({ flags: { config: file } }, home);
    const shown = Object.fromEntries(
      describeConfig(first).flatMap(({ name, value }) => (value === null ? [] : [[name, value]])),
    );
    const again = resolved({ flags: { config: fileOf(JSON.stringify(shown), 'again.json') } }, home);
    const plain = ({ config: { forwards, ...rest } }: typeof first) => ({
      ...rest,
      forwards: forwards.map(({ headers, url, ...forward }) => ({ ...forward, headers: Object.keys(headers) })),
    });
    expect(plain(again)).toEqual(plain(first));
  });
});

test('nothing is created, whatever is asked for', () => {
  const folder = tempFolder();
  const home = join(folder, 'deep', 'home');
  resolved({ flags: { ledger: join(folder, 'other', 'x.db') } }, home);
  expect(readdirSync(folder)).toEqual([]);
});

describe('home and ledger', () => {
  test('are where the flags say, else IF_WITNESS_HOME, else the file', () => {
    const config = fileOf('home: here\nledger: there.db\n', 'c.yaml');
    const beside = (name: string): string => join(dirname(config), name);
    expect(resolved({ flags: { config } }, '').config).toMatchObject({
      home: beside('here'),
      ledger: beside('there.db'),
    });
    const { home, ledger } = resolved({ flags: { config, home: '/tmp/h' } }).config;
    expect({ home, ledger }).toEqual({ home: '/tmp/h', ledger: beside('there.db') });
    expect(resolved({ flags: {} }, '/tmp/h2').config).toMatchObject({ home: '/tmp/h2', ledger: '/tmp/h2/witness.db' });
  });

  test('must be a folder and a file', () => {
    const file = fileOf('');
    expect(problemsOf({ flags: { home: file } })).toMatchObject([
      { source: '--home', message: `${file} is not a folder` },
    ]);
    const folder = tempFolder();
    expect(problemsOf({ flags: { ledger: folder } })).toMatchObject([
      { source: '--ledger', message: `${folder} is not a file` },
    ]);
  });
});

test('a variable that no setting has is a warning with the nearest name; what Kubernetes sets is explained', () => {
  const { warnings } = resolved({ env: { IF_WITNESS_COLLECT_PROT: '1', IF_WITNESS_COLLECT_SERVICE_HOST: '10.0.0.1' } });
  expect(warnings[0]).toMatchObject({
    source: 'IF_WITNESS_COLLECT_PROT',
    hint: 'did you mean IF_WITNESS_COLLECT_PORT?',
  });
  expect(warnings).toHaveLength(2);
  expect(problemsOf({ env: { IF_WITNESS_COLLECT_PORT: 'tcp://10.0.0.1:4318' } })).toMatchObject([
    { hint: expect.stringContaining('enableServiceLinks') },
  ]);
});
