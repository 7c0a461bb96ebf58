/** Log lines reach terminals: characters that a terminal acts on, or does not show, are written out. */

const HOSTILE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** For text lines: `\u{1b}` for ESC, and so on. */
export function escapeText(text: string): string {
  return text.replace(HOSTILE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** For finished one-line JSON, without change of meaning: such characters stand in its strings only. */
export function escapeJson(json: string): string {
  return json.replace(HOSTILE, (char) => {
    let escaped = '';
    for (let i = 0; i < char.length; i++) escaped += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}
