"""A Python service in miniature. Where it sends, and that it sends at all, is said by environment variables alone."""

import os
import sys

from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.processor.baggage import BaggageSpanProcessor

# The business trace id travels in Baggage; this writes it on every span under it.
trace.get_tracer_provider().add_span_processor(BaggageSpanProcessor(lambda key: key.startswith("witness.")))

count = int(os.environ["SPANS"])
tracer = trace.get_tracer("peer")
context.attach(W3CBaggagePropagator().extract({"baggage": os.environ.get("BAGGAGE", "")}))
with tracer.start_as_current_span("order"):
    for i in range(1, count):
        with tracer.start_as_current_span(f"step {i}") as span:
            span.set_attribute("step", i)

if not trace.get_tracer_provider().force_flush():
    sys.exit("not everything was delivered")
