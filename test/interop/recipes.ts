/** The blocks of docs/recipes.md by their names, so that what is documented is what runs. */
import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
const blocks = new Map(
  [...page.matchAll(/^```(\w+) (\S+)\n([\s\S]*?)^```$/gm)].map(([, , name, text]) => [name!, text!] as const),
);

/** Names of all blocks: what follows the language in a block's first line. */
export const recipeNames: readonly string[] = [...blocks.keys()];

/** The text of a block, verbatim. @throws Error where the page has none of that name */
export function recipe(name: string): string {
  const text = blocks.get(name);
  if (text === undefined) throw new Error(`docs/recipes.md has no block named ${name}`);
  return text;
}
