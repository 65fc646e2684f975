//! What librdkafka reports, in the words of the bus.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::BusError;

/// The error behind a failed request about `topic`.
pub(super) fn of(error: &KafkaError, topic: &str) -> BusError {
    match error {
        KafkaError::AdminOp(code) => of_code(*code, topic),
        KafkaError::Nul(_) => BusError::Refused(format!("topic {topic:?} has a name that cannot be")),
        error => match error.rdkafka_error_code() {
            Some(code) => of_code(code, topic),
            None => BusError::Unavailable(error.to_string()),
        },
    }
}

/// The error behind an error code of the protocol or of librdkafka.
pub(super) fn of_code(code: Code, topic: &str) -> BusError {
    match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            BusError::UnknownTopic(topic.to_owned())
        }
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
            BusError::TooLarge {
                topic: topic.to_owned(),
            }
        }
        code if is_forbidden(code) => BusError::Forbidden(format!("topic {topic}: {code}")),
        Code::InvalidTopic
        | Code::InvalidConfig
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidTransactionTimeout
        | Code::PolicyViolation
        | Code::SecurityDisabled
        | Code::UnsupportedVersion
        | Code::UnsupportedCompressionType => BusError::Refused(format!("topic {topic}: {code}")),
        code => BusError::Unavailable(format!("topic {topic}: {code}")),
    }
}

/// Whether the user lacks a right.
pub(super) fn is_forbidden(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
    )
}

/// Whether another producer has taken the transactional id over.
pub(super) fn is_fenced(code: Code) -> bool {
    matches!(
        code,
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch
    )
}
