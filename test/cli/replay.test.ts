/** `replay` against backends that take spans, refuse them, or are not there. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import Sqlite from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Backend } from '../../packages/collector/test/forward-support.js';
import { Home, type Ran } from './run.js';

/** Runs beside the backend, which lives in this process. */
async function replay(home: Home, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = home.start(['replay', ...args], env);
  child.stdin!.end();
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stdout, stderr };
}

/** Two events in a flow, one in its child flow, one elsewhere. */
function written(): Home {
  const home = new Home();
  home.log('one', 'flow', '--payload', '{"n": 1}');
  home.log('elsewhere', 'other');
  home.log('two', 'child', '--parent-trace-id', 'flow');
  home.log('three', 'flow');
  return home;
}

/** Spans of one flow, named by their number. */
function manyIn(home: Home, count: number): string[] {
  const names = Array.from({ length: count }, (_, i) => `e${i}`);
  const lines = names.map((event) => `{"event":"${event}","component":"c","trace_id":"t"}\n`);
  home.witness(['log', '--batch'], { input: lines.join('') });
  return names;
}

/** Damages payloads as nobody may: the guards of the ledger go first. */
function damage(home: Home, sql: string): void {
  const db = new Sqlite(home.ledger);
  db.exec(`DROP TRIGGER payloads_no_delete; DROP TRIGGER payloads_no_update; ${sql}`);
  db.close();
}

describe('replay', () => {
  test('sends what trace shows, as it was received, in order', async () => {
    const home = written();
    const backend = await Backend.start();
    const ran = await replay(home, ['flow', '--to', backend.url]);
    expect(ran).toEqual({
      exitCode: 0,
      stdout: `3 spans in 1 request to ${backend.url}/v1/traces\n`,
      stderr: '',
    });
    expect(backend.taken).toEqual(['one', 'two', 'three']);
    expect(backend.requests[0]?.spans[0]?.attributes).toContainEqual(['witness.payload', '{"n": 1}']);
    expect(backend.requests[0]).toMatchObject({
      url: '/v1/traces',
      headers: { 'content-type': 'application/x-protobuf' },
    });
    const exported = JSON.parse(home.witness(['trace', 'flow', '--format', 'json']).stdout) as {
      readonly entries: readonly { readonly otel: { readonly span_id: string } }[];
    };
    expect(backend.requests[0]?.spans.map(({ spanId }) => spanId).sort()).toEqual(
      exported.entries.map(({ otel }) => otel.span_id).sort(),
    );
  });

  test('takes the beginning of an OpenTelemetry trace id, and says all in JSON', async () => {
    const home = written();
    const backend = await Backend.start();
    const [traceId] = home.trace('other').otel_trace_ids;
    const ran = await replay(home, [traceId!.slice(0, 12), '--to', backend.url, '--json']);
    expect({ ...ran, stdout: JSON.parse(ran.stdout) }).toEqual({
      exitCode: 0,
      stdout: { spans: 1, requests: 1, rejected: 0, missing: 0, erased_by: [], url: `${backend.url}/v1/traces` },
      stderr: '',
    });
    expect(backend.taken).toEqual(['elsewhere']);
  });

  test('sends thousands in several requests, as JSON and compressed when told', async () => {
    const home = new Home();
    const names = manyIn(home, 1_300);
    const backend = await Backend.start();
    const ran = await replay(home, ['t', '--to', `${backend.url}/own?key=s3cret`, '--format', 'json', '--gzip']);
    expect(ran).toEqual({
      exitCode: 0,
      stdout: `1,300 spans in 3 requests to ${backend.url}/own\n`,
      stderr: '',
    });
    expect(backend.taken).toEqual(names);
    expect(backend.requests[0]).toMatchObject({
      url: '/own?key=s3cret',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
  });

  test('sends nothing with --dry-run', async () => {
    const home = written();
    const backend = await Backend.start();
    expect(await replay(home, ['flow', '--to', backend.url, '--dry-run'])).toEqual({
      exitCode: 0,
      stdout: `would send 3 spans in 1 request to ${backend.url}/v1/traces\n`,
      stderr: '',
    });
    const json = await replay(home, ['flow', '--to', backend.url, '--dry-run', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ spans: 3, requests: 1, dry_run: true });
    expect(backend.requests).toEqual([]);
  });

  test('of nothing is exit code 1', async () => {
    const backend = await Backend.start();
    expect(await replay(written(), ['nope', '--to', backend.url])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('no entry under trace id nope'),
    });
    expect(backend.requests).toEqual([]);
  });

  test('without the payload of some sends the others, and says so', async () => {
    const home = written();
    damage(home, "DELETE FROM payloads WHERE seq = 1; UPDATE payloads SET payload = x'00' WHERE seq = 4");
    const backend = await Backend.start();
    const ran = await replay(home, ['flow', '--to', backend.url]);
    expect(ran).toEqual({
      exitCode: 0,
      stdout: `1 span in 1 request to ${backend.url}/v1/traces\n`,
      stderr:
        'warning: 2 spans cannot be sent: the payload is damaged, or gone and no redaction entry says why; run if-witness verify\n',
    });
    expect(backend.taken).toEqual(['two']);
  });

  test('names the entries that erased what cannot be sent', async () => {
    const home = written();
    for (const seq of ['4', '1']) home.witness(['redact', seq, '--reason', 'r']);
    const backend = await Backend.start();
    const ran = await replay(home, ['flow', '--to', backend.url, '--json']);
    expect(ran).toMatchObject({
      exitCode: 0,
      stderr: 'warning: 2 spans cannot be sent: the payload was erased by entries 5, 6\n',
    });
    expect(JSON.parse(ran.stdout)).toMatchObject({ spans: 1, missing: 2, erased_by: [5, 6] });
    expect(backend.taken).toEqual(['two']);
    home.witness(['redact', '3', '--reason', 'r']);
    expect(await replay(home, ['child', '--to', backend.url])).toMatchObject({
      exitCode: 1,
      stderr: 'warning: 1 span cannot be sent: the payload was erased by entry 7\n',
    });
  });

  test('without any payload is exit code 1', async () => {
    const home = written();
    damage(home, 'DELETE FROM payloads');
    const backend = await Backend.start();
    const ran = await replay(home, ['flow', '--to', backend.url, '--json']);
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('3 spans cannot be sent') });
    expect(JSON.parse(ran.stdout)).toMatchObject({ spans: 0, requests: 0, rejected: 0, missing: 3 });
    expect(backend.requests).toEqual([]);
  });
});

