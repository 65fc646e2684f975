//! What the simulated hotline is like. Everything has a default; a profile names only what is different.

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use domain::event::OverflowTarget;

mod defaults;

/// Quarters of an hour of a local day.
pub(crate) const QUARTERS_OF_A_DAY: usize = 96;

/// Why a profile cannot be simulated. The texts name the key and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// Nobody can be called.
    #[error("hotlines: name at least one with a weight above 0")]
    NoHotline,
    /// A hotline is named twice.
    #[error("hotlines: {0:?} is named twice; remove one")]
    HotlineTwice(String),
    /// A team or an overflow rule names a hotline that is not there.
    #[error("{key}: {hotline:?} is not among the hotlines; add it there or correct the name")]
    UnknownHotline {
        /// Where it is named.
        key: String,
        /// The name.
        hotline: String,
    },
    /// A hotline overflows to itself.
    #[error("hotlines: {0:?} overflows to itself; name another hotline, a site or a network")]
    OverflowsToItself(String),
    /// Nobody serves a hotline.
    #[error("teams: nobody serves {0:?}; add it to the hotlines of a team with agents")]
    NobodyServes(String),
    /// Not one weight a quarter of an hour.
    #[error(
        "quarter_hour_weights: {0} values; give 96 of 0 or more, one a quarter of an hour from midnight, not all 0"
    )]
    Weights(usize),
    /// A share, factor, rate or duration that cannot be.
    #[error("{0}: must be a number of 0 or more, a share at most 1")]
    Number(&'static str),
    /// The hours are upside down.
    #[error("{0}: must end after it starts")]
    Hours(&'static str),
}

/// A hotline as the simulation plays it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The zone of all local times.
    #[serde(with = "zone_name")]
    pub zone: Tz,
    /// When the hotline opens on a day of service.
    pub opens: NaiveTime,
    /// When it closes.
    pub closes: NaiveTime,
    /// The days of service.
    pub open_days: Vec<Weekday>,
    /// Days without service, such as public holidays.
    pub closed_days: Vec<NaiveDate>,
    /// Inbound calls expected on a day whose factors are 1.
    pub calls_per_day: f64,
    /// Factor of the calls for Monday to Sunday.
    pub weekday_factors: [f64; 7],
    /// Factor of the calls for January to December.
    pub month_factors: [f64; 12],
    /// How much days of the same kind differ: sigma of a lognormal factor.
    pub day_sigma: f64,
    /// How the calls of a day are spread over its quarters of an hour, from midnight; any scale.
    pub quarter_hour_weights: Vec<f64>,
    /// The hotlines.
    pub hotlines: Vec<HotlineProfile>,
    /// Who answers.
    pub teams: Vec<TeamProfile>,
    /// The shifts that the agents of every team are spread over.
    pub shifts: Vec<ShiftProfile>,
    /// What citizens are like.
    pub callers: CallerProfile,
    /// What a conversation is like.
    pub service: ServiceProfile,
    /// Contacts beside the inbound calls.
    pub contacts: ContactProfile,
}

/// One hotline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotlineProfile {
    /// Its name, as in field 5.
    pub name: String,
    /// Its share of the calls; any scale.
    pub weight: f64,
    /// The number that is dialled.
    pub dialled_address: String,
    /// Where written contacts go.
    pub mail_address: String,
    /// Conversation without hold.
    pub talk: Spread,
    /// Share of the answered calls that end in a callback request.
    pub callback_share: f64,
    /// Callers that may wait; the next one hears the busy tone.
    pub queue_limit: usize,
    /// Where those go that wait too long.
    #[serde(default)]
    pub overflow: Option<OverflowRule>,
    /// Whether those that wait long may leave a voice message.
    #[serde(default)]
    pub voice_message: Option<VoiceMessageRule>,
}

/// When a call overflows, and where to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverflowRule {
    /// After this wait, in seconds.
    pub after_s: f64,
    /// Share of the calls that the rule takes.
    pub share: f64,
    /// Another hotline, site or network.
    pub to: OverflowTarget,
}

/// When a caller is offered to leave a voice message.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceMessageRule {
    /// After this wait, in seconds.
    pub after_s: f64,
    /// Share of the callers that take the offer.
    pub share: f64,
}

/// A lognormal duration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The mean in seconds.
    pub mean_s: f64,
    /// Sigma of the logarithm: 0 is always the mean, 1 is wide.
    pub sigma: f64,
}

/// Agents with the same skills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamProfile {
    /// The first part of its agents' names.
    pub name: String,
    /// How many agents it has, all shifts together.
    pub agents: usize,
    /// The hotlines that it serves.
    pub hotlines: Vec<String>,
}

