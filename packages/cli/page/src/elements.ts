/**
 * Elements with text in them. Text is only ever set as text, never as markup: it comes from spans, and can hold anything.
 */
import { escapeText } from '../../src/escape.js';

/** A child: an element, or text that is shown with everything visible that would not be. */
export type Child = Node | string | undefined;

/** An element with a class and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  for (const child of children) if (child !== undefined) made.append(typeof child === 'string' ? shown(child) : child);
  return made;
}

/** Text without anything that acts, hides or turns around. */
export function shown(text: string): string {
  return escapeText(text);
}

/** An element of the page that is known to be there. */
export function byId<E extends HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}