describe('a backend that', () => {
  test('is busy for a moment gets everything a moment later', async () => {
    const home = written();
    const backend = await Backend.start();
    backend.treat = (_, index) => (index === 0 ? { status: 503, headers: { 'retry-after': '1' } } : 'take');
    const ran = await replay(home, ['flow', '--to', backend.url]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(backend.taken).toEqual(['one', 'two', 'three']);
    expect(backend.requests[1]!.atMs - backend.requests[0]!.atMs).toBeGreaterThanOrEqual(990);
  });

  test.each([
    ['is busy for longer than --timeout', { status: 503 }, 'HTTP 503'],
    ['asks for more patience than there is', { status: 429, headers: { 'retry-after': '60' } }, 'HTTP 429'],
    ['does not answer', 'hang', 'did not answer'],
    ['hangs up', 'reset', 'cannot reach'],
  ] as const)('%s is exit code 2', async (_, treatment, why) => {
    const home = new Home();
    manyIn(home, 600);
    const backend = await Backend.start();
    backend.treat = (_, index) => (index === 0 ? 'take' : treatment);
    const ran = await replay(home, ['t', '--to', backend.url, '--timeout', '0.7', '--json']);
    expect({ ...ran, stderr: JSON.parse(ran.stderr) }).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: { error: { code: 'io', hint: expect.stringContaining('--timeout') } },
    });
    expect(ran.stderr).toContain(why);
    expect(ran.stderr).toContain('512 of 600 spans were sent');
  });

  test('is not there is exit code 2', async () => {
    const backend = await Backend.start();
    backend.stop();
    const ran = await replay(written(), ['flow', '--to', backend.url, '--timeout', '0.2']);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain('cannot reach 127.0.0.1:');
    expect(ran.stderr).toContain('\nhint: try again later');
  });

  test.each([400, 401, 404, 307])('refuses with %i is exit code 2, without another try', async (status) => {
    const backend = await Backend.start();
    const headers = { 'content-type': 'text/plain', location: `${backend.url}/v1/traces` };
    backend.treat = () => ({ status, headers, body: 'no \u001b[31mred' });
    const ran = await replay(written(), ['flow', '--to', backend.url, '--header', 'authorization=s3cret']);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain(`did not take the spans: HTTP ${status}: no [31mred; 0 of 3 spans were sent`);
    expect(ran.stderr).not.toContain('s3cret');
    expect(backend.requests).toHaveLength(1);
  });

  test('finds requests too large gets smaller ones; a span that is too large alone is counted', async () => {
    const home = new Home();
    const names = manyIn(home, 100);
    home.log('large', 't', '--payload', JSON.stringify('x'.repeat(20_000)));
    const backend = await Backend.start();
    backend.treat = ({ octets }) => (octets > 5_000 ? { status: 413 } : 'take');
    const ran = await replay(home, ['t', '--to', backend.url, '--json']);
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('did not take 1 span\n') });
    expect(JSON.parse(ran.stdout)).toMatchObject({ spans: 100, rejected: 1, missing: 0 });
    expect(backend.taken).toEqual(names);
  });

  test('does not take some of the spans is exit code 1', async () => {
    const backend = await Backend.start();
    const body = '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too \\u202eold"}}';
    backend.treat = () => ({ status: 200, headers: { 'content-type': 'application/json' }, body });
    const ran = await replay(written(), ['flow', '--to', backend.url]);
    expect(ran).toEqual({
      exitCode: 1,
      stdout: `1 span in 1 request to ${backend.url}/v1/traces\n`,
      stderr: 'warning: the backend says: too old\nwarning: the backend did not take 2 spans\n',
    });
  });

  test('speaks TLS is reached when its certificate is known', async (context) => {
    const home = written();
    const [key, cert] = [home.beside('key.pem'), home.beside('cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', key, '-out', cert, ...subject],
    ]);
    if (made.status !== 0) return context.skip('no openssl that makes certificates');
    const requests: (string | undefined)[] = [];
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      requests.push(request.headers.authorization);
      request.resume().on('end', () => response.end());
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, 'localhost'), 'listening');
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const token = home.beside('token');
    writeFileSync(token, 'abc\n');
    const args = ['flow', '--to', url, '--token-file', token, '--timeout', '1'];
    const stranger = await replay(home, args);
    expect(stranger).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('self-signed certificate') });
    expect(requests).toEqual([]);
    expect(await replay(home, args, { NODE_EXTRA_CA_CERTS: cert })).toMatchObject({ exitCode: 0 });
    expect(requests).toEqual(['Bearer abc']);
  });
});

