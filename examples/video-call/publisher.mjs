/**
 * Publishes a camera's frames, twenty-five a second. The sender has the shape of an NDI sender (`grandiose`) and sends nowhere: the NDI
 * SDK is proprietary. What is witnessed is what was handed to it: every frame hashed, a root over each window of half a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { instrumentSender, ndiStreamOf, verifyFrame } from '@infrafabric/instrumentation-ndi';
import { callIsOver, runChildFlow, tell } from './child-flow.mjs';

const [xres, yres, framesPerSecond] = [640, 360, 25];
const proved = 7;

await runChildFlow('ndi-stream', async (traceId) => {
  const sender = instrumentSender(newSender('IF.yologuard.01'));
  const stream = ndiStreamOf(sender);
  let isOver = false;
  callIsOver().then(() => {
    isOver = true;
  });

  const start = performance.now();
  let frameNumber = 0;
  for (; !isOver; frameNumber++) {
    await sender.video(frameOf(frameNumber));
    if (frameNumber === framesPerSecond) tell({ traceId });
    await sleep(Math.max(0, start + ((frameNumber + 1) * 1_000) / framesPerSecond - performance.now()));
  }
  await sender.destroy();
  await stream.close();

  // Any one frame can be proven against the root that is in the ledger; a changed one cannot.
  const proof = stream.proof(proved);
  const frame = frameOf(proved);
  const changed = frameOf(proved);
  changed.data[1000] ^= 1;
  tell({
    frames: frameNumber,
    proof,
    isProved: verifyFrame(frame.data, frame, proof, proof.rootHex),
    isChangedOneProved: verifyFrame(changed.data, changed, proof, proof.rootHex),
  });
});

function newSender(name) {
  return {
    name,
    video: async () => {},
    audio: async () => {},
    connections: () => 1,
    tally: () => ({ on_program: true, on_preview: false }),
    destroy: async () => {},
  };
}

/** A picture with a bar that moves: UYVY, two octets a pixel. */
function frameOf(frameNumber) {
  const lineStrideBytes = xres * 2;
  const data = Buffer.alloc(lineStrideBytes * yres, Buffer.from([128, 16]));
  const bar = ((frameNumber * 8) % lineStrideBytes) & ~3;
  for (let line = 0; line < yres; line++) {
    data.fill(235, line * lineStrideBytes + bar, line * lineStrideBytes + Math.min(bar + 32, lineStrideBytes));
  }
  return {
    xres,
    yres,
    frameRateN: framesPerSecond * 1_000,
    frameRateD: 1_000,
    fourCC: 0x59565955,
    pictureAspectRatio: xres / yres,
    frameFormatType: 1,
    lineStrideBytes,
    data,
  };
}
