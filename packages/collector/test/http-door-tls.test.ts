import { generateKeyPairSync } from 'node:crypto';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { Door } from '../dist/door/door.js';
import { TEST_CERT, TEST_KEY } from './http-door-certificate.js';
import { holds, MAX_BODY_BYTES, openDoor, PROTOBUF, post, RawConnection, STORED } from './http-door-harness.js';

const tls = { cert: TEST_CERT, key: TEST_KEY };

function postTls({ port }: Door, body: Uint8Array, options: object = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': PROTOBUF, 'content-length': body.length };
    const sent = request(
      { host: '127.0.0.1', port, method: 'POST', path: '/v1/traces', ca: TEST_CERT, headers, agent: false, ...options },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function strangersKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

describe('TLS', () => {
  test('takes what a sender that knows the certificate sends', async () => {
    const { door, intake } = await openDoor({ tls });
    const body = Buffer.alloc(500_000, 'spans');
    expect(await postTls(door, body)).toBe(200);
    expect(Buffer.compare(intake.received[0]?.body ?? Buffer.alloc(0), body)).toBe(0);
    expect(await postTls(door, Buffer.alloc(MAX_BODY_BYTES + 1))).toBe(413);
  });

  test('is not spoken in its old versions', async () => {
    const { door } = await openDoor({ tls });
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(postTls(door, Buffer.alloc(1), old)).rejects.toThrow();
    expect(await postTls(door, Buffer.alloc(1), { minVersion: 'TLSv1.3' })).toBe(200);
  });

  test('is not left by those who speak plain HTTP, or nothing', async () => {
    const { door, intake } = await openDoor({ tls, limits: { headersTimeoutMs: 200 } });
    await expect(post(door, 'x')).rejects.toThrow();
    const silent = new RawConnection(door);
    await silent.closed();
    expect(silent.received).toBe('');
    expect(intake.received).toStrictEqual([]);
    expect(await postTls(door, Buffer.alloc(1))).toBe(200);
  });

  test('does not hide a bad request: it is answered and closed', async () => {
    const { door } = await openDoor({ tls });
    const socket = connect({ host: '127.0.0.1', port: door.port, ca: TEST_CERT });
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.write('GARBAGE\r\n\r\n');
    await new Promise((resolve) => socket.on('close', resolve));
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('ends when the door stops, also in the middle of a handshake', async () => {
    const { door, intake } = await openDoor({ tls });
    const half = new RawConnection(door);
    // The beginning of a handshake.
    half.write(Buffer.from('160301020001', 'hex'));
    intake.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return STORED;
    };
    const busy = postTls(door, Buffer.alloc(1));
    await holds(intake, 1);
    const stopped = door.stop(1_000);
    expect(await busy).toBe(200);
    await stopped;
    await half.closed();
  });

  test.each([
    ['no certificate', { cert: 'nonsense', key: TEST_KEY }],
    ['no key', { cert: TEST_CERT, key: 'nonsense' }],
    ['empty', { cert: '', key: '' }],
    ['the key of another', { cert: TEST_CERT, key: strangersKey() }],
  ])('does not open with what is %s', async (_, broken) => {
    await expect(openDoor({ tls: broken })).rejects.toMatchObject({ name: 'DoorError', code: 'bad_tls' });
  });
});
