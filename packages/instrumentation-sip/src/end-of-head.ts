/** Where the head of a message ends and its body begins (RFC 3261 §7), in text and in octets alike. */

/** Start line and headers may have this many characters; nothing beyond is looked at. */
export const MAX_HEAD_LENGTH = 65_536;

/** Place behind the empty line; the length when there is none. */
export function endOfHeadInText(text: string): number {
  const from = skipLeadingLines(text.length, (at) => text.charCodeAt(at));
  const strict = text.indexOf('\r\n\r\n', from);
  const lenient = text.indexOf('\n\n', from);
  if (lenient >= 0 && (strict < 0 || lenient < strict)) return lenient + 2;
  return strict < 0 ? text.length : strict + 4;
}

/** The same in octets. */
export function endOfHeadInOctets(octets: Uint8Array): number {
  const from = skipLeadingLines(octets.length, (at) => octets[at]!);
  // The typed array's own search looks at many octets at once.
  let at = octets.indexOf(0x0a, from);
  while (at >= 0 && at <= MAX_HEAD_LENGTH) {
    if (octets[at + 1] === 0x0a) return at + 2;
    if (octets[at + 1] === 0x0d && octets[at + 2] === 0x0a && octets[at - 1] === 0x0d && at > from) return at + 3;
    at = octets.indexOf(0x0a, at + 1);
  }
  return octets.length;
}

/** Empty lines before the start line are to be ignored (§7.5); keep-alives are nothing else. */
function skipLeadingLines(length: number, codeAt: (at: number) => number): number {
  let at = 0;
  while (at < length && at < MAX_HEAD_LENGTH && (codeAt(at) === 0x0d || codeAt(at) === 0x0a)) at++;
  return at;
}
