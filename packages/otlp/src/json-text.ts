/** JSON text from plain values, as `JSON.stringify` writes it, but for two things that it loses or lets through. */

/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Like `JSON.stringify(value, null, indent)`, but -0 stays -0 and a lone surrogate becomes U+FFFD. */
export function writeJson(value: JsonValue, indent: number): string {
  return write(value, ' '.repeat(indent), indent > 0 ? '\n' : '');
}

function write(value: JsonValue, indent: string, newline: string): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = newline + indent;
  if (Array.isArray(value)) {
    return enclose(
      '[',
      (value as readonly JsonValue[]).map((element) => write(element, indent, inner)),
      ']',
      newline,
      inner,
    );
  }
  const colon = newline === '' ? ':' : ': ';
  const members = Object.entries(value).map(
    ([key, member]) => `${write(key, indent, inner)}${colon}${write(member, indent, inner)}`,
  );
  return enclose('{', members, '}', newline, inner);
}

function enclose(open: string, parts: readonly string[], close: string, newline: string, inner: string): string {
  return parts.length === 0 ? open + close : open + inner + parts.join(`,${inner}`) + newline + close;
}
