//! What is published of the figures: who does it, and how far it has come. The log of changes is the outbox.

use chrono::{DateTime, Utc};
use domain::counts::Interval;

use crate::StoreError;
use crate::history::FiguresVersion;

/// How far a publication has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicationPlace {
    /// The incarnation of the topic that it goes to.
    pub topic_id: String,
    /// Changes up to this state of the figures were published.
    pub version: FiguresVersion,
    /// Everything from this quarter-hour on is yet to be published, whether it changed or not; none once all of it was.
    pub filling: Option<Interval>,
}

/// Who wants to publish, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicationLease {
    /// What is published.
    pub name: String,
    /// Unique among the instances, and new at every start.
    pub owner: String,
    /// The time, by the owner's clock.
    pub now: DateTime<Utc>,
    /// When the lease ends unless it is renewed.
    pub until: DateTime<Utc>,
}

/// A publication that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPublication {
    /// How far it has come; none if nothing was published yet.
    pub place: Option<PublicationPlace>,
}

/// A publication that moves on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicationAdvance {
    /// What is published.
    pub name: String,
    /// Who published it.
    pub owner: String,
    /// How far it had come.
    pub from: Option<PublicationPlace>,
    /// How far it has come now.
    pub to: PublicationPlace,
}

/// Columns of a place.
pub(crate) type PlaceColumns = (Option<String>, Option<String>, Option<i64>);

impl PublicationPlace {
    /// A place as it is stored.
    pub(crate) fn read((topic_id, version, filling): PlaceColumns) -> Option<Self> {
        Some(Self {
            topic_id: topic_id?,
            version: FiguresVersion::new(version?),
            filling: filling.map(Interval),
        })
    }
}

impl PublicationAdvance {
    /// Where it comes from, as it is stored.
    pub(crate) fn expected_columns(&self) -> PlaceColumns {
        match &self.from {
            None => (None, None, None),
            Some(PublicationPlace {
                topic_id,
                version,
                filling,
            }) => (
                Some(topic_id.clone()),
                Some(version.as_str().to_owned()),
                filling.map(|interval| interval.0),
            ),
        }
    }

    pub(crate) fn conflict(&self) -> StoreError {
        StoreError::Conflict(format!("the publication of {}", self.name))
    }
}
