/** Numbers as people read them. */

/** `1,234`. */
export function number(n: number | bigint): string {
  return n.toLocaleString('en');
}

/** `1 span`, `1,234 spans`; `2 entries`, where `many` says so. */
export function counted(n: number | bigint, one: string, many = `${one}s`): string {
  return `${number(n)} ${Number(n) === 1 ? one : many}`;
}
