/** Scopes of events that people and scripts write themselves: `if-witness log`, and the classes that do what the guide's do. */

const BY_HAND = /^@infrafabric\/(?:cli$|instrumentation-)/;

/** Whether a scope's events are logged by hand. */
export function isByHand(scopeName: string): boolean {
  return BY_HAND.test(scopeName);
}
