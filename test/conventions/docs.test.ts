import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ATTRIBUTE_TABLE_VERSION } from '@infrafabric/accounting';
import { expect, test } from 'vitest';
import { attributeTable, responseIdList, sourceTable } from './tables.js';

const text = readFileSync(join(import.meta.dirname, '../../docs/conventions.md'), 'utf8');

test('docs/conventions.md shows the tables that are used', () => {
  expect(text).toContain(`\n${attributeTable()}\n`);
  expect(text).toContain(`\n${sourceTable()}\n`);
  expect(text).toContain(responseIdList());
  expect(text).toContain(`\`${ATTRIBUTE_TABLE_VERSION}\``);
});
