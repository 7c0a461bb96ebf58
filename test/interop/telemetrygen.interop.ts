import { beforeEach, expect, test } from 'vitest';
import { telemetrygen } from './peer-programs.js';
import { Stage } from './stage.js';
import { Witness } from './witness.js';

let stage: Stage;
beforeEach((context) => {
  telemetrygen.need(context);
  stage = new Stage();
  return () => stage.close();
});

test.each(['telemetrygen-http', 'telemetrygen-grpc'])('every span of %s is in the ledger', async (block) => {
  const witness = await Witness.start(stage, 'collect');
  expect(await stage.run(await stage.recipe(block))).toMatchObject({ exitCode: 0 });
  const spans = witness.spans();
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(200);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(200 * 5);
  expect(spans).toHaveLength(200 * 5);
  witness.expectValid();
});
