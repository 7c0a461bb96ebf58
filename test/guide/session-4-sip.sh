#!/bin/bash
# From the CLI Integration Guide, version 1.0 of 2025-11-11, "Usage: Complete SIP Call Flow".
# Word for word, but for the name of the program and `set -eu`.
set -eu
# Session 4: SIP Call Flow with Hash Verification and Export

LOCAL_URI="sip:alice@example.com"
REMOTE_URI="sip:bob@example.com"
TRACE_ID="sip-call-$(date +%s)"

# 1. Send INVITE
if-witness log \
  --event "sip_invite_sent" \
  --component "IF.witness.sip" \
  --trace-id "$TRACE_ID" \
  --payload "{
    \"local_uri\": \"$LOCAL_URI\",
    \"remote_uri\": \"$REMOTE_URI\",
    \"cseq\": 1
  }" \
  --tokens-in 300 \
  --tokens-out 150 \
  --cost 0.0005

# 2. Receive 100 Trying
if-witness log \
  --event "sip_100_trying" \
  --component "IF.witness.sip" \
  --trace-id "$TRACE_ID" \
  --payload "{\"remote_uri\": \"$REMOTE_URI\"}" \
  --tokens-in 100 \
  --tokens-out 50 \
  --cost 0.0002

# 3. Receive 180 Ringing
if-witness log \
  --event "sip_180_ringing" \
  --component "IF.witness.sip" \
  --trace-id "$TRACE_ID" \
  --payload "{\"remote_uri\": \"$REMOTE_URI\"}" \
  --tokens-in 100 \
  --tokens-out 50 \
  --cost 0.0002

# 4. Receive 200 OK
if-witness log \
  --event "sip_200_ok" \
  --component "IF.witness.sip" \
  --trace-id "$TRACE_ID" \
  --payload "{\"remote_uri\": \"$REMOTE_URI\", \"sdp_answer_hash\": \"9c2f5d1e...\"}" \
  --tokens-in 200 \
  --tokens-out 100 \
  --cost 0.0003

# 5. Send ACK
if-witness log \
  --event "sip_ack_sent" \
  --component "IF.witness.sip" \
  --trace-id "$TRACE_ID" \
  --payload "{\"remote_uri\": \"$REMOTE_URI\"}" \
  --tokens-in 100 \
  --tokens-out 50 \
  --cost 0.0002

# 6. Dialog established (call active)
if-witness log \
  --event "sip_dialog_established" \
  --component "IF.witness.sip" \
  --trace-id "$TRACE_ID" \
  --payload "{
    \"local_uri\": \"$LOCAL_URI\",
    \"remote_uri\": \"$REMOTE_URI\",
    \"audio_codec\": \"G.711\",
    \"media_active\": true
  }" \
  --tokens-in 150 \
  --tokens-out 75 \
  --cost 0.0003

# ... Call is active (typically 30 seconds to 1 hour) ...

# 7. Send BYE (call ends)
if-witness log \
  --event "sip_bye_sent" \
  --component "IF.witness.sip" \
  --trace-id "$TRACE_ID" \
  --payload "{
    \"remote_uri\": \"$REMOTE_URI\",
    \"duration_seconds\": 300
  }" \
  --tokens-in 100 \
  --tokens-out 50 \
  --cost 0.0002

# View complete call trace
if-witness trace "$TRACE_ID"

# Check call costs
if-witness cost --trace-id "$TRACE_ID"

# Export call log for compliance
if-witness export \
  --format json \
  --output "sip-call-${TRACE_ID}.json"

# Verify hash chain integrity
if-witness verify
