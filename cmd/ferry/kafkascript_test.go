package main

import (
	"context"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// scriptKafka serves a Kafka without security in which somebody asks for a resync every moment, until the script ends,
// and sets BROKERS to its address. Once would not do: who has read nothing before begins at the end.
func scriptKafka(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: kafka")
	}
	const topic = "org_simulated.change.log"
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	ts.Check(err)
	ts.Defer(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			record := &kgo.Record{Topic: topic, Value: []byte(`{"context":{"integrationId":"my-jira-integration"},"action":"RESYNC"}`)}
			_ = client.ProduceSync(ctx, record) // it fails when the script ends
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	ts.Defer(func() { cancel(); <-ended; client.Close() })
	ts.Setenv("BROKERS", strings.Join(cluster.ListenAddrs(), ","))
}
