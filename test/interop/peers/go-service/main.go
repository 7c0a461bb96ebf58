// A Go service in miniature: the OpenTelemetry SDK, told where to send by environment variables alone.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/contrib/processors/baggagecopy"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println(otel.Version())
		return
	}
	ctx := context.Background()
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		log.Fatal(err)
	}
	// The business trace id travels in Baggage; this writes it on every span under it.
	copied := baggagecopy.NewSpanProcessor(func(member baggage.Member) bool {
		return strings.HasPrefix(member.Key(), "witness.")
	})
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(copied), trace.WithBatcher(exporter))
	failed := false
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		failed = true
		fmt.Fprintln(os.Stderr, err)
	}))

	count, err := strconv.Atoi(os.Getenv("SPANS"))
	if err != nil {
		log.Fatal(err)
	}
	members, err := baggage.Parse(os.Getenv("BAGGAGE"))
	if err != nil {
		log.Fatal(err)
	}
	tracer := provider.Tracer("peer")
	ctx, root := tracer.Start(baggage.ContextWithBaggage(ctx, members), "order")
	for i := 1; i < count; i++ {
		_, span := tracer.Start(ctx, fmt.Sprintf("step %d", i))
		span.SetAttributes(attribute.Int("step", i))
		span.End()
	}
	root.End()
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	if failed {
		os.Exit(1)
	}
}
