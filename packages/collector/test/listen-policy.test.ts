import { describe, expect, test } from 'vitest';
import { isLoopback, listenProblem } from '../dist/door/listen-policy.js';

const loopback = ['127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LocalHost', '::ffff:127.0.0.1'];
const beyond = [
  '0.0.0.0',
  '::',
  '',
  '10.0.0.7',
  '128.0.0.1',
  '192.168.1.1',
  '::2',
  'fe80::1',
  'localhost.example.com',
  'collector',
  '127.0.0.1.example.com',
  '::ffff:10.0.0.7',
  ' 127.0.0.1',
];

describe('listenProblem', () => {
  test.each(loopback)('only this machine reaches %s: nothing is asked', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(listenProblem({ host, hasTokens: false, allowOpen: false })).toBeUndefined();
  });

  test.each(beyond)('others reach "%s": refused without a token', (host) => {
    expect(isLoopback(host)).toBe(false);
    const problem = listenProblem({ host, hasTokens: false, allowOpen: false });
    expect(problem).toContain(host === '' ? 'an empty host' : host);
    for (const wayOut of ['--token-file', '127.0.0.1', '--insecure-listen']) expect(problem).toContain(wayOut);
  });

  test.each(beyond)('with a token, or told twice, "%s" is allowed', (host) => {
    expect(listenProblem({ host, hasTokens: true, allowOpen: false })).toBeUndefined();
    expect(listenProblem({ host, hasTokens: false, allowOpen: true })).toBeUndefined();
  });
});
