import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { certificate, fileOf, problemsOf, resolved } from './config-support.js';

const TOKEN = 'correct-horse-battery-staple';
const DAY_MS = 86_400_000;

describe('a token file', () => {
  test('has a token a line, comments and blank lines', () => {
    const token_file = fileOf(`# ours\n${TOKEN}-1\n\n  ${TOKEN}-2  \r\n#${TOKEN}-3\n`);
    const { config, warnings } = resolved({ flags: { token_file } });
    expect(config.tokens).toEqual([`${TOKEN}-1`, `${TOKEN}-2`]);
    expect(warnings).toEqual([]);
  });

  test('without a token lets nobody in, and is refused', () => {
    for (const text of ['', '\n', '# a comment\n']) {
      expect(problemsOf({ flags: { token_file: fileOf(text) } })).toMatchObject([
        { source: '--token-file', message: expect.stringContaining('holds no token') },
      ]);
    }
  });

  test('with a line that is no token is refused by its line, which is not repeated', () => {
    const token_file = fileOf(`${TOKEN}\nBearer s3cret-token-text\n`);
    const problems = problemsOf({ flags: { token_file } });
    expect(problems).toMatchObject([{ source: `${token_file}:2`, message: 'not a bearer token' }]);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });

  test('that others can read, or with a token that can be guessed, is a warning', () => {
    const open = fileOf(`${TOKEN}\n`, 'tokens', 0o644);
    expect(resolved({ flags: { token_file: open } }).warnings).toMatchObject([{ hint: `chmod 600 ${open}` }]);
    expect(resolved({ flags: { token_file: fileOf('abc\n') } }).warnings).toMatchObject([
      { message: expect.stringContaining('can be guessed') },
    ]);
  });
});

describe('certificate and key', () => {
  const own = (days?: number) => {
    const { cert, key } = certificate(days);
    return { tls_cert: cert, tls_key: key };
  };

  test('that fit are read', () => {
    const flags = own();
    const { config, warnings } = resolved({ flags });
    expect(config.tls).toEqual({
      cert: readFileSync(flags.tls_cert, 'utf8'),
      key: readFileSync(flags.tls_key, 'utf8'),
    });
    expect(warnings).toEqual([]);
  });

  test('of two pairs do not fit', () => {
    expect(problemsOf({ flags: { ...own(), tls_key: own().tls_key } })).toMatchObject([
      { source: '--tls-key', message: expect.stringContaining('is not the key of') },
    ]);
  });

  test('need each other', () => {
    const { tls_cert, tls_key } = own();
    expect(problemsOf({ flags: { tls_cert } })).toMatchObject([{ source: '--tls-cert' }]);
    expect(problemsOf({ flags: { tls_key } })).toMatchObject([{ source: '--tls-key' }]);
  });

  test('that are none are named', () => {
    const { tls_cert, tls_key } = own();
    const swapped = problemsOf({ flags: { tls_cert: tls_key, tls_key: tls_cert } });
    expect(swapped.map(({ source }) => source)).toEqual(['--tls-cert', '--tls-key']);
    expect(problemsOf({ flags: { tls_cert, tls_key: fileOf('-----BEGIN PRIVATE KEY-----\nno\n') } })).toHaveLength(1);
  });

  test('are refused after their last day, before their first, and warned about in the last two weeks', () => {
    const flags = own(30);
    const now = Date.now();
    expect(problemsOf({ flags, nowMs: now + 31 * DAY_MS })).toMatchObject([{ hint: 'renew the certificate' }]);
    expect(problemsOf({ flags, nowMs: now - DAY_MS })).toMatchObject([{ hint: 'is the clock right?' }]);
    expect(resolved({ flags, nowMs: now + 20 * DAY_MS }).warnings).toMatchObject([{ hint: 'renew the certificate' }]);
  });
});

