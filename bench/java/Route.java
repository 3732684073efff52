import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;

/**
 * The routing job on Kafka Streams, one thread. Arguments: a properties file of Streams' own settings, and one of the job's:
 * `source`, `schema`, `hop`, and `topic.NAME` for each destination.
 */
public final class Route {
    /** A value and where it goes. */
    record Copy(String topic, byte[] value) {}

    /** The rules of bench/job.py over a decoded order. */
    static final class Rules extends ContextualProcessor<byte[], byte[], byte[], Copy> {
        private final Map<String, String> byCountry = new HashMap<>();
        private final String notifications;
        private final String fiscal;
        private final String vip;
        private final byte[] hop;
        private final GenericDatumReader<GenericRecord> reader;
        private BinaryDecoder decoder;
        private GenericRecord order;

        Rules(Properties job, Schema schema) {
            for (String country : schema.getField("country").schema().getEnumSymbols()) {
                byCountry.put(country, job.getProperty("topic.bob-" + country.toLowerCase()));
            }
            notifications = job.getProperty("topic.notifications");
            fiscal = job.getProperty("topic.fiscal");
            vip = job.getProperty("topic.vip");
            hop = job.getProperty("hop").getBytes(java.nio.charset.StandardCharsets.US_ASCII);
            reader = new GenericDatumReader<>(schema);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            byte[] value = record.value();
            try {
                decoder = DecoderFactory.get().binaryDecoder(value, decoder);
                order = reader.read(order, decoder);
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
            var from = context().recordMetadata().orElseThrow();
            String origin = from.topic() + "/" + from.partition() + "/" + from.offset();
            record.headers().add("router-origin", origin.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            record.headers().add("router-hop", hop);
            String status = order.get("status").toString();
            send(record, byCountry.get(order.get("country").toString()));
            boolean booked = status.equals("paid") || status.equals("money_refunded");
            if (booked || status.equals("shipped") || status.equals("delivered")) {
                send(record, notifications);
            }
            if (booked) {
                send(record, fiscal);
            }
            if ((Boolean) order.get("vip")) {
                send(record, vip);
            }
        }

        private void send(Record<byte[], byte[]> record, String topic) {
            context().forward(record.withValue(new Copy(topic, record.value())));
        }
    }

    private Route() {}

    public static void main(String[] arguments) throws Exception {
        Properties settings = read(arguments[0]);
        Properties job = read(arguments[1]);
        Schema schema = new Schema.Parser().parse(Files.readString(Path.of(job.getProperty("schema"))));
        var builder = new StreamsBuilder();
        builder.stream(job.getProperty("source"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .process(() -> new Rules(job, schema))
                .to(
                        (key, copy, context) -> copy.topic(),
                        Produced.with(Serdes.ByteArray(), Serdes.serdeFrom((topic, copy) -> copy.value(), (topic, bytes) -> null)));
        var streams = new KafkaStreams(builder.build(), settings);
        var ended = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) {
                ended.countDown();
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
        ended.await();
        System.err.println("Kafka Streams is in state ERROR");
        Runtime.getRuntime().halt(1);
    }

    private static Properties read(String file) throws Exception {
        var found = new Properties();
        try (var reader = Files.newBufferedReader(Path.of(file))) {
            found.load(reader);
        }
        return found;
    }
}
