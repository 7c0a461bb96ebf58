import type { AccountedSpan, Attributes, AttributeValue } from '@infrafabric/accounting';

/** A span with these attributes; `scopeName` and `statusCode` as given, else '' and 0. */
export function span(
  attributes: Readonly<Record<string, AttributeValue>> | Attributes,
  rest: Partial<Pick<AccountedSpan, 'scopeName' | 'statusCode'>> = {},
): AccountedSpan {
  const list = Array.isArray(attributes) ? (attributes as Attributes) : Object.entries(attributes as object);
  return { attributes: list, scopeName: '', statusCode: 0, ...rest };
}

/** What each class of tokens is called here, with an input that includes the cache. */
export function call(counts: {
  readonly input?: AttributeValue;
  readonly output?: AttributeValue;
  readonly read?: AttributeValue;
  readonly write?: AttributeValue;
  readonly reasoning?: AttributeValue;
  readonly total?: AttributeValue;
}): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = { 'gen_ai.response.model': 'some-model' };
  const keys = {
    input: 'gen_ai.usage.input_tokens',
    output: 'gen_ai.usage.output_tokens',
    read: 'gen_ai.usage.cache_read.input_tokens',
    write: 'gen_ai.usage.cache_creation.input_tokens',
    reasoning: 'gen_ai.usage.reasoning.output_tokens',
    total: 'gen_ai.usage.total_tokens',
  } as const;
  for (const [name, key] of Object.entries(keys)) {
    const value = counts[name as keyof typeof keys];
    if (value !== undefined) attributes[key] = value;
  }
  return attributes;
}
