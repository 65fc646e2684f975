//! A bus whose topics, groups and publishers all have a prefix: several installations on one cluster.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Bus, BusError, Forgetting, Forgotten, Outgoing, Positions, Publisher, Reader, StartPositions, TopicFault,
    TopicSpec,
};

/// Puts a prefix before every name that reaches the bus behind it.
pub struct PrefixedBus {
    bus: Arc<dyn Bus>,
    prefix: String,
}

impl PrefixedBus {
    /// In front of a bus.
    pub fn new(bus: Arc<dyn Bus>, prefix: &str) -> Self {
        Self {
            bus,
            prefix: prefix.to_owned(),
        }
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn specs(&self, wanted: &[TopicSpec]) -> Vec<TopicSpec> {
        wanted
            .iter()
            .map(|spec| TopicSpec {
                name: self.name(&spec.name),
                ..spec.clone()
            })
            .collect()
    }
}

#[async_trait]
impl Bus for PrefixedBus {
    async fn topic_id(&self, topic: &str) -> Result<String, BusError> {
        self.bus.topic_id(&self.name(topic)).await
    }

    async fn apply_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<String>, BusError> {
        self.bus.apply_topics(&self.specs(wanted)).await
    }

    async fn check_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<TopicFault>, BusError> {
        self.bus.check_topics(&self.specs(wanted)).await
    }

    async fn publish(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError> {
        self.bus.publish(&self.name(topic), messages).await
    }

    async fn publisher(&self, owner: &str) -> Result<Box<dyn Publisher>, BusError> {
        let publisher = self.bus.publisher(&self.name(owner)).await?;
        Ok(Box::new(PrefixedPublisher {
            publisher,
            prefix: self.prefix.clone(),
        }))
    }

    async fn reader(
        &self,
        topic: &str,
        group: &str,
        starts: Arc<dyn StartPositions>,
    ) -> Result<Box<dyn Reader>, BusError> {
        self.bus
            .reader(&self.name(topic), &self.name(group), starts)
            .await
    }

    async fn reader_alone(&self, topic: &str, from: Positions) -> Result<Box<dyn Reader>, BusError> {
        self.bus.reader_alone(&self.name(topic), from).await
    }

    async fn ends(&self, topic: &str) -> Result<Positions, BusError> {
        self.bus.ends(&self.name(topic)).await
    }

    async fn forget(
        &self,
        topic: &str,
        what: Forgetting,
        read_up_to: Positions,
    ) -> Result<Forgotten, BusError> {
        self.bus.forget(&self.name(topic), what, read_up_to).await
    }

    async fn scrub(&self) -> Result<(), BusError> {
        self.bus.scrub().await
    }

    async fn stays(&self, topic: &str) -> Result<Duration, BusError> {
        self.bus.stays(&self.name(topic)).await
    }

    async fn probe(&self) -> Result<(), BusError> {
        self.bus.probe().await
    }
}

struct PrefixedPublisher {
    publisher: Box<dyn Publisher>,
    prefix: String,
}

#[async_trait]
impl Publisher for PrefixedPublisher {
    async fn publish(&mut self, topic: &str, messages: Vec<Outgoing>) -> Result<(), BusError> {
        self.publisher
            .publish(&format!("{}{topic}", self.prefix), messages)
            .await
    }
}
