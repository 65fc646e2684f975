//! The built-in hotline: five topics, some 3,000 calls a day, staffed to answer 75 % within 30 seconds even on most
//! Mondays.

use chrono::{NaiveTime, TimeDelta, Weekday};
use domain::event::OverflowTarget;
use domain::ids::HotlineName;

use super::{
    CallerProfile, ContactProfile, HotlineProfile, OverflowRule, Profile, QUARTERS_OF_A_DAY, ServiceProfile,
    ShiftProfile, Spread, TeamProfile, VoiceMessageRule,
};

const BUERGERTELEFON: &str = "Bürgertelefon";
const AUSKUNFT: &str = "Allgemeine Auskunft";
const STEUERN: &str = "Steuern und Finanzen";
const SCHULE: &str = "Schule und Bildung";
const UMWELT: &str = "Umwelt";

impl Default for Profile {
    fn default() -> Self {
        Self {
            zone: chrono_tz::Europe::Berlin,
            opens: clock(8, 0),
            closes: clock(18, 0),
            open_days: vec![
                Weekday::Mon,
                Weekday::Tue,
                Weekday::Wed,
                Weekday::Thu,
                Weekday::Fri,
            ],
            closed_days: Vec::new(),
            calls_per_day: 3000.0,
            weekday_factors: [1.2, 1.05, 0.95, 1.0, 0.8, 0.05, 0.03],
            month_factors: [1.15, 1.1, 1.1, 0.95, 1.0, 1.0, 0.9, 0.95, 1.05, 0.95, 1.0, 0.85],
            day_sigma: 0.07,
            quarter_hour_weights: (0..QUARTERS_OF_A_DAY)
                .map(|quarter| weight_at(quarter as f64 / 4.0))
                .collect(),
            hotlines: hotlines(),
            teams: vec![
                team("service", 20, &[BUERGERTELEFON, AUSKUNFT]),
                team("tax", 11, &[STEUERN, AUSKUNFT]),
                team("topics", 12, &[SCHULE, UMWELT]),
            ],
            shifts: vec![
                shift((8, 0), (16, 30), 4.0, 30),
                shift((10, 0), (18, 0), 2.5, 30),
                shift((8, 30), (12, 30), 2.0, 0),
                shift((14, 0), (18, 0), 1.0, 0),
            ],
            callers: CallerProfile::default(),
            service: ServiceProfile::default(),
            contacts: ContactProfile::default(),
        }
    }
}

impl Default for CallerProfile {
    fn default() -> Self {
        Self {
            patience: Spread {
                mean_s: 240.0,
                sigma: 1.0,
            },
            impatient_share: 0.02,
            announcement: Spread {
                mean_s: 9.0,
                sigma: 0.4,
            },
            announcement_hang_up_share: 0.03,
            direct_topic_share: 0.35,
            withheld_share: 0.18,
            redial_share: 0.3,
            failed_share: 0.002,
        }
    }
}

impl Default for ServiceProfile {
    fn default() -> Self {
        Self {
            ring: Spread {
                mean_s: 5.0,
                sigma: 0.5,
            },
            ring_unanswered_share: 0.025,
            ring_limit_s: 20.0,
            hold_share: 0.16,
            hold: Spread {
                mean_s: 45.0,
                sigma: 0.7,
            },
            consult_share: 0.35,
            consult_talk: Spread {
                mean_s: 40.0,
                sigma: 0.6,
            },
            hang_up_on_hold_share: 0.03,
            transfer_share: 0.04,
            transfer_out_share: 0.02,
            after_call_work_share: 0.7,
            after_call_work: Spread {
                mean_s: 55.0,
                sigma: 0.7,
            },
        }
    }
}

impl Default for ContactProfile {
    fn default() -> Self {
        Self {
            email: 0.06,
            letter: 0.006,
            fax: 0.004,
            chat: 0.02,
            voice_message: 0.008,
            outbound: 0.02,
            callback: 0.04,
            dialer: 0.02,
        }
    }
}

fn hotlines() -> Vec<HotlineProfile> {
    let hotline = |name: &str, weight, line: u32, mailbox: &str, talk_s, callback_share| HotlineProfile {
        name: name.to_owned(),
        weight,
        dialled_address: format!("+492214710{line}"),
        mail_address: format!("{mailbox}@example.org"),
        talk: Spread {
            mean_s: talk_s,
            sigma: 0.8,
        },
        callback_share,
        queue_limit: 60,
        overflow: None,
        voice_message: Some(VoiceMessageRule {
            after_s: 60.0,
            share: 0.2,
        }),
    };
    let overflow = |after_s, share, to| Some(OverflowRule { after_s, share, to });
    let to_hotline = |name: &str| OverflowTarget::Hotline(HotlineName::new(name));
    vec![
        HotlineProfile {
            overflow: overflow(75.0, 0.5, OverflowTarget::Site("Köln".to_owned())),
            ..hotline(BUERGERTELEFON, 0.34, 900, "buergertelefon", 200.0, 0.10)
        },
        HotlineProfile {
            overflow: None,
            ..hotline(AUSKUNFT, 0.24, 901, "auskunft", 120.0, 0.05)
        },
        HotlineProfile {
            overflow: overflow(60.0, 0.5, to_hotline(AUSKUNFT)),
            ..hotline(STEUERN, 0.20, 902, "steuern", 260.0, 0.20)
        },
        HotlineProfile {
            overflow: overflow(75.0, 0.5, to_hotline(BUERGERTELEFON)),
            ..hotline(SCHULE, 0.13, 903, "schule", 280.0, 0.18)
        },
        HotlineProfile {
            overflow: overflow(75.0, 0.5, OverflowTarget::Network("115".to_owned())),
            ..hotline(UMWELT, 0.09, 904, "umwelt", 240.0, 0.16)
        },
    ]
}

fn team(name: &str, agents: usize, hotlines: &[&str]) -> TeamProfile {
    let hotlines = hotlines.iter().map(|hotline| (*hotline).to_owned()).collect();
    TeamProfile {
        name: name.to_owned(),
        agents,
        hotlines,
    }
}

fn shift(from: (u32, u32), to: (u32, u32), weight: f64, break_minutes: u32) -> ShiftProfile {
    ShiftProfile {
        from: clock(from.0, from.1),
        to: clock(to.0, to.1),
        weight,
        break_minutes,
    }
}

fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::MIN + TimeDelta::minutes(i64::from(hour * 60 + minute))
}

/// The day as hotlines know it: a peak before noon, a smaller one in the afternoon, a trickle at night. Linear
/// between the points (hour, weight).
fn weight_at(hour: f64) -> f64 {
    const POINTS: [(f64, f64); 14] = [
        (0.0, 0.01),
        (5.0, 0.01),
        (7.0, 0.08),
        (7.99, 0.25),
        (8.0, 0.75),
        (9.5, 1.45),
        (11.0, 1.5),
        (12.5, 1.0),
        (14.0, 1.15),
        (15.5, 0.95),
        (17.75, 0.6),
        (18.0, 0.12),
        (21.0, 0.04),
        (24.0, 0.01),
    ];
    let next = POINTS
        .iter()
        .position(|(from, _)| *from > hour)
        .unwrap_or(POINTS.len() - 1)
        .max(1);
    let ((from, before), (to, after)) = (POINTS[next - 1], POINTS[next]);
    let weight = before + (after - before) * (hour - from) / (to - from);
    (weight * 1000.0).round() / 1000.0
}
