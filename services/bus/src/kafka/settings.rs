//! How to reach a Kafka cluster, and the properties that each kind of client gets.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use crate::{BusError, MESSAGE_BYTES_MAX};

/// How long a message may wait for its acknowledgement before its caller is told that the bus is not available.
pub(super) const DELIVERY_MS_MAX: u64 = 30_000;
/// How long a transaction may take before the cluster aborts it.
pub(super) const TRANSACTION_MS_MAX: u64 = 30_000;

/// How to reach a Kafka cluster.
#[derive(Clone)]
pub struct KafkaSettings {
    /// Addresses of some brokers, `HOST:PORT` separated by commas.
    pub bootstrap: String,
    /// Copies of each partition of topics that are created, and wanted of those that exist.
    pub replication_factor: u16,
    /// Further properties of librdkafka, for TLS and SASL above all; handed on to every client.
    pub properties: BTreeMap<String, String>,
}

/// Values may be passwords: only the names are shown.
impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSettings")
            .field("bootstrap", &self.bootstrap)
            .field("replication_factor", &self.replication_factor)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Properties on which the guarantees of the bus rest: nobody else sets them.
const OWN: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "isolation.level",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "request.required.acks",
    "transaction.timeout.ms",
    "transactional.id",
];

impl KafkaSettings {
    /// Finds what is wrong with the settings before any client is made. Values are never part of the message.
    ///
    /// # Errors
    /// [`BusError::Refused`] naming the property.
    pub fn check(&self) -> Result<(), BusError> {
        let refuse = |why: String| Err(BusError::Refused(why));
        if self.bootstrap.trim().is_empty() {
            return refuse("no address of a Kafka broker is configured".to_owned());
        }
        if self.replication_factor == 0 {
            return refuse("a replication factor of 0 keeps nothing; use at least 1".to_owned());
        }
        for (name, value) in &self.properties {
            if OWN.contains(&name.as_str()) {
                return refuse(format!("Kafka property {name} is set by nrwdirekt; remove it"));
            }
            let mut probe = ClientConfig::new();
            probe.set(name, value);
            if let Err(error) = probe.create_native_config() {
                return refuse(unfit(name, &error));
            }
        }
        Ok(())
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set_log_level(RDKafkaLogLevel::Info)
            .set("client.id", "nrwdirekt")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            .set("retry.backoff.max.ms", "1000");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    /// For topics and their policies.
    pub(super) fn admin(&self) -> ClientConfig {
        self.client()
    }

    /// For questions about topics and their ends; as a consumer, because that never creates a topic by asking.
    pub(super) fn asking(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("allow.auto.create.topics", "false")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false");
        config
    }

    /// For appending with an acknowledgement by all replicas, each message once and in order.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        for (name, value) in [
            ("linger.ms", "3"),
            ("compression.type", "lz4"),
            ("batch.num.messages", "10000"),
            ("topic.metadata.propagation.max.ms", "10000"),
        ] {
            if !self.properties.contains_key(name) {
                config.set(name, value);
            }
        }
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", DELIVERY_MS_MAX.to_string())
            // Room beyond the limit of the bus for what surrounds a message; brokers take 1,048,588 bytes.
            .set("message.max.bytes", (MESSAGE_BYTES_MAX + 40_000).to_string())
            // The bus bounds what is under way itself, and lets callers wait instead of failing.
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", "1048576");
        config
    }

    /// For appending in transactions under a name.
    pub(super) fn transactional(&self, owner: &str) -> ClientConfig {
        let mut config = self.producer();
        if !self.properties.contains_key("linger.ms") {
            // All messages of a transaction are there when it is sent: nothing to wait for.
            config.set("linger.ms", "0");
        }
        config
            .set("transactional.id", owner)
            .set("transaction.timeout.ms", TRANSACTION_MS_MAX.to_string())
            .set("message.timeout.ms", (TRANSACTION_MS_MAX - 5_000).to_string());
        config
    }

    /// For reading what is committed, from positions that are kept elsewhere.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.asking();
        for (name, value) in [
            ("session.timeout.ms", "12000"),
            ("heartbeat.interval.ms", "3000"),
            ("queued.min.messages", "10000"),
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.wait.max.ms", "250"),
            // How soon fetching goes on after enough was in stock; the default of a second lets readers run dry.
            ("fetch.queue.backoff.ms", "10"),
        ] {
            if !self.properties.contains_key(name) {
                config.set(name, value);
            }
        }
        config
            .set("group.id", group)
            // One assignment at a time: the starts of all partitions are asked for before any is read.
            .set("partition.assignment.strategy", "range")
            .set("enable.auto.offset.store", "false")
            // A position that does not exist is an error to be seen, not a reason to jump.
            .set("auto.offset.reset", "error");
        config
    }
}

/// Why a client could not be made, without the values of its properties.
pub(super) fn refused(error: &KafkaError) -> BusError {
    BusError::Refused(match error {
        KafkaError::ClientConfig(_, _, name, _) => unfit(name, error),
        error => error.to_string(),
    })
}

fn unfit(name: &str, error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..) => {
            format!("Kafka property {name} does not exist in librdkafka, or is not part of this build")
        }
        _ => format!("Kafka property {name} has a value that librdkafka does not take"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> KafkaSettings {
        KafkaSettings {
            bootstrap: "127.0.0.1:1".to_owned(),
            replication_factor: 1,
            properties: [(name.to_owned(), value.to_owned())].into(),
        }
    }

    fn refusal(name: &str, value: &str) -> String {
        let error = with(name, value).check().unwrap_err();
        assert!(matches!(error, BusError::Refused(_)), "{error:?}");
        error.to_string()
    }

    #[test]
    fn properties_for_tls_and_log_in_are_taken() {
        for (name, value) in [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.password", "geheim"),
            ("ssl.ca.location", "/etc/ssl/certs/ca-certificates.crt"),
        ] {
            with(name, value).check().unwrap();
        }
    }

    #[test]
    fn an_unknown_property_is_refused_by_its_name() {
        let message = refusal("sasl.pasword", "geheim");
        assert!(
            message.contains("sasl.pasword") && !message.contains("geheim"),
            "{message}"
        );
    }

    #[test]
    fn an_unfit_value_is_refused_without_showing_it() {
        let message = refusal("security.protocol", "geheim");
        assert!(
            message.contains("security.protocol") && !message.contains("geheim"),
            "{message}"
        );
    }

    #[test]
    fn what_the_guarantees_rest_on_cannot_be_set() {
        assert!(refusal("acks", "1").contains("acks"));
        assert!(refusal("enable.idempotence", "false").contains("enable.idempotence"));
    }

    #[test]
    fn debug_shows_no_values() {
        let shown = format!("{:?}", with("sasl.password", "geheim"));
        assert!(
            shown.contains("sasl.password") && !shown.contains("geheim"),
            "{shown}"
        );
    }
}
