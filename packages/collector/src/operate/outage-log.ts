/** The ledger stops taking spans, or takes them again: in the log, and in the readiness. */
import { isRetryable, type LedgerError } from '@infrafabric/ledger';
import type { Health } from './health.js';
import type { Log } from './log.js';

/** For `LedgerIntakeOptions.onOutage`. */
export function outageLog(log: Log, health: Health): (outage: LedgerError | undefined) => void {
  return (outage) => {
    health.setOutage(outage);
    if (outage === undefined) log.limited('info', 'ledger.available', 'the ledger takes spans again');
    // Of one that must be mended a start fails, which says why.
    else if (health.phase !== 'starting' || isRetryable(outage)) {
      const { code, message, hint } = outage;
      log.limited('error', 'ledger.unavailable', `${message}; senders are asked to come back`, { code, hint });
    }
  };
}
