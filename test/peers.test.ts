import { afterEach, describe, expect, test, vi } from 'vitest';
import { peer } from './peers.js';

const node = peer('node', [process.execPath, '--version']);
const absent = peer('nonesuch', ['nonesuch-3f9a', '--version']);
const refuses = peer('refuses', [process.execPath, '-e', 'process.exit(3)']);

/** Records what a test would be told. */
function skippable(): { readonly notes: string[]; skip(note?: string): never } {
  const notes: string[] = [];
  return {
    notes,
    skip(note) {
      notes.push(note ?? '');
      return undefined as never;
    },
  };
}

describe('a peer', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('that is there lets the test go on, and says its version', () => {
    vi.stubEnv('REQUIRE_PEERS', '1');
    expect(node).toMatchObject({ present: true, version: process.version });
    node.need(skippable());
  });

  test.each([absent, refuses])('that is absent skips the test by name: $name', (gone) => {
    vi.stubEnv('REQUIRE_PEERS', '');
    const context = skippable();
    gone.need(context);
    expect(context.notes).toEqual([expect.stringContaining(`${gone.name} is not there`)]);
  });

  test.each([absent, refuses])('that is absent fails the test when peers are required: $name', (gone) => {
    vi.stubEnv('REQUIRE_PEERS', '1');
    expect(() => gone.need(skippable())).toThrow(`${gone.name} is not there`);
  });
});
