/**
 * Text from spans, files and arguments before it reaches a terminal. It can hold anything: cursor movements, colours,
 * overrides of the reading direction that make one name look like another, line breaks that forge a line of output.
 */

/**
 * C0 and C1 controls and DEL; soft hyphen; bidi marks, embeddings, overrides and isolates; zero-width and other invisible
 * format characters; line and paragraph separators; byte order mark; tags; lone surrogates.
 */
const HOSTILE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** The text with every character that a terminal could act on, or not show, as visible `\u{1b}`. */
export function escapeText(text: string): string {
  return text.replace(HOSTILE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** The same for text of several lines that is ours to break: newlines stay. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeText).join('\n');
}

/**
 * The same for finished JSON, without loss: outside its strings JSON holds none of these characters but line breaks, and
 * inside them `\u001b` means the same.
 */
export function escapeJson(json: string): string {
  return json.replace(HOSTILE, (char) => {
    if (char === '\n') return char;
    let escaped = '';
    for (let i = 0; i < char.length; i++) escaped += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}
