//! The steps of publishing: everything once, then what has moved.

use std::collections::{BTreeMap, BTreeSet};

use bus::{Outgoing, Positions, Publisher, topics};
use domain::counts::{Interval, Tally};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use store::StoreError;
use store::changes::{Change, ChangePlace, ChangeQuery};
use store::history::{FiguresVersion, History, HistoryQuery, HotlineChoice, PeriodStart, Periods};
use store::publications::{PublicationAdvance, PublicationPlace};
use tokio::time::Instant;

use super::{IntervalPublisher, NAME, PUBLISHER, PublishingError, message, strangers};
use crate::metrics;

/// Quarter-hours of hotlines with what is counted in each by task type: nothing, if it was taken back.
type States = BTreeMap<(Interval, HotlineName), BTreeMap<TaskType, Tally>>;

/// Changes that are published page by page; the position moves after the last one.
struct Page {
    until: FiguresVersion,
    after: Option<ChangePlace>,
}

/// The work of an instance while it is the one to publish.
pub(super) struct Desk<'a> {
    parts: &'a IntervalPublisher,
    publisher: Option<Box<dyn Publisher>>,
    place: Option<PublicationPlace>,
    page: Option<Page>,
    /// Where the topic ended when everything was begun.
    ends: Option<Positions>,
    advanced_at: Instant,
}

impl<'a> Desk<'a> {
    /// Goes on from a place, or begins with everything.
    pub(super) fn new(parts: &'a IntervalPublisher, place: Option<PublicationPlace>) -> Self {
        Self {
            parts,
            publisher: None,
            place,
            page: None,
            ends: None,
            advanced_at: Instant::now(),
        }
    }

    /// Lets the publisher go: the next step takes the name again.
    pub(super) fn close(&mut self) {
        self.publisher = None;
    }

    /// Publishes a day of everything, or a page of changes. Returns whether more may be waiting.
    pub(super) async fn step(&mut self) -> Result<bool, PublishingError> {
        if self.publisher.is_none() {
            self.publisher = Some(self.parts.bus.publisher(PUBLISHER).await?);
            self.check_topic().await?;
        }
        match self.place.clone() {
            None => self.begin().await,
            Some(place) => match place.filling {
                Some(from) => self.fill(place, from).await,
                None => match self.follow(place).await {
                    Err(PublishingError::Store(StoreError::UnknownVersion(why))) => {
                        tracing::warn!(why, "every interval is published again");
                        self.begin().await
                    }
                    outcome => outcome,
                },
            },
        }
    }

    /// Forgets the place if the topic is not the one that it belongs to, or if the store was set back: if figures are on
    /// the topic that the store cannot compare its own with.
    async fn check_topic(&mut self) -> Result<(), PublishingError> {
        let topic_id = self.parts.bus.topic_id(topics::INTERVALS).await?;
        let ends = self.parts.bus.ends(topics::INTERVALS).await?;
        let other = self
            .place
            .as_ref()
            .is_some_and(|place| place.topic_id != topic_id);
        if other || ends.values().all(|end| *end == 0) {
            self.begin().await?;
            return Ok(());
        }
        let (bus, store) = (&self.parts.bus, &self.parts.store);
        if self.place.is_some() && strangers::is_ahead(bus.as_ref(), store.as_ref(), &ends).await? {
            tracing::warn!("the topic is ahead of the store: every interval is published again");
            self.begin().await?;
        }
        Ok(())
    }

    /// From here on everything is published, and then what has moved since now.
    async fn begin(&mut self) -> Result<bool, PublishingError> {
        self.page = None;
        self.ends = Some(self.parts.bus.ends(topics::INTERVALS).await?);
        let place = PublicationPlace {
            topic_id: self.parts.bus.topic_id(topics::INTERVALS).await?,
            version: self.parts.store.figures_version().await?,
            filling: Some(Interval(0)),
        };
        self.advance(place).await?;
        Ok(true)
    }

    /// Publishes the rest of a local day, also what is left of nothing: a former state may be on the topic.
    async fn fill(&mut self, mut place: PublicationPlace, from: Interval) -> Result<bool, PublishingError> {
        let store = &self.parts.store;
        let Some(start) = store.next_counted(from).await? else {
            self.remove_strangers().await?;
            place.filling = None;
            self.advance(place).await?;
            return Ok(true);
        };
        let next_day = local_time::next(local_time::day_of(start.start()));
        let end = Interval::containing(local_time::start_of(next_day));
        let mut states: States = store
            .counted(start, end)
            .await?
            .into_iter()
            .map(|key| (key, BTreeMap::new()))
            .collect();
        let query = HistoryQuery {
            periods: Periods::Intervals { from: start, to: end },
            hotlines: HotlineChoice::Each,
        };
        let history = store.history(query).await?;
        let version = history.version.clone();
        for (key, task_type, tally) in quarter_hours(history) {
            states.entry(key).or_default().insert(task_type, tally);
        }
        self.publish(&states, &version).await?;
        place.filling = Some(end);
        self.advance(place).await?;
        Ok(true)
    }

