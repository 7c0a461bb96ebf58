import { describe, expect, test } from 'vitest';
import { Health } from '../dist/operate/health.js';

const bodyOf = ({ body }: { body: string }): unknown => JSON.parse(body);

describe('readiness', () => {
  test('begins when it serves, and ends when it stops', () => {
    const health = new Health();
    expect(health.ready().status).toBe(503);
    expect(bodyOf(health.ready())).toEqual({ status: 'unavailable', reason: 'starting' });
    health.enter('serving');
    expect(health.ready()).toEqual({ status: 200, contentType: 'application/json', body: '{"status":"ready"}\n' });
    health.enter('stopping');
    expect(bodyOf(health.ready())).toEqual({ status: 'unavailable', reason: 'stopping' });
  });

  test('is lost while the ledger takes nothing, with the reason and since when', () => {
    const health = new Health();
    health.enter('serving');
    health.setOutage({ code: 'locked', message: 'the ledger is locked' }, 1_000);
    health.setOutage({ code: 'full', message: 'no space left' }, 5_000);
    expect(health.isReady).toBe(false);
    expect(health.ready().status).toBe(503);
    expect(bodyOf(health.ready())).toEqual({
      status: 'unavailable',
      reason: 'ledger.full',
      message: 'no space left',
      since: '1970-01-01T00:00:01.000Z',
    });
    health.setOutage(undefined);
    expect(health.ready().status).toBe(200);
    health.setOutage({ code: 'locked', message: 'again' }, 9_000);
    expect(bodyOf(health.ready())).toMatchObject({ since: '1970-01-01T00:00:09.000Z' });
  });

  test('is not liveness: that is there in every phase', () => {
    const health = new Health(1_000);
    for (const phase of ['starting', 'serving', 'stopping'] as const) {
      health.enter(phase);
      health.setOutage({ code: 'locked', message: 'locked' });
      expect(health.alive(3_500)).toMatchObject({ status: 200 });
      expect(bodyOf(health.alive(3_500))).toEqual({ status: 'ok', phase, uptime_seconds: 2.5 });
    }
  });
});
