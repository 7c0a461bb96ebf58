/** What a sender threw, as two bounded texts. It may be anything, also something that throws when it is looked at. */

const MAX_TYPE_CHARS = 64;
const MAX_MESSAGE_CHARS = 256;

/** `type` is the error's code, else its name, else `send_failed`. */
export function errorOf(thrown: unknown): { readonly type: string; readonly message: string } {
  try {
    const { code, name, message } = (thrown ?? {}) as { code?: unknown; name?: unknown; message?: unknown };
    return {
      type:
        bounded(typeof code === 'number' ? String(code) : code, MAX_TYPE_CHARS) ??
        bounded(name, MAX_TYPE_CHARS) ??
        'send_failed',
      message: bounded(message, MAX_MESSAGE_CHARS) ?? bounded(thrown, MAX_MESSAGE_CHARS) ?? '',
    };
  } catch {
    return { type: 'send_failed', message: '' };
  }
}

function bounded(text: unknown, chars: number): string | undefined {
  return typeof text === 'string' && text !== '' ? text.slice(0, chars).toWellFormed() : undefined;
}
