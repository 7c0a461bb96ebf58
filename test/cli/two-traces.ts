/** A ledger with two traces, `call` and `web`, whose entries take turns. */
import { Home } from './run.js';

/** Five spans with payloads, a model and tokens, in a home of their own. */
export function twoTraces(): Home {
  const home = new Home();
  for (const [event, trace] of [
    ['invite', 'call'],
    ['page', 'web'],
    ['ringing', 'call'],
    ['image', 'web'],
    ['bye', 'call'],
  ] as const)
    home.log(event, trace, '--payload', `{"of": "${event}"}`, '--model', 'gpt-4o', '--tokens-in', '5');
  return home;
}