/// A shift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftProfile {
    /// Its start.
    pub from: NaiveTime,
    /// Its end; a conversation that is under way is finished.
    pub to: NaiveTime,
    /// Its share of the agents; any scale.
    pub weight: f64,
    /// Length of the break in its middle, in minutes.
    pub break_minutes: u32,
}

/// What citizens are like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallerProfile {
    /// How long they wait before they hang up.
    pub patience: Spread,
    /// Share that hangs up as soon as there is a queue, within seconds.
    pub impatient_share: f64,
    /// Greeting and menu before the queue.
    pub announcement: Spread,
    /// Share that hangs up during it.
    pub announcement_hang_up_share: f64,
    /// Share that reaches the topic directly.
    pub direct_topic_share: f64,
    /// Share that withholds the number.
    pub withheld_share: f64,
    /// Share of those that gave up who call again.
    pub redial_share: f64,
    /// Share of the calls that fail for technical reasons.
    pub failed_share: f64,
}

/// What the agents' side of a call is like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceProfile {
    /// Ringing until an agent answers.
    pub ring: Spread,
    /// Share of the ringings that nobody answers.
    pub ring_unanswered_share: f64,
    /// How long those ring, in seconds.
    pub ring_limit_s: f64,
    /// Share of the conversations with a hold.
    pub hold_share: f64,
    /// One hold.
    pub hold: Spread,
    /// Share of the holds during which the agent consults somebody.
    pub consult_share: f64,
    /// Conversation with the consulted person.
    pub consult_talk: Spread,
    /// Share of the holds that end with a hang-up.
    pub hang_up_on_hold_share: f64,
    /// Share of the conversations that are handed on into another hotline.
    pub transfer_share: f64,
    /// Share of the conversations that are handed on out of the house.
    pub transfer_out_share: f64,
    /// Share of the conversations with after-call work.
    pub after_call_work_share: f64,
    /// The after-call work.
    pub after_call_work: Spread,
}

/// Contacts beside the inbound calls, as expected number a call; they come during service hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactProfile {
    /// E-mails.
    pub email: f64,
    /// Letters.
    pub letter: f64,
    /// Faxes.
    pub fax: f64,
    /// Chats.
    pub chat: f64,
    /// Voice messages that agents work on.
    pub voice_message: f64,
    /// Calls placed by agents.
    pub outbound: f64,
    /// Calls back to citizens.
    pub callback: f64,
    /// Attempts of the dialer.
    pub dialer: f64,
}

impl Profile {
    /// The profile with another number of calls a day, and agents to match: small teams need more of them for each
    /// call (the square-root rule of staffing), and never fewer than two.
    pub fn with_calls_per_day(mut self, calls_per_day: f64) -> Self {
        let factor = calls_per_day / self.calls_per_day;
        self.calls_per_day = calls_per_day;
        if !is_amount(factor) {
            return self;
        }
        for team in &mut self.teams {
            let agents = team.agents as f64 * (0.75 * factor + 0.25 * factor.sqrt());
            team.agents = (agents.round() as usize).max(2);
        }
        for hotline in &mut self.hotlines {
            hotline.queue_limit = ((hotline.queue_limit as f64 * factor).round() as usize).max(2);
        }
        self
    }

    /// Whether there is service on a day.
    pub fn is_open_on(&self, date: NaiveDate) -> bool {
        self.open_days.contains(&date.weekday()) && !self.closed_days.contains(&date)
    }

    /// The position of a hotline.
    pub(crate) fn position(&self, hotline: &str) -> Option<usize> {
        self.hotlines.iter().position(|known| known.name == hotline)
    }

    /// Checks that the profile can be played.
    ///
    /// # Errors
    /// [`ProfileError`] names the first key that cannot be.
    pub fn check(&self) -> Result<(), ProfileError> {
        self.check_times()?;
        self.check_hotlines()?;
        self.check_numbers()
    }

    fn check_times(&self) -> Result<(), ProfileError> {
        if self.opens >= self.closes {
            return Err(ProfileError::Hours("closes"));
        }
        if self.shifts.is_empty() || self.shifts.iter().any(|shift| shift.from >= shift.to) {
            return Err(ProfileError::Hours("shifts"));
        }
        let weights = &self.quarter_hour_weights;
        let usable =
            weights.iter().all(|weight| is_amount(*weight)) && weights.iter().any(|weight| *weight > 0.0);
        if weights.len() != QUARTERS_OF_A_DAY || !usable {
            return Err(ProfileError::Weights(weights.len()));
        }
        Ok(())
    }

