/** A method of one instance with something around it, and without it again. */
import { member } from './peer-connection.js';

/**
 * Puts `around` around a method of `of`; does nothing where there is no such method. The method keeps its `this`, its
 * arguments, its result and what it throws, as long as `around` returns what `proceed` returns.
 * @returns takes it away again
 * @throws TypeError for an object that cannot be changed
 */
export function hookMethod(of: object, name: string, around: (proceed: () => unknown) => unknown): () => void {
  const original = member(of, name);
  if (typeof original !== 'function') return () => {};
  const own = Object.getOwnPropertyDescriptor(of, name);
  function hooked(this: unknown, ...args: unknown[]): unknown {
    return around(() => Reflect.apply(original as () => unknown, this, args));
  }
  Object.defineProperty(of, name, { value: hooked, configurable: true, writable: true });
  return () => {
    // Somebody else may have hooked it since: then ours stays below theirs.
    if (member(of, name) !== hooked) return;
    if (own === undefined) Reflect.deleteProperty(of, name);
    else Object.defineProperty(of, name, own);
  };
}
