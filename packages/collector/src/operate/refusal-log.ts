/** Requests that doors refused: counted each, logged once a minute for each status. */
import type { Counts } from './counts.js';
import type { Log } from './log.js';
import type { Refused } from './open-doors.js';

/** For `Behind.onRefused`. */
export function refusalLog(log: Log, counts: Counts): (refused: Refused) => void {
  return ({ transport, status, message, remoteAddress }) => {
    counts.answered(transport, status);
    const what = transport === 'http' ? `HTTP ${status}` : `gRPC status ${status}`;
    const fields = { transport, code: `${transport}.${status}`, remote: remoteAddress };
    log.limited('warn', 'request.refused', `a request was answered with ${what}: ${withoutBody(message)}`, fields);
  };
}

/** V8 quotes what it could not parse: the sender may have it back, the log must not. */
function withoutBody(message: string): string {
  return message.replace(/^not JSON\b.*/s, 'not JSON');
}