    fn check_hotlines(&self) -> Result<(), ProfileError> {
        if !self.hotlines.iter().any(|hotline| hotline.weight > 0.0) {
            return Err(ProfileError::NoHotline);
        }
        let unknown = |key: &str, hotline: &str| match self.position(hotline) {
            Some(_) => Ok(()),
            None => Err(ProfileError::UnknownHotline {
                key: key.to_owned(),
                hotline: hotline.to_owned(),
            }),
        };
        for team in &self.teams {
            for hotline in &team.hotlines {
                unknown(&format!("teams: {}", team.name), hotline)?;
            }
        }
        for (position, hotline) in self.hotlines.iter().enumerate() {
            if self.position(&hotline.name) != Some(position) {
                return Err(ProfileError::HotlineTwice(hotline.name.clone()));
            }
            if !self
                .teams
                .iter()
                .any(|team| team.agents > 0 && team.hotlines.contains(&hotline.name))
            {
                return Err(ProfileError::NobodyServes(hotline.name.clone()));
            }
            if let Some(OverflowRule {
                to: OverflowTarget::Hotline(to),
                ..
            }) = &hotline.overflow
            {
                unknown(&format!("hotlines: overflow of {}", hotline.name), to.as_str())?;
                if to.as_str() == hotline.name {
                    return Err(ProfileError::OverflowsToItself(hotline.name.clone()));
                }
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), ProfileError> {
        let (callers, service, contacts) = (&self.callers, &self.service, &self.contacts);
        let amounts = [
            ("calls_per_day", self.calls_per_day),
            ("day_sigma", self.day_sigma),
            ("ring_limit_s", service.ring_limit_s),
            (
                "contacts",
                contacts.email + contacts.letter + contacts.fax + contacts.chat,
            ),
            (
                "contacts",
                contacts.voice_message + contacts.outbound + contacts.callback + contacts.dialer,
            ),
        ];
        let factors = self
            .weekday_factors
            .iter()
            .map(|factor| ("weekday_factors", *factor));
        let months = self.month_factors.iter().map(|factor| ("month_factors", *factor));
        let shifts = self.shifts.iter().map(|shift| ("shifts", shift.weight));
        let hotlines = self.hotlines.iter().map(|hotline| ("hotlines", hotline.weight));
        let spreads = [
            ("patience", callers.patience),
            ("announcement", callers.announcement),
            ("ring", service.ring),
            ("hold", service.hold),
            ("consult_talk", service.consult_talk),
            ("after_call_work", service.after_call_work),
        ];
        let talks = self.hotlines.iter().map(|hotline| ("talk", hotline.talk));
        let spreads = spreads
            .into_iter()
            .chain(talks)
            .flat_map(|(key, spread)| [(key, spread.mean_s), (key, spread.sigma)]);
        let mut amounts = amounts
            .into_iter()
            .chain(factors)
            .chain(months)
            .chain(shifts)
            .chain(hotlines)
            .chain(spreads);
        if let Some((key, _)) = amounts.find(|(_, amount)| !is_amount(*amount)) {
            return Err(ProfileError::Number(key));
        }
        let mut shares = callers
            .shares()
            .into_iter()
            .chain(service.shares())
            .chain(self.hotlines.iter().flat_map(shares_of));
        match shares.find(|(_, share)| !(0.0..=1.0).contains(share)) {
            Some((key, _)) => Err(ProfileError::Number(key)),
            None => Ok(()),
        }
    }
}

fn is_amount(amount: f64) -> bool {
    amount.is_finite() && amount >= 0.0
}

fn shares_of(hotline: &HotlineProfile) -> [(&'static str, f64); 3] {
    [
        ("callback_share", hotline.callback_share),
        (
            "overflow",
            hotline.overflow.as_ref().map_or(0.0, |rule| rule.share),
        ),
        (
            "voice_message",
            hotline.voice_message.map_or(0.0, |rule| rule.share),
        ),
    ]
}

impl CallerProfile {
    fn shares(&self) -> [(&'static str, f64); 6] {
        [
            ("impatient_share", self.impatient_share),
            ("announcement_hang_up_share", self.announcement_hang_up_share),
            ("direct_topic_share", self.direct_topic_share),
            ("withheld_share", self.withheld_share),
            ("redial_share", self.redial_share),
            ("failed_share", self.failed_share),
        ]
    }
}

impl ServiceProfile {
    fn shares(&self) -> [(&'static str, f64); 7] {
        [
            ("ring_unanswered_share", self.ring_unanswered_share),
            ("hold_share", self.hold_share),
            ("consult_share", self.consult_share),
            ("hang_up_on_hold_share", self.hang_up_on_hold_share),
            ("transfer_share", self.transfer_share),
            ("transfer_out_share", self.transfer_out_share),
            ("after_call_work_share", self.after_call_work_share),
        ]
    }
}

/// A zone by its IANA name.
mod zone_name {
    use chrono_tz::Tz;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse()
            .map_err(|_| D::Error::custom(format!("zone: {name:?} is not an IANA time zone")))
    }
}
