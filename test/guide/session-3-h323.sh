#!/bin/bash
# From the CLI Integration Guide, version 1.0 of 2025-11-11, "Usage: H.323 Session with Cost Tracking".
# Word for word, but for the name of the program and `set -eu`.
set -eu
# Session 3: H.323 Admission Control with Cost Tracking

ENDPOINT_ID="h323-endpoint-001"
CALL_ID="call-2025-11-11-001"
TRACE_ID="h323-${CALL_ID}"

# Set monthly budget for H.323
if-optimise budget \
  --set 500.0 \
  --period month

# Request admission
if-witness log \
  --event "h323_arq_sent" \
  --component "IF.witness.h323" \
  --trace-id "$TRACE_ID" \
  --payload "{
    \"endpoint_id\": \"$ENDPOINT_ID\",
    \"call_id\": \"$CALL_ID\",
    \"bandwidth_bps\": 2000000,
    \"duration_minutes\": 60
  }" \
  --tokens-in 500 \
  --tokens-out 250 \
  --cost 0.0003

# Log admission confirmed
if-witness log \
  --event "h323_acf_received" \
  --component "IF.witness.h323" \
  --trace-id "$TRACE_ID" \
  --payload "{
    \"endpoint_id\": \"$ENDPOINT_ID\",
    \"call_id\": \"$CALL_ID\",
    \"bandwidth_granted_bps\": 2000000
  }" \
  --tokens-in 300 \
  --tokens-out 150 \
  --cost 0.0002

# ... Call is active ...

# Log call completion with cost
if-witness log \
  --event "h323_call_complete" \
  --component "IF.witness.h323" \
  --trace-id "$TRACE_ID" \
  --payload "{
    \"endpoint_id\": \"$ENDPOINT_ID\",
    \"call_id\": \"$CALL_ID\",
    \"duration_minutes\": 45,
    \"bandwidth_bps\": 2000000,
    \"cost_usd\": 0.0009
  }" \
  --tokens-in 200 \
  --tokens-out 100 \
  --cost 0.0002

# Check H.323 cost breakdown
if-optimise report --component IF.witness.h323

# Check budget status
if-optimise budget --period month
