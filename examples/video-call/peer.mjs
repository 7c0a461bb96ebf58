/**
 * Two WebRTC peers on loopback, of werift: offer, answer, ICE, DTLS, a data channel. The called one is watched; the calling
 * one logs by hand, with the tokens and costs of the guide, as estimates.
 */
import { once } from 'node:events';
import { businessIdsOf } from '@infrafabric/events';
import { instrumentPeerConnection, WebRtcWitness } from '@infrafabric/instrumentation-webrtc';
import { context } from '@opentelemetry/api';
import { RTCPeerConnection } from 'werift';
import { callIsOver, runChildFlow, tell } from './child-flow.mjs';

await runChildFlow('webrtc-peer', async (traceId) => {
  const [alice, bob] = [newPeer(), newPeer()];
  const watched = instrumentPeerConnection(bob, { peerId: 'bob', remotePeerId: 'alice' });
  const witness = new WebRtcWitness('alice', { ...businessIdsOf(context.active()), remotePeerId: 'bob' });

  const candidates = [];
  alice.addEventListener('icecandidate', ({ candidate }) => {
    if (!candidate) return;
    candidates.push(candidate);
    bob.addIceCandidate(candidate);
  });
  bob.addEventListener('icecandidate', ({ candidate }) => candidate && alice.addIceCandidate(candidate));
  let state = alice.iceConnectionState;
  alice.addEventListener('iceconnectionstatechange', () => {
    if (alice.iceConnectionState === state) return;
    witness.logConnectionStateChange(state, alice.iceConnectionState);
    state = alice.iceConnectionState;
  });

  const channel = alice.createDataChannel('media');
  const isOpen = once(channel, 'open');
  const offer = await alice.createOffer();
  witness.logSdpOffer(offer.sdp, { audio: false, video: false, data: true });
  await alice.setLocalDescription(offer);
  await bob.setRemoteDescription(offer);
  const answer = await bob.createAnswer();
  await bob.setLocalDescription(answer);
  await alice.setRemoteDescription(answer);
  witness.logSdpAnswer(answer.sdp);
  await isOpen;
  witness.logIceCandidatesSummary(candidates);
  witness.logMediaStreamReady(false, true, '640x360');
  tell({ traceId });

  await callIsOver();
  await alice.close();
  witness.close();
  await bob.close();
  await watched.ended;
});

function newPeer() {
  return new RTCPeerConnection({ iceUseIpv6: false, iceServers: [], iceAdditionalHostAddresses: ['127.0.0.1'] });
}
