<?php

// A consumer that rejects what it cannot process (php-rdkafka): retries and dead letters by the router, order as far as it can keep it.

function process(RdKafka\Message $message): void
{
    if (str_contains((string) $message->payload, 'bad')) {
        throw new RangeException('integer out of range');
    }
    echo "processed {$message->payload}\n";
}

// The record as it came, in the partition of its origin, with the reason behind its headers. php-rdkafka keeps one header a name.
function reject(RdKafka\Producer $producer, RdKafka\Message $message, Throwable $error): void
{
    $origin = explode('/', $message->headers['router-origin'] ?? '');
    if (count($origin) !== 3) {
        throw new LogicException("offset {$message->offset} was not written by the router");
    }
    $headers = [
        'router-rejects' => "{$message->topic_name}/{$message->partition}/{$message->offset}",
        'router-reason' => 'failed',
        'router-error' => $error->getMessage(),
        'router-error-class' => $error::class,
        'router-place' => basename($error->getFile()) . ':' . $error->getLine(),
    ] + $message->headers;
    $topic = $producer->newTopic("{$message->topic_name}.rejected");
    $topic->producev((int) $origin[1], 0, $message->payload, $message->key, $headers);
    // Only when it is written may its offset be committed.
    if ($producer->flush(10_000) !== RD_KAFKA_RESP_ERR_NO_ERROR) {
        throw new RuntimeException('the rejection was not written');
    }
}

$writing = new RdKafka\Conf();
$writing->set('bootstrap.servers', getenv('BOOTSTRAP'));
$writing->set('enable.idempotence', 'true');
$producer = new RdKafka\Producer($writing);

$reading = new RdKafka\Conf();
$reading->set('bootstrap.servers', getenv('BOOTSTRAP'));
$reading->set('group.id', getenv('GROUP'));
$reading->set('auto.offset.reset', 'earliest');
$reading->set('enable.auto.commit', 'false');
$consumer = new RdKafka\KafkaConsumer($reading); // librdkafka reads committed records only, unless told otherwise
$consumer->subscribe([getenv('TOPIC')]);

$running = true;
pcntl_async_signals(true);
pcntl_signal(SIGTERM, function () use (&$running) { $running = false; });
while ($running) {
    $message = $consumer->consume(200);
    if ($message->err === RD_KAFKA_RESP_ERR__TIMED_OUT || $message->err === RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        continue;
    }
    if ($message->err !== RD_KAFKA_RESP_ERR_NO_ERROR) {
        throw new RuntimeException($message->errstr());
    }
    if (!isset($message->headers['router-release'])) { // a release mark, for consumers that park keys
        try {
            process($message);
        } catch (Exception $error) {
            reject($producer, $message, $error);
        }
    }
    $consumer->commit($message);
}
$consumer->close();
