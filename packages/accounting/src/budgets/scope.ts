/** Which spans a budget is for. All of its dimensions must hold, each by its exact text. */

/** Dimensions that are signed in clear. */
export const PUBLIC_SCOPES = ['business', 'component', 'model', 'provider', 'service'] as const;

/** Dimensions that may name a person: kept in an erasable payload. */
export const PRIVATE_SCOPES = ['session', 'tenant', 'user'] as const;

/** A dimension of a scope. `business` is the business trace id. */
export type ScopeName = (typeof PUBLIC_SCOPES)[number] | (typeof PRIVATE_SCOPES)[number];

/** Exact texts by dimension; empty for a budget of everything. */
export type Scope = Readonly<Partial<Record<ScopeName, string>>>;

/** All dimensions, in the order in which they are shown. */
export const SCOPES: readonly ScopeName[] = [...PUBLIC_SCOPES, ...PRIVATE_SCOPES];

/** Whether something with these texts is in the scope. */
export function isInScope(scope: Scope, texts: Scope): boolean {
  return SCOPES.every((name) => scope[name] === undefined || scope[name] === texts[name]);
}

/** One text for each scope, to compare them by. */
export function scopeKey(scope: Scope): string {
  return JSON.stringify(SCOPES.map((name) => scope[name] ?? null));
}