describe('where to listen', () => {
  const tokens = () => ({ token_file: fileOf(`${TOKEN}\n`) });

  test('beyond this machine needs a token, or to be told twice', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.7', 'collector.example.com']) {
      expect(problemsOf({ flags: { host } })).toMatchObject([{ source: '--host' }]);
      expect(problemsOf({ flags: { host, ...tokens() } })).toEqual([]);
      expect(problemsOf({ flags: { host, insecure_listen: 'true' } })).toEqual([]);
    }
    expect(problemsOf({ flags: { grpc_host: '0.0.0.0' } })).toMatchObject([{ source: '--grpc-host' }]);
    expect(problemsOf({ flags: { grpc_host: '0.0.0.0', grpc: 'false' } })).toEqual([]);
  });

  test('beyond this machine without TLS, or without anything, is a warning', () => {
    const warnings = (flags: object) => resolved({ flags: { host: '0.0.0.0', ...flags } }).warnings;
    const { cert, key } = certificate();
    expect(warnings(tokens())).toMatchObject([{ message: expect.stringContaining('unencrypted') }]);
    expect(warnings({ insecure_listen: 'true' })).toMatchObject([{ message: expect.stringContaining('can write') }]);
    expect(warnings({ ...tokens(), tls_cert: cert, tls_key: key })).toEqual([]);
  });

  test('is one port for each door', () => {
    expect(problemsOf({ flags: { port: '4317' } })).toMatchObject([{ source: '--grpc-port' }]);
    expect(problemsOf({ flags: { port: '4317', grpc: 'false' } })).toEqual([]);
    expect(problemsOf({ flags: { port: '0', grpc_port: '0' } })).toEqual([]);
  });
});

describe('a backend', () => {
  const forwards = (text: string, env = {}) => resolved({ flags: { config: fileOf(text) }, env }).config.forwards;

  test('by its URL alone has the defaults and a name of host and port', () => {
    expect(
      resolved({ flags: { forward: ['http://127.0.0.1:14318', 'https://otlp.example.com/in'] } }).config.forwards,
    ).toMatchObject([
      {
        name: '127.0.0.1-14318',
        url: 'http://127.0.0.1:14318/v1/traces',
        headers: {},
        contentType: 'application/x-protobuf',
        compression: 'none',
        timeoutMs: 10_000,
        maxBehind: 1_000_000,
        maxRequestBytes: 4 * 2 ** 20,
      },
      { name: 'otlp.example.com-443', url: 'https://otlp.example.com/in' },
    ]);
  });

  test('has headers from the file and from a file of its own', () => {
    const headers_file = fileOf('# secret\nAuthorization: Bearer a:b\nx-tenant:  7 \n');
    expect(
      forwards(`forward: { url: "http://a:1", headers: { X-Region: eu }, headers_file: ${headers_file} }`)[0]!.headers,
    ).toEqual({
      'x-region': 'eu',
      authorization: 'Bearer a:b',
      'x-tenant': '7',
    });
  });

  test('is refused with what its headers file says wrong, by line and without the value', () => {
    const headers_file = fileOf('Authorization: Bearer s3cret\nauthorization: again\nno colon s3cret\n');
    const config = fileOf(`forward: { url: "http://a:1", headers_file: ${headers_file} }`);
    const problems = problemsOf({ flags: { config } });
    expect(problems.map(({ source }) => source)).toEqual([`${headers_file}:2`, `${headers_file}:3`]);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });

  test.each([
    ['ftp://a', 'this is no http or https URL'],
    ['a:4318', 'this is no http or https URL'],
    ['http://user:s3cret@a:1', 'credentials in a URL'],
    ['http://127.0.0.1:4318', 'is this collector itself'],
    ['http://localhost:4318/v1/traces', 'is this collector itself'],
    ['http://[::1]:4318', 'is this collector itself'],
  ])('%s is refused', (url, message) => {
    const problems = problemsOf({ flags: { forward: [url] } });
    expect(problems).toMatchObject([{ source: '--forward', message: expect.stringContaining(message) }]);
    expect(JSON.stringify(problems)).not.toContain('s3cret');
  });

  test('of the same name as another is refused', () => {
    expect(problemsOf({ flags: { forward: ['http://a:1/x', 'http://a:1/y'] } })).toMatchObject([
      { message: 'two backends are called a-1' },
    ]);
  });

  test('that gets secrets over an open network, or is gRPC by its port, is a warning', () => {
    const warnings = (url: string) =>
      resolved({ flags: { config: fileOf(`forward: { url: "${url}", headers: { a: b } }`) } }).warnings;
    expect(warnings('http://backend.example.com:4318')).toMatchObject([{ hint: 'use https' }]);
    expect(warnings('https://backend.example.com:4318')).toEqual([]);
    expect(warnings('http://127.0.0.1:9318')).toEqual([]);
    expect(warnings('https://backend.example.com:4317')).toMatchObject([{ hint: 'is it 4318?' }]);
  });
});
