//! How long one has to wait after attempts to sign in that failed: by the name that was tried, and by where it came from.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

/// What attempts are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptKind {
    /// The address that they come from.
    Client,
    /// The name that was tried, whether or not there is such a user.
    Name,
    /// The address that forms for whoever comes are sent from.
    Form,
}

impl AttemptKind {
    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Name => "name",
            Self::Form => "form",
        }
    }

    /// So many may fail without a wait: a whole office can share an address, people mistype.
    fn free(self) -> u32 {
        match self {
            Self::Client => 50,
            Self::Name => 5,
            Self::Form => 20,
        }
    }

    /// No wait is longer: nobody can lock a user out for good.
    fn longest(self) -> TimeDelta {
        match self {
            Self::Client => TimeDelta::minutes(1),
            Self::Name => TimeDelta::minutes(5),
            Self::Form => TimeDelta::minutes(10),
        }
    }
}

/// What attempts are counted by: a hash, so that what was typed in the wrong field is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptKey {
    /// By what.
    pub kind: AttemptKind,
    /// SHA-256 of the name or address.
    pub hash: [u8; 32],
}

impl AttemptKey {
    /// Of a name, however it is written.
    pub fn of_name(name: &str) -> Self {
        Self {
            kind: AttemptKind::Name,
            hash: Sha256::digest(name.trim().to_lowercase()).into(),
        }
    }

    /// Of an address that forms for whoever comes are sent from.
    pub fn of_form(address: &str) -> Self {
        Self {
            kind: AttemptKind::Form,
            hash: Sha256::digest(address).into(),
        }
    }

    /// Of an address.
    pub fn of_client(address: &str) -> Self {
        Self {
            kind: AttemptKind::Client,
            hash: Sha256::digest(address).into(),
        }
    }
}

/// Attempts that failed, or are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last_at: DateTime<Utc>,
}

impl Failures {
    /// After so long without an attempt the ones before are forgotten.
    pub const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(1);

    /// Those that still count.
    pub fn lasting(self, now: DateTime<Utc>) -> Option<Self> {
        (self.count > 0 && now < self.last_at + Self::FORGOTTEN_AFTER).then_some(self)
    }

    /// Until when nothing more is tried: the wait doubles from a second on.
    pub fn wait_until(self, kind: AttemptKind) -> DateTime<Utc> {
        let wait = match self.count.checked_sub(kind.free()) {
            None => TimeDelta::zero(),
            Some(beyond) => TimeDelta::seconds(1 << beyond.min(16)).min(kind.longest()),
        };
        self.last_at + wait
    }

    /// With one more, now.
    pub fn and_one(before: Option<Self>, now: DateTime<Utc>) -> Self {
        let count = before
            .and_then(|before| before.lasting(now))
            .map_or(0, |before| before.count);
        Self {
            count: count.saturating_add(1),
            last_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn waits_double_after_some_that_are_free_and_end_at_a_limit() {
        let wait = |count| {
            let failures = Failures {
                count,
                last_at: at(0),
            };
            (failures.wait_until(AttemptKind::Name) - at(0)).num_seconds()
        };
        assert_eq!(
            [1, 4, 5, 6, 7, 13, 14, 1000, u32::MAX].map(wait),
            [0, 0, 1, 2, 4, 256, 300, 300, 300]
        );
    }

    #[test]
    fn after_an_hour_of_peace_all_is_forgotten() {
        let many = Failures {
            count: 9,
            last_at: at(0),
        };
        assert_eq!(Failures::and_one(Some(many), at(3_599)).count, 10);
        assert_eq!(Failures::and_one(Some(many), at(3_600)).count, 1);
    }

    #[test]
    fn a_name_counts_however_it_is_written() {
        assert_eq!(AttemptKey::of_name(" Anna"), AttemptKey::of_name("anna"));
        assert_ne!(AttemptKey::of_name("anna"), AttemptKey::of_name("ben"));
    }
}
