import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A consumer that rejects what it cannot process and keeps its key's order: the whole protocol of docs/failure.md, but skip marks. */
public class Main {
    static final String TOPIC = System.getenv("TOPIC");
    static final Map<Integer, Map<String, String>> parked = new HashMap<>(); // partition -> key -> "partition/offset"

    static void process(ConsumerRecord<byte[], byte[]> record) {
        String value = text(record.value());
        if (value.contains("bad")) {
            throw new ArithmeticException("integer out of range");
        }
        System.out.println("processed " + value);
    }

    public static void main(String[] arguments) {
        Properties reading = settings();
        reading.put("group.id", System.getenv("GROUP"));
        reading.put("auto.offset.reset", "earliest");
        reading.put("enable.auto.commit", "false");
        reading.put("isolation.level", "read_committed"); // Java reads uncommitted records unless told otherwise
        Properties writing = settings();
        writing.put("transactional.id", System.getenv("GROUP") + "-" + TOPIC + "-" + ProcessHandle.current().pid());
        writing.put("transaction.timeout.ms", "15000");
        var keys = new ByteArrayDeserializer();
        var bytes = new ByteArraySerializer();
        try (var consumer = new KafkaConsumer<>(reading, keys, keys);
                var producer = new KafkaProducer<>(writing, bytes, bytes)) {
            producer.initTransactions();
            Runtime.getRuntime().addShutdownHook(new Thread(consumer::wakeup));
            consumer.subscribe(List.of(TOPIC), new Marks(consumer));
            while (true) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    meet(record, consumer, producer);
                }
            }
        } catch (org.apache.kafka.common.errors.WakeupException stopped) {
            // the group gets its partitions back by closing
        }
        // An error of the producer ends the program: what it had begun comes to nothing, and the next start goes on from there.
    }

    static void meet(
            ConsumerRecord<byte[], byte[]> record, Consumer<byte[], byte[]> consumer, Producer<byte[], byte[]> producer) {
        Map<String, String> keys = parked.get(record.partition());
        String epoch = last(record, "router-release");
        producer.beginTransaction();
        if (epoch != null) {
            String key = last(record, "router-key");
            String first = last(record, "router-rejects");
            String since = keys.get(key);
            if (since == null || first == null || first.equals(TOPIC + "/" + since)) {
                String lane = last(record, "router-lane");
                producer.send(acknowledgement(key, epoch, lane));
                if (keys.remove(key) != null) {
                    producer.send(mark(record.partition(), key, null));
                }
            }
        } else {
            String key = record.key() == null ? null : text(record.key());
            if (key != null && keys.containsKey(key)) {
                producer.send(rejection(record, "behind", null));
            } else {
                try {
                    process(record);
                } catch (RuntimeException error) {
                    producer.send(rejection(record, "failed", error));
                    if (key != null) {
                        String since = record.partition() + "/" + record.offset();
                        keys.put(key, since);
                        producer.send(mark(record.partition(), key, since));
                    }
                }
            }
        }
        var place = new TopicPartition(TOPIC, record.partition());
        producer.sendOffsetsToTransaction(
                Map.of(place, new OffsetAndMetadata(record.offset() + 1)), consumer.groupMetadata());
        producer.commitTransaction();
    }

    static ProducerRecord<byte[], byte[]> rejection(
            ConsumerRecord<byte[], byte[]> record, String reason, RuntimeException error) {
        int partition = Integer.parseInt(last(record, "router-origin").split("/")[1]);
        var rejection =
                new ProducerRecord<>(TOPIC + ".rejected", partition, record.key(), record.value(), record.headers());
        String place = TOPIC + "/" + record.partition() + "/" + record.offset();
        rejection.headers().add("router-rejects", utf8(place)).add("router-reason", utf8(reason));
        if (record.key() != null) {
            rejection.headers().add("router-parks", utf8("1"));
        }
        if (error != null) {
            rejection.headers().add("router-error", utf8(String.valueOf(error.getMessage())));
            rejection.headers().add("router-error-class", utf8(error.getClass().getName()));
            rejection.headers().add("router-place", utf8(error.getStackTrace()[0].toString()));
        }
        return rejection;
    }

    static ProducerRecord<byte[], byte[]> acknowledgement(String key, String epoch, String lane) {
        int partition = Integer.parseInt(lane.substring(lane.lastIndexOf('/') + 1));
        var told = new ProducerRecord<byte[], byte[]>(TOPIC + ".rejected", partition, latin(key), null);
        told.headers().add("router-acknowledges", utf8(epoch)).add("router-lane", utf8(lane));
        return told;
    }

    static ProducerRecord<byte[], byte[]> mark(int partition, String key, String since) {
        return new ProducerRecord<>(TOPIC + ".parked", partition, latin(key), since == null ? null : utf8(since));
    }

    /** After an assignment: the stable offset, then the end of the marks as an uncommitted reader, then the marks as a committed one. */
    record Marks(Consumer<byte[], byte[]> group) implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsRevoked(java.util.Collection<TopicPartition> partitions) {
            partitions.forEach(each -> parked.remove(each.partition()));
        }

        @Override
        public void onPartitionsAssigned(java.util.Collection<TopicPartition> partitions) {
            group.committed(new HashSet<>(partitions));
            var marks = partitions.stream().map(each -> new TopicPartition(TOPIC + ".parked", each.partition())).toList();
            partitions.forEach(each -> parked.put(each.partition(), new HashMap<>()));
            var keys = new ByteArrayDeserializer();
            Map<TopicPartition, Long> ends;
            try (var anybody = new KafkaConsumer<>(settings(), keys, keys)) { // reads uncommitted: its default
                ends = anybody.endOffsets(marks);
            }
            Properties committed = settings();
            committed.put("isolation.level", "read_committed");
            try (var reader = new KafkaConsumer<>(committed, keys, keys)) {
                reader.assign(marks);
                reader.seekToBeginning(marks);
                Set<TopicPartition> left = new HashSet<>(marks);
                while (true) {
                    left.removeIf(each -> reader.position(each) >= ends.get(each));
                    if (left.isEmpty()) {
                        return;
                    }
                    for (var mark : reader.poll(Duration.ofMillis(50))) {
                        Map<String, String> known = parked.get(mark.partition());
                        if (mark.value() == null) {
                            known.remove(text(mark.key()));
                        } else {
                            known.put(text(mark.key()), text(mark.value()));
                        }
                    }
                }
            }
        }
    }

    static Properties settings() {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("BOOTSTRAP"));
        return settings;
    }

    static String last(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? null : text(header.value());
    }

    // A key may be any bytes: this charset has a character for each.
    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    static byte[] latin(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
