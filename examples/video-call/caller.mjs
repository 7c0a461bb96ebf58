/**
 * A SIP call over UDP on loopback, by the npm package `sip`: INVITE, 100, 180, 200, ACK, BYE, 200. The called one is watched on
 * the wire; the calling one logs by hand, with the tokens and costs of the guide, as estimates, and a hash chain of its own.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { observingSipLogger, SipObserver, SipWitness } from '@infrafabric/instrumentation-sip';
import sip from 'sip';
import { runChildFlow, tell } from './child-flow.mjs';

const sdp = (port) =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`;

await runChildFlow('sip-call', async (traceId) => {
  const [aliceEnd, bobEnd] = [await freeEnd(), await freeEnd()];
  const [aliceUri, bobUri] = [uriOf('alice', aliceEnd), uriOf('bob', bobEnd)];
  const callId = `${traceId}@127.0.0.1`;

  const observer = new SipObserver();
  // The package sends nothing to an address that it takes for its own.
  const own = { tcp: false, publicAddress: 'localhost' };
  const bob = sip.create({ ...bobEnd, ...own, logger: observingSipLogger(observer, bobEnd) }, (request) => {
    if (request.method === 'INVITE') answer(bob, request, bobUri, bobEnd.port);
    else if (request.method === 'BYE') bob.send(sip.makeResponse(request, 200, 'OK'));
  });
  const alice = sip.create({ ...aliceEnd, ...own }, () => {});

  const witness = new SipWitness({ localUri: aliceUri, remoteUri: bobUri, callId });
  const dialog = await invite(alice, witness, { aliceUri, bobUri, callId });
  witness.dialogEstablished('PCMU');
  const established = performance.now();
  await sleep(400);

  const isOver = request(alice, { ...dialog, method: 'BYE', cseq: 2 });
  witness.sendBye((performance.now() - established) / 1_000);
  await isOver;
  const isIntact = await witness.verifyCallIntegrity();
  tell({ traceId, isIntact });

  alice.destroy();
  bob.destroy();
  observer.close();
});

/** Bob's phone: rings, then is picked up. */
async function answer(bob, request, bobUri, port) {
  const response = (status, reason) => {
    const made = sip.makeResponse(request, status, reason);
    if (status > 100) made.headers.to.params.tag = 'bob';
    return made;
  };
  bob.send(response(100, 'Trying'));
  await sleep(30);
  bob.send(response(180, 'Ringing'));
  await sleep(120);
  const accepted = response(200, 'OK');
  accepted.headers.contact = [{ uri: bobUri }];
  accepted.headers['content-type'] = 'application/sdp';
  accepted.content = sdp(port);
  bob.send(accepted);
}

/** Alice's phone: calls, and settles when she has acknowledged the answer. */
async function invite(alice, witness, { aliceUri, bobUri, callId }) {
  const offer = sdp(sip.parseUri(aliceUri).port);
  const dialog = { uri: bobUri, from: { uri: aliceUri, params: { tag: 'alice' } }, to: { uri: bobUri }, callId };
  const contact = [{ uri: aliceUri }];
  witness.sendInvite(offer);
  const accepted = await request(
    alice,
    { ...dialog, method: 'INVITE', cseq: 1, contact, content: offer },
    (response) => {
      if (response.status === 100) witness.receive100Trying();
      if (response.status === 180) witness.receive180Ringing();
      if (response.status === 200) witness.receive200Ok(response.content);
    },
  );
  dialog.to = accepted.headers.to;
  alice.send(messageOf({ ...dialog, method: 'ACK', cseq: 1 }));
  witness.sendAck();
  return dialog;
}

/** Sends a request; settles at its final response. */
function request(alice, message, onResponse = () => {}) {
  return new Promise((resolve) => {
    let isFinal = false;
    alice.send(messageOf(message), (response) => {
      if (isFinal) return;
      isFinal = response.status >= 200;
      onResponse(response);
      if (isFinal) resolve(response);
    });
  });
}

function messageOf({ method, uri, from, to, callId, cseq, contact, content }) {
  const headers = { from, to, 'call-id': callId, cseq: { method, seq: cseq }, 'max-forwards': 70 };
  if (contact !== undefined) headers.contact = contact;
  if (content !== undefined) headers['content-type'] = 'application/sdp';
  return { method, uri, headers, ...(content === undefined ? {} : { content }) };
}

function uriOf(user, { address, port }) {
  return `sip:${user}@${address}:${port}`;
}

/** The package listens on 5060 when it is told 0: so a port that is free is asked for first. */
async function freeEnd() {
  const socket = createSocket('udp4');
  await once(socket.bind(0, '127.0.0.1'), 'listening');
  const { address, port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return { address, port };
}