describe('where it goes', () => {
  test('are the variables without --to, with their headers and protocol', async () => {
    const backend = await Backend.start();
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${backend.url}/base`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=from%20env,x-other=1',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    };
    expect(await replay(written(), ['flow', '--header', 'X-Other=2'], env)).toMatchObject({ exitCode: 0 });
    expect(backend.requests).toMatchObject([
      {
        url: '/base/v1/traces',
        headers: { 'x-key': 'from env', 'x-other': '2', 'content-type': 'application/json' },
      },
    ]);
  });

  test('is --to, and then no secret of the variables goes there', async () => {
    const [named, other] = [await Backend.start(), await Backend.start()];
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: other.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=s3cret',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    };
    expect(await replay(written(), ['flow', '--to', named.url], env)).toMatchObject({ exitCode: 0 });
    expect(other.requests).toEqual([]);
    expect(named.requests).toHaveLength(1);
    expect(named.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(named.requests[0]?.headers).toMatchObject({ 'content-type': 'application/x-protobuf' });
  });

  test.each([
    [[], {}, 'usage', '--to is missing'],
    [[], { OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' }, 'input', 'OTEL_EXPORTER_OTLP_ENDPOINT must be'],
    [[], { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'input', 'not supported'],
    [['--to', 'ftp://u:s3cret@x'], {}, 'usage', '--to is not an http or https URL'],
    [['--to', 'http://127.0.0.1:1', '--format', 'xml'], {}, 'usage', '--format is one of protobuf, json'],
    [['--to', 'http://127.0.0.1:1', '--timeout', '0'], {}, 'usage', '--timeout must be above 0'],
    [['--to', 'http://127.0.0.1:1', '--timeout', 'soon'], {}, 'usage', '--timeout must be above 0'],
    [['--to', 'http://127.0.0.1:1', '--header', 's3cret'], {}, 'usage', '--header must be name=value'],
    [['--to', 'http://127.0.0.1:1', '--header', 'a b=s3cret'], {}, 'usage', '--header must be name=value'],
    [['--to', 'http://127.0.0.1:1', '--header', 'a=s3cret\nb'], {}, 'input', '--header a holds what'],
    [['--to', 'http://127.0.0.1:1', '--header', 'Host=s3cret'], {}, 'usage', '--header cannot set host'],
    [['--to', 'http://127.0.0.1:1', '--header', 'a=1', '--header', 'A=2'], {}, 'usage', '--header sets a twice'],
    [['--to', 'http://127.0.0.1:1', '--token-file', '/nowhere'], {}, 'io', 'cannot read /nowhere'],
    [['--to', 'http://127.0.0.1:1', '--token-file', '/dev/null'], {}, 'input', '/dev/null is empty'],
    [
      ['--to', 'http://127.0.0.1:1', '--token-file', '/nowhere', '--header', 'authorization=s3cret'],
      {},
      'usage',
      'exclude each other',
    ],
  ])('cannot be %j with %j', async (flags, env, code, why) => {
    const ran = await replay(new Home(), ['flow', '--json', ...flags], env);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    const { error } = JSON.parse(ran.stderr) as { readonly error: { readonly code: string; readonly message: string } };
    expect(error).toMatchObject({ code, message: expect.stringContaining(why) });
    expect(ran.stderr).not.toContain('s3cret');
  });
});