    /// Takes away what is on the topic and what the store has never counted. What is counted of it from now on has moved
    /// since everything was begun, so it is published behind the tombstone.
    async fn remove_strangers(&mut self) -> Result<(), PublishingError> {
        let (bus, store) = (&self.parts.bus, &self.parts.store);
        let ends = match self.ends.take() {
            Some(ends) => ends,
            // An instance before this one has begun.
            None => bus.ends(topics::INTERVALS).await?,
        };
        let strangers = strangers::find(bus.as_ref(), store.as_ref(), &ends).await?;
        if strangers.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            intervals = strangers.len(),
            "the store knows nothing of intervals on the topic: they are removed from it"
        );
        let version = store.figures_version().await?;
        let nothing: States = strangers.into_iter().map(|key| (key, BTreeMap::new())).collect();
        self.publish(&nothing, &version).await
    }

    /// Publishes a page of what has moved since the place.
    async fn follow(&mut self, place: PublicationPlace) -> Result<bool, PublishingError> {
        let (until, after) = match &self.page {
            Some(page) => (page.until.clone(), page.after),
            None => (self.parts.store.figures_version().await?, None),
        };
        let most = self.parts.settings.changes;
        let query = ChangeQuery {
            until: Some(until.clone()),
            after,
            ..ChangeQuery::all(most)
        };
        let changes = self.parts.store.changes_since(&place.version, query).await?;
        self.publish_touched(&changes).await?;
        let last = changes.last().map(|change| change.place);
        if changes.len() == most {
            self.page = Some(Page { until, after: last });
            return Ok(true);
        }
        self.page = None;
        let moved = after.is_some() || last.is_some();
        if moved || self.advanced_at.elapsed() >= self.parts.settings.quiet {
            self.advance(PublicationPlace {
                version: until,
                ..place
            })
            .await?;
        }
        Ok(moved)
    }

    /// Publishes the quarter-hours that changes have touched, as they stand now: those of a day are read together.
    async fn publish_touched(&mut self, changes: &[Change]) -> Result<(), PublishingError> {
        let mut days: BTreeMap<_, BTreeSet<(Interval, HotlineName)>> = BTreeMap::new();
        for Change {
            interval, hotline, ..
        } in changes
        {
            let day = days.entry(local_time::day_of(interval.start())).or_default();
            day.insert((*interval, hotline.clone()));
        }
        for touched in days.into_values() {
            let (Some((first, _)), Some((last, _))) = (touched.first(), touched.last()) else {
                continue;
            };
            let names: BTreeSet<&HotlineName> = touched.iter().map(|(_, hotline)| hotline).collect();
            let query = HistoryQuery {
                periods: Periods::Intervals {
                    from: *first,
                    to: last.next(),
                },
                hotlines: HotlineChoice::Named(names.into_iter().cloned().collect()),
            };
            let history = self.parts.store.history(query).await?;
            let version = history.version.clone();
            let mut states: States = touched.into_iter().map(|key| (key, BTreeMap::new())).collect();
            for (key, task_type, tally) in quarter_hours(history) {
                if let Some(state) = states.get_mut(&key) {
                    state.insert(task_type, tally);
                }
            }
            self.publish(&states, &version).await?;
        }
        Ok(())
    }

    async fn publish(&mut self, states: &States, version: &FiguresVersion) -> Result<(), PublishingError> {
        let at = (self.parts.clock)();
        let Some(publisher) = &mut self.publisher else {
            return Ok(());
        };
        let mut states = states.iter().peekable();
        while states.peek().is_some() {
            let next = states.by_ref().take(self.parts.settings.batch.max(1));
            let messages: Vec<Outgoing> = next
                .map(|((interval, hotline), state)| match state.is_empty() {
                    true => message::removed(*interval, hotline, version, at),
                    false => message::state(*interval, hotline, state, version, at),
                })
                .collect();
            let removed = messages.iter().filter(|it| it.payload.is_none()).count();
            let published = messages.len() - removed;
            publisher.publish(topics::INTERVALS, messages).await?;
            metrics::intervals_published(published, removed);
        }
        Ok(())
    }

    async fn advance(&mut self, to: PublicationPlace) -> Result<(), PublishingError> {
        let advance = PublicationAdvance {
            name: NAME.to_owned(),
            owner: self.parts.settings.instance.clone(),
            from: self.place.clone(),
            to: to.clone(),
        };
        self.parts.store.advance_publication(advance).await?;
        self.place = Some(to);
        self.advanced_at = Instant::now();
        Ok(())
    }
}

/// The rows of quarter-hours of hotlines.
fn quarter_hours(history: History) -> impl Iterator<Item = ((Interval, HotlineName), TaskType, Tally)> {
    history.rows.into_iter().filter_map(|row| match row.period {
        PeriodStart::Interval(interval) => Some(((interval, row.hotline?), row.task_type, row.tally)),
        PeriodStart::Day(_) => None,
    })
}
