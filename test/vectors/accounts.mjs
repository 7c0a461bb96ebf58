/**
 * Usage and charge of the spans in the golden ledgers. They are written out, not read from the spans: how a span is read may
 * improve, the format may not change.
 */
import { sha256Hex } from '@infrafabric/format';
import { draftSpan } from '@infrafabric/ledger';
import * as records from './records.mjs';

export const usage = {
  call: {
    keys: { input: 'gen_ai.usage.input_tokens', model: 'gen_ai.request.model', output: 'gen_ai.usage.output_tokens' },
    model: 'claude-haiku-4.5',
    provider: 'anthropic',
    raw: { input: 100, output: 50 },
    scope: 'demo.instrumentation',
    table: 'vectors',
    tokens: { input: 100, output: 50 },
  },
  child: {
    keys: {
      cache_read: 'gen_ai.usage.cache_read.input_tokens',
      input: 'gen_ai.usage.input_tokens',
      model: 'gen_ai.response.model',
      operation: 'gen_ai.operation.name',
      output: 'gen_ai.usage.output_tokens',
      provider: 'gen_ai.provider.name',
      response: 'gen_ai.response.id',
    },
    marks: ['inferred'],
    model: 'claude-sonnet-4.5',
    operation: 'chat',
    provider: 'anthropic',
    raw: { cache_read: 1403, input: 12315, output: 461 },
    response: 'msg_01',
    scope: 'demo.instrumentation',
    table: 'vectors',
    tokens: { cache_read: 1403, input: 10912, output: 461 },
  },
  frame: { marks: ['estimated'], scope: 'demo.instrumentation', table: 'vectors', units: { frame: '1' } },
  unknown: { marks: ['unknown'], model: 'text-embedding-3-small', provider: 'openai', scope: '', table: 'vectors' },
};

const card = { card: 'vectors', match: 'exact', sha256: sha256Hex('the rate card of the vectors') };
const line = (name, quantity, rate, cost) => ({ class: name, cost, per: '1000000', quantity, rate });
export const computed = {
  cost: '40071900000',
  currency: 'USD',
  rated: {
    ...card,
    cost: '40071900000',
    lines: [
      line('cache_read', '1403', '0.3', '420900000'),
      line('input', '10912', '3', '32736000000'),
      line('output', '461', '15', '6915000000'),
    ],
    model: 'claude-sonnet-4.5',
    tier: 'standard',
  },
  source: 'computed',
};
export const reported = {
  cost: '500000000',
  currency: 'USD',
  key: 'witness.cost.usd',
  rated: {
    ...card,
    cost: '87500000',
    lines: [line('input', '100', '0.25', '25000000'), line('output', '50', '1.25', '62500000')],
    model: 'claude-haiku-4.5',
  },
  source: 'reported',
};
export const estimated = { cost: '1000000', currency: 'USD', key: 'witness.cost.usd', source: 'estimated' };
export const unpriced = { source: 'unpriced' };

/** The draft of a record with this usage and charge, whatever the record says of them. */
export function fixed(record, usage, charge) {
  const draft = draftSpan(record);
  const { usage: _usage, charge: _charge, ...body } = draft.body;
  return { ...draft, body: { ...body, ...(usage && { usage }), ...(charge && { charge }) } };
}

/** What the command line makes of one event. */
export const call = fixed(records.call, usage.call, reported);
