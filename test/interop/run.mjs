#!/usr/bin/env node
/** `node test/interop/run.mjs NAME…`: runs if-witness with programs from elsewhere, as docs/recipes.md configures them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startVitest } from 'vitest/node';

const ending = '.interop.ts';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(ending))
  .map((file) => file.slice(0, -ending.length));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !names.includes(name));
if (asked.length === 0 || unknown.length > 0) {
  for (const name of unknown) console.error(`there is no ${name}`);
  console.error(`usage: node test/interop/run.mjs ${names.join('|')} …`);
  process.exit(2);
}

const vitest = await startVitest('test', [], {
  root: join(import.meta.dirname, '../..'),
  include: asked.map((name) => `test/interop/${name}${ending}`),
  reporters: ['verbose'],
  // Ports and two cores are shared.
  fileParallelism: false,
  watch: false,
});
await vitest.close();
