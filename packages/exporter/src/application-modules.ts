/**
 * Modules of the application that is about to start: which SDK it has is its affair, so ours must be the same copy. Looked
 * for beside the program, in the working directory, then here.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

/** Where a module is, as the program itself would find it; undefined when it is not installed. */
export function findModule(name: string, alsoFrom: readonly (string | undefined)[] = []): string | undefined {
  const program = process.argv[1];
  const places = [...alsoFrom, program && resolve(program), join(process.cwd(), 'program.js'), import.meta.url];
  for (const place of places) {
    if (!place) continue;
    try {
      return createRequire(place).resolve(name);
    } catch {
      // Not from there.
    }
  }
  return undefined;
}

/** Loads what {@link findModule} finds. @throws whatever loading throws. */
export function loadModule<T>(name: string, alsoFrom: readonly (string | undefined)[] = []): T | undefined {
  const path = findModule(name, alsoFrom);
  return path === undefined ? undefined : (createRequire(path)(path) as T);
}
