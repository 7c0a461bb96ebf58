/** The provider's response id inside the text of an answer, for producers that give it no attribute of its own. */

/** Characters of an answer that are searched. Ids stand at the beginning of what providers send. */
const MAX_SEARCHED_CHARS = 65_536;
/** Anthropic's message ids go on with 01; OpenAI's `msg_…` are parts of a response. */
const NAMED_ID = /\s{0,4}:\s{0,4}"((?:chatcmpl-|resp_|msg_(?:bdrk_|vrtx_)?01)[A-Za-z0-9_-]{1,200})"/y;

/**
 * The id of the one response that a text shows: `"id": "chatcmpl-…"`, `"resp_…"` or `"msg_01…"`. Undefined when there is none, or
 * ids of several responses, as in a conversation.
 */
export function responseIdIn(text: string): string | undefined {
  let found: string | undefined;
  for (let at = text.indexOf('"id"'); at >= 0 && at < MAX_SEARCHED_CHARS; at = text.indexOf('"id"', at + 4)) {
    NAMED_ID.lastIndex = at + 4;
    const id = NAMED_ID.exec(text)?.[1];
    if (id === undefined || id === found) continue;
    if (found !== undefined) return undefined;
    found = id;
  }
  return found;
}
