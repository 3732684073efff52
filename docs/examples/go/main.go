// A consumer that rejects what it cannot process: retries and dead letters by the router, order as far as the router can keep it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"
)

func process(record *kgo.Record) error {
	if strings.Contains(string(record.Value), "bad") {
		return fmt.Errorf("integer out of range")
	}
	fmt.Printf("processed %s\n", record.Value)
	return nil
}

// rejection is the record as it came, in the partition of its origin, with the reason behind its headers.
func rejection(record *kgo.Record, reason error) (*kgo.Record, error) {
	origin := ""
	for _, header := range record.Headers {
		if header.Key == "router-origin" { // the last one counts
			origin = string(header.Value)
		}
	}
	parts := strings.Split(origin, "/")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%s/%d/%d was not written by the router", record.Topic, record.Partition, record.Offset)
	}
	partition, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return nil, err
	}
	place := fmt.Sprintf("%s/%d/%d", record.Topic, record.Partition, record.Offset)
	headers := append([]kgo.RecordHeader{}, record.Headers...)
	for _, told := range [][2]string{
		{"router-rejects", place},
		{"router-reason", "failed"},
		{"router-error", reason.Error()},
		{"router-error-class", fmt.Sprintf("%T", reason)},
	} {
		headers = append(headers, kgo.RecordHeader{Key: told[0], Value: []byte(told[1])})
	}
	return &kgo.Record{
		Topic:     record.Topic + ".rejected",
		Partition: int32(partition),
		Key:       record.Key,
		Value:     record.Value,
		Headers:   headers,
	}, nil
}

func main() {
	topic := os.Getenv("TOPIC")
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Getenv("BOOTSTRAP")),
		kgo.ConsumerGroup(os.Getenv("GROUP")),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // franz-go reads uncommitted records unless told otherwise
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), // a rejection says its partition
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, 100)
		for iterator := fetches.RecordIter(); !iterator.Done(); {
			record := iterator.Next()
			if isRelease(record) { // a release mark, for consumers that park keys
				continue
			}
			if reason := process(record); reason != nil {
				rejected, err := rejection(record, reason)
				if err != nil {
					log.Fatal(err)
				}
				// Only when it is written may its offset be committed.
				if err := client.ProduceSync(ctx, rejected).FirstErr(); err != nil {
					log.Fatal(err)
				}
			}
		}
		if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
			log.Print(err)
		}
		client.AllowRebalance()
	}
}

func isRelease(record *kgo.Record) bool {
	for _, header := range record.Headers {
		if header.Key == "router-release" {
			return true
		}
	}
	return false
}
