import { setTimeout as sleep } from 'node:timers/promises';
import { Log, type LogOptions } from '@infrafabric/collector';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logNotice } from '../dist/operate/log-notice.js';

function captured(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const log = new Log({ level: 'debug', format: 'json', write: (line) => lines.push(line), ...options });
  return { log, lines };
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

describe('a line', () => {
  test('is one line of JSON, whatever is in it, and holds it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, value) => {
        const { log, lines } = captured();
        log.info('some.event', message, { value });
        expect(lines).toHaveLength(1);
        expect(lines[0]!.endsWith('\n')).toBe(true);
        expect(lines[0]!.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>;
        expect(rest).toEqual({ level: 'info', event: 'some.event', message, value });
        expect(new Date(String(time)).toISOString()).toBe(time);
      }),
    );
  });

  test('of text holds nothing that a terminal would act on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (message, value) => {
        const { log, lines } = captured({ format: 'text' });
        log.warn('some.event', message, { value });
        expect(lines).toHaveLength(1);
        expect(lines[0]!.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  test('of text has time, level, message and facts; colours are words of their own', () => {
    const { log, lines } = captured({ format: 'text' });
    log.info('x', 'collecting', { http: 'http://127.0.0.1:4318', forward: [], note: 'two words', none: undefined });
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}collecting http=http:\/\/127\.0\.0\.1:4318 forward=\[\] note="two words"\n$/,
    );
    const coloured = captured({ format: 'text', color: true });
    coloured.log.error('x', 'broken');
    expect(coloured.lines[0]).toContain('\x1b[31mERROR\x1b[0m broken');
  });

  test('keeps its first four members whatever the fields are called', () => {
    const { log, lines } = captured();
    log.info('event', 'message', { time: 1, level: 2, event: 3, message: 4, more: 5n });
    const line = JSON.parse(lines[0]!) as Record<string, unknown>;
    expect(Object.keys(line)).toEqual(['time', 'level', 'event', 'message', 'more']);
    expect(line).toMatchObject({ level: 'info', event: 'event', message: 'message', more: '5' });
  });

  test('of endless text is cut', () => {
    const { log, lines } = captured();
    log.info('event', 'x'.repeat(1_000_000), { y: 'y'.repeat(1_000_000) });
    expect(lines[0]!.length).toBeLessThan(10_000);
  });

  test.each(LEVELS)('below %s is not written', (level) => {
    const { log, lines } = captured({ level });
    for (const each of LEVELS) log[each](`event.${each}`, 'message');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(
      LEVELS.slice(LEVELS.indexOf(level)),
    );
  });
});

describe('what happens again', () => {
  const fieldsOf = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;

  test('is written once, then with its number, then as ever', async () => {
    const { log, lines } = captured({ repeatMs: 50 });
    for (let i = 1; i <= 100; i++) log.warn('request.refused', `refused ${i}`, { code: 413 });
    expect(lines.map((line) => fieldsOf(line).message)).toEqual(['refused 1']);
    await expect.poll(() => lines.length).toBe(2);
    expect(fieldsOf(lines[1]!)).toMatchObject({ message: 'refused 100', code: 413, repeated: 99 });
    log.warn('request.refused', 'refused 101', { code: 413 });
    await expect.poll(() => lines.length).toBe(3);
    expect(fieldsOf(lines[2]!)).not.toHaveProperty('repeated');
  });

  test('is the same event with the same code and exporter; another one is written', () => {
    const { log, lines } = captured();
    for (const code of [413, 503]) {
      for (const exporter of ['a', 'b', undefined]) {
        for (let i = 0; i < 3; i++) log.error('event', 'message', { code, exporter, i });
      }
    }
    expect(lines).toHaveLength(6);
  });

  test('but did not, is not told of', async () => {
    const { log, lines } = captured({ repeatMs: 20 });
    log.warn('event', 'message');
    await sleep(100);
    log.flush();
    expect(lines).toHaveLength(1);
  });

  test('and is held back, comes out with a flush', () => {
    const { log, lines } = captured();
    log.warn('event', 'one');
    log.warn('event', 'two');
    log.flush();
    expect(lines.map((line) => fieldsOf(line).repeated)).toEqual([undefined, 1]);
  });
});

describe('what budgets have to say', () => {
  test('is logged, an alert each time, a warning once', () => {
    const { log, lines } = captured();
    const alert = {
      id: 'alert_1',
      seq: 7,
      budget: 'month',
      kind: 'spent',
      level: 'error',
      percent: 100,
      limitPico: 10n ** 12n,
      spentPico: 2n * 10n ** 12n,
      period: 'month',
      scope: {},
      privateScopes: [],
    };
    logNotice(log, { type: 'alert', alert });
    logNotice(log, { type: 'alert', alert: { ...alert, level: 'notice' } });
    logNotice(log, { type: 'warning', message: 'budgets were not judged: x' });
    logNotice(log, { type: 'warning', message: 'budgets were not judged: x' });
    logNotice(log, { type: 'something new' });
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'error', event: 'budget.alert', alert: 'alert_1', budget: 'month', percent: 100 },
      { level: 'info', event: 'budget.alert' },
      { level: 'warn', event: 'budget.warning', message: 'budgets were not judged: x' },
    ]);
    expect(lines[0]).toContain('error: budget month: spent $2');
  });
});
