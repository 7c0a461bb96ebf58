/** Budgets in a service: judged in the ledger's thread, told on the service's own stderr. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Budgets, SpentByScan } from '@infrafabric/budgets';
import { Ledger } from '@infrafabric/ledger';
import { describe, expect, test } from 'vitest';
import { alertsIn, countSpans, ledgerOf, tempHome } from './support.js';

const spender = fileURLToPath(new URL('fixtures/spender.mjs', import.meta.url));
const USD = 10n ** 12n;

async function homeWithBudget(limitPico: bigint): Promise<string> {
  const home = tempHome();
  const ledger = await Ledger.open({ home });
  const budgets = await Budgets.over(ledger, new SpentByScan(await ledger.view()));
  await budgets.set({ limitPico, period: { kind: 'total' } });
  await ledger.close();
  return home;
}

function runSpender(home: string, amounts: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [spender, ...amounts], {
    env: { PATH: process.env.PATH, IF_WITNESS_HOME: home, ...env },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { stdout, stderr, status };
}

describe('a service that spends', () => {
  test.each(['0', '1'])(
    'tells an alert on stderr and as a log event, also as its last act (shutdown: %s)',
    async (shutDown) => {
      const home = await homeWithBudget(USD);
      const { stdout, stderr, status } = runSpender(home, ['0.4', '0.6'], { WITH_LOGS: '1', SHUT_DOWN: shutDown });
      expect(status).toBe(0);
      expect(stderr).toBe('if-witness: error: budget total: spent $1.00 of $1.00 (100.0 %), 100 % reached\n');
      expect(JSON.parse(stdout)).toMatchObject({
        eventName: 'witness.budget.alert',
        severityNumber: 17,
        severityText: 'ERROR',
        attributes: { 'witness.budget.name': 'total', 'witness.budget.spent_usd': '1', 'witness.alert.level': 'error' },
      });
      expect(alertsIn(ledgerOf(home))).toMatchObject([{ level: 'error', spent: '1000000000000' }]);
    },
  );

  test('needs no logs, and says nothing twice after a restart', async () => {
    const home = await homeWithBudget(USD);
    expect(runSpender(home, ['1'])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringContaining('error: budget total'),
    });
    expect(runSpender(home, ['1'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(alertsIn(ledgerOf(home))).toHaveLength(1);
  });

  test('has its alerts delivered from the thread', async () => {
    const home = await homeWithBudget(USD);
    const out = join(home, 'told');
    const command = `printf '%s' "$IF_ALERT_LEVEL" > '${out}'`;
    const destinations = [{ id: '00000001', since: '1', kind: 'exec', command }];
    writeFileSync(join(home, 'alerts.json'), JSON.stringify({ destinations }));
    expect(runSpender(home, ['0.9'], { SHUT_DOWN: '1' })).toMatchObject({ status: 0 });
    expect(spawnSync('cat', [out], { encoding: 'utf8' }).stdout).toBe('warning');
  });

  test('is neither stopped nor silenced by budgets that cannot be judged', async () => {
    const home = await homeWithBudget(USD);
    writeFileSync(join(home, 'alerts.json'), 'no JSON');
    const { status, stderr } = runSpender(home, ['2'], { SHUT_DOWN: '1' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('error: budget total') });
    expect(countSpans(ledgerOf(home))).toBe(1);
  });

  test('without a budget is told nothing', async () => {
    const home = tempHome();
    expect(runSpender(home, ['2'], { WITH_LOGS: '1' })).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
