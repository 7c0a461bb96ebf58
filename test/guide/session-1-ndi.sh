#!/bin/bash
# From the CLI Integration Guide, version 1.0 of 2025-11-11, "Usage Example: Publish 60 Frames".
# Word for word, but for the name of the program and `set -eu`.
set -eu
# Session 1: NDI Frame Publishing with Witness Logging

# Generate sample frames (in real scenario, come from camera/source)
TRACE_ID="session-1-$(date +%s)"

python3 << 'EOF'
import subprocess
import json
import os
import uuid

# Function to log NDI frame
def log_ndi_frame(frame_num, trace_id):
    payload = {
        "frame_number": frame_num,
        "resolution": "1920x1080",
        "fps": 60,
        "codec": "H264"
    }

    subprocess.run([
        "if-witness", "log",
        "--event", "ndi_frame_published",
        "--component", "IF.witness.ndi-publisher",
        "--trace-id", trace_id,
        "--payload", json.dumps(payload),
        "--tokens-in", "50",
        "--tokens-out", "20",
        "--cost", "0.000001",
        "--model", "claude-haiku-4.5"
    ], check=True)

# Log stream creation
TRACE_ID = f"session-1-{uuid.uuid4().hex[:12]}"

subprocess.run([
    "if-witness", "log",
    "--event", "ndi_stream_created",
    "--component", "IF.witness.ndi-publisher",
    "--trace-id", TRACE_ID,
    "--payload", json.dumps({"stream": "IF.yologuard.01", "fps": 60})
], check=True)

# Log 60 frames (one second of video at 60fps)
for i in range(60):
    log_ndi_frame(i, TRACE_ID)

# Log batch summary
subprocess.run([
    "if-witness", "log",
    "--event", "ndi_batch_complete",
    "--component", "IF.witness.ndi-publisher",
    "--trace-id", TRACE_ID,
    "--payload", json.dumps({"frames": 60, "duration_seconds": 1})
], check=True)

print(f"✓ Logged 60 NDI frames (trace: {TRACE_ID})")
EOF
