/**
 * Who a span belongs to: session, user, agent, tool. Apart from usage because these may have to be erased, so they are
 * never part of what is signed in clear.
 */
import { ATTRIBUTE_TABLE } from './attribute-table.js';
import { type Attributes, readText } from './attribute-value.js';
import { AttributeFinder } from './found-attributes.js';

/** Texts of at most 512 octets; absent where the span does not say. */
export interface Labels {
  readonly session?: string;
  readonly user?: string;
  readonly agent?: string;
  readonly tool?: string;
}

const LABELS = ['session', 'user', 'agent', 'tool'] as const;

const { session, user, agent, tool } = ATTRIBUTE_TABLE;
const FINDER = new AttributeFinder({ session, user, agent, tool, kind: ['traceloop.span.kind'] });

/** The labels of a span, by the first key of the table that has text. Never throws. */
export function labelsOf(attributes: Attributes): Labels {
  const found = FINDER.find(attributes);
  if (found === undefined) return {};
  const kind = found.first('kind', (value) => readText(value))?.value;
  const labels: { -readonly [Label in keyof Labels]: Labels[Label] } = {};
  for (const label of LABELS) {
    // This key names an agent, a tool, a task or a workflow: whatever the kind says.
    const text = found.first(label, (value, key) =>
      key === 'traceloop.entity.name' && kind !== label ? undefined : readText(value),
    );
    if (text !== undefined) labels[label] = text.value;
  }
  return labels;
}
