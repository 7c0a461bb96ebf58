/** The tables of docs/conventions.md, made from the data that spans are read with, so that neither drifts from the other. */
import { ATTRIBUTE_TABLE, JSON_CONDITIONS, JSON_SOURCES, RESPONSE_ID_KEYS } from '@infrafabric/accounting';

const code = (text: string): string => `\`${text}\``;

/** Field → keys, in order. */
export function attributeTable(): string {
  const rows = Object.entries(ATTRIBUTE_TABLE).map(
    ([field, keys]) => `| ${code(field)} | ${keys.map(code).join(', ')} |`,
  );
  return ['| field | keys, in order |', '| --- | --- |', ...rows].join('\n');
}

const SHAPES = {
  inclusive: 'input with cache',
  provider: 'the provider’s own',
  langfuse: '`input` without cache, `output` without reasoning; with `prompt_tokens` or `input_tokens`, OpenAI’s',
} as const;

/** JSON sources, in order. */
export function sourceTable(): string {
  const rows = JSON_SOURCES.map(({ key, at, shape, onlyCalls, onlyIf }) => {
    const places = at.map(({ path }) => (path.length === 0 ? 'itself' : code(path.join('.')))).join(', ');
    const conditions = [onlyIf && JSON_CONDITIONS[onlyIf], onlyCalls && 'model calls'].filter(Boolean).join('; ');
    return `| ${code(key)} | ${places} | ${SHAPES[shape]} | ${conditions} |`;
  });
  return ['| attribute | where in it | shape | only on |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** Attributes in which a response id is looked for. */
export function responseIdList(): string {
  return RESPONSE_ID_KEYS.map(code).join(', ');
}
