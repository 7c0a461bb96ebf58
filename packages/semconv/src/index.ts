/**
 * Attribute and baggage names of a witness ledger: one line each, with its unit and an example. Everything else uses the
 * names of the OpenTelemetry semantic conventions.
 */

/** Business trace id, any text; also the baggage key that carries it between processes. E.g. `session-flow-001`. */
export const WITNESS_TRACE_ID = 'witness.trace.id';

/** Business trace id of the flow that this one belongs to; also a baggage key. E.g. `user-request-123`. */
export const WITNESS_TRACE_PARENT_ID = 'witness.trace.parent_id';

/** Part of the system that the event belongs to. E.g. `IF.witness.sip`. */
export const WITNESS_COMPONENT = 'witness.component';

/** The event's own data, as JSON text. E.g. `{"frame":42}`. */
export const WITNESS_PAYLOAD = 'witness.payload';

/** Cost that the caller states, decimal US dollars as text, exact to 10⁻¹². E.g. `0.0005`. */
export const WITNESS_COST_USD = 'witness.cost.usd';

/** `true` where tokens and cost are constants or guesses of the caller, not measurements. */
export const WITNESS_COST_ESTIMATED = 'witness.cost.estimated';

/** Prefix of quantities that are not tokens, decimal text or integer; the rest is the unit. E.g. `witness.units.minute`. */
export const WITNESS_UNITS_PREFIX = 'witness.units.';

/** Baggage members that a witness copies to attributes of every span it starts under. */
export const WITNESS_BAGGAGE_KEYS: readonly string[] = [WITNESS_TRACE_ID, WITNESS_TRACE_PARENT_ID];
