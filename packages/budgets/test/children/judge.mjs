/** Judges the budgets of a home and prints how many alerts this process gave: `node judge.mjs HOME`. */
import { judgeAndAlert, openSpent } from '@infrafabric/budgets';
import { Ledger } from '@infrafabric/ledger';

const [home] = process.argv.slice(2);
const ledger = await Ledger.open({ home, timeoutMs: 120_000 });
const spent = openSpent(await ledger.view(), home);
const alerts = await judgeAndAlert(ledger, spent);
spent.close();
await ledger.close();
process.stdout.write(String(alerts.length));
