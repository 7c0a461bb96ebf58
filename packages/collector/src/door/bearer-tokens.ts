/**
 * Who may send: whoever shows one of these tokens as `Authorization: Bearer TOKEN` (RFC 6750). Only digests are kept and
 * compared, all of them every time, so that neither the token's text nor its place in the list shows in the time taken.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** A set of tokens; several, so that a new one can be handed out before the old one ends. */
export class BearerTokens {
  readonly #digests: readonly Buffer[];

  /** @throws TypeError when there is no token, or one that no header can carry; the message never shows a token. */
  constructor(tokens: readonly string[]) {
    if (tokens.length === 0) throw new TypeError('there is no token: write one per line, or leave tokens out');
    for (const [i, token] of tokens.entries()) {
      if (!/^[\x21-\x7e]+$/.test(token)) {
        throw new TypeError(`token ${i + 1} is empty or holds other than visible ASCII characters`);
      }
    }
    this.#digests = tokens.map(sha256);
  }

  /** Whether the value of an `Authorization` header holds one of the tokens. The scheme's case does not matter. */
  allows(authorization: string | undefined): boolean {
    const token = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return false;
    const digest = sha256(token);
    let found = 0;
    for (const known of this.#digests) found |= timingSafeEqual(known, digest) ? 1 : 0;
    return found === 1;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
