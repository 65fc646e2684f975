//! The bus, its publishers and its readers behind a failpoint.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::{
    Bus, BusError, Forgetting, Forgotten, Outgoing, Positions, Publisher, Reader, Received, StartPositions,
    TopicFault, TopicSpec,
};

use super::{Cut, Point};

pub(super) struct CutBus {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) cut: Arc<Cut>,
}

impl CutBus {
    fn cut_reader(&self, reader: Box<dyn Reader>) -> Box<dyn Reader> {
        Box::new(CutReader {
            reader,
            cut: Arc::clone(&self.cut),
        })
    }
}

#[async_trait]
impl Bus for CutBus {
    async fn topic_id(&self, topic: &str) -> Result<String, BusError> {
        self.cut.around(Point::TopicId, self.bus.topic_id(topic)).await
    }

    async fn apply_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<String>, BusError> {
        let work = self.bus.apply_topics(wanted);
        self.cut.around(Point::ApplyTopics, work).await
    }

    async fn check_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<TopicFault>, BusError> {
        let work = self.bus.check_topics(wanted);
        self.cut.around(Point::CheckTopics, work).await
    }

    async fn publish(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError> {
        let work = self.bus.publish(topic, messages);
        self.cut.around(Point::Publish, work).await
    }

    async fn publisher(&self, owner: &str) -> Result<Box<dyn Publisher>, BusError> {
        let publisher = self
            .cut
            .around(Point::Publisher, self.bus.publisher(owner))
            .await?;
        Ok(Box::new(CutPublisher {
            publisher,
            cut: Arc::clone(&self.cut),
        }))
    }

    async fn reader(
        &self,
        topic: &str,
        group: &str,
        starts: Arc<dyn StartPositions>,
    ) -> Result<Box<dyn Reader>, BusError> {
        let work = self.bus.reader(topic, group, starts);
        Ok(self.cut_reader(self.cut.around(Point::Reader, work).await?))
    }

    async fn reader_alone(&self, topic: &str, from: Positions) -> Result<Box<dyn Reader>, BusError> {
        let work = self.bus.reader_alone(topic, from);
        Ok(self.cut_reader(self.cut.around(Point::ReaderAlone, work).await?))
    }

    async fn ends(&self, topic: &str) -> Result<Positions, BusError> {
        self.cut.around(Point::Ends, self.bus.ends(topic)).await
    }

    async fn forget(
        &self,
        topic: &str,
        what: Forgetting,
        read_up_to: Positions,
    ) -> Result<Forgotten, BusError> {
        let work = self.bus.forget(topic, what, read_up_to);
        self.cut.around(Point::Forget, work).await
    }

    async fn scrub(&self) -> Result<(), BusError> {
        self.cut.around(Point::ScrubBus, self.bus.scrub()).await
    }

    async fn stays(&self, topic: &str) -> Result<Duration, BusError> {
        self.cut.around(Point::Stays, self.bus.stays(topic)).await
    }

    async fn probe(&self) -> Result<(), BusError> {
        self.cut.around(Point::ProbeBus, self.bus.probe()).await
    }
}

struct CutPublisher {
    publisher: Box<dyn Publisher>,
    cut: Arc<Cut>,
}

#[async_trait]
impl Publisher for CutPublisher {
    async fn publish(&mut self, topic: &str, messages: Vec<Outgoing>) -> Result<(), BusError> {
        let work = self.publisher.publish(topic, messages);
        self.cut.around(Point::PublishAsOwner, work).await
    }
}

struct CutReader {
    reader: Box<dyn Reader>,
    cut: Arc<Cut>,
}

#[async_trait]
impl Reader for CutReader {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError> {
        let work = self.reader.next(most, wait);
        self.cut.around(Point::Next, work).await
    }

    async fn seek(&mut self, partition: u32, position: i64) -> Result<(), BusError> {
        let work = self.reader.seek(partition, position);
        self.cut.around(Point::Seek, work).await
    }

    fn assigned(&self) -> Vec<u32> {
        self.reader.assigned()
    }
}
