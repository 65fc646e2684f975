//! Targets of the rules: kept or missed, by interval, day and month, and how many more may miss.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Utc};
use domain::counts::Interval;
use domain::figures::{Target, TargetScope};
use domain::ids::HotlineName;
use domain::local_time;
use domain::policy::Share;
use domain::span::{Span, Step, cut};
use store::answers::{AnswerCounts, AnswerStore, Answers};
use tonic::Status;
use wire::v1::reporting as proto;

use crate::counted::Row;
use crate::figures::{Asking, spans, step};
use crate::scope::{Grouping, Scope};
use crate::service::status;

/// The ways in which a range is cut.
struct Cuts {
    /// What is read: each of the others consists of some of these.
    read: Vec<Span>,
    intervals: Vec<Span>,
    days: Vec<Span>,
    months: Vec<Span>,
}

/// How the targets of the rules were kept.
pub(crate) async fn promise(
    asking: &Asking,
    tickets: &Arc<dyn store::tickets::TicketStore>,
    request: proto::PromiseRequest,
) -> Result<proto::PromiseResponse, Status> {
    let by = request.by();
    let scope = asking
        .scope(Some(proto::Scope {
            from: request.from.clone(),
            to: request.to.clone(),
            zone: request.zone.clone(),
            ..proto::Scope::default()
        }))
        .await?;
    let step = step(&request.interval)?;
    let intervals = spans(&scope, step)?;
    let days = cut(Step::Day, scope.from, scope.to, scope.zone);
    let cuts = Cuts {
        read: if step.is_days() {
            days.clone()
        } else {
            intervals.clone()
        },
        intervals,
        days,
        months: cut(Step::Month, scope.from, scope.to, scope.zone),
    };
    let answers = answers(asking, tickets.as_ref(), &scope).await?;
    let by_hotline = by == proto::Grouping::Hotline;
    let mut targets = Vec::new();
    for target in asking.book.figures.targets() {
        let mut target = target.clone();
        if let Some(level) = target
            .service_level
            .as_mut()
            .filter(|_| !request.policy.is_empty())
        {
            asking.policy(&request.policy)?;
            level.policy = Some(request.policy.clone());
        }
        let parts = if by_hotline {
            single(asking, &target)
        } else {
            vec![target]
        };
        for part in parts {
            targets.push(report(asking, &scope, &cuts, &part, &answers).await?);
        }
    }
    Ok(proto::PromiseResponse {
        from: scope.from.to_string(),
        to: scope.to.to_string(),
        zone: scope.zone_name(),
        interval: step.name().to_owned(),
        rules_version: asking.book.version.0,
        targets,
    })
}

/// The target of each hotline that is held to it and to no narrower one.
fn single(asking: &Asking, target: &Target) -> Vec<Target> {
    let figures = &asking.book.figures;
    let has_narrower = |hotline: &HotlineName| {
        figures
            .targets()
            .iter()
            .any(|other| match (&target.scope, &other.scope) {
                (TargetScope::All, TargetScope::Group(name)) => {
                    figures.group_of(hotline).is_some_and(|group| group.name == *name)
                }
                (TargetScope::All | TargetScope::Group(_), TargetScope::Hotline(own)) => own == hotline,
                _ => false,
            })
    };
    let hotlines = figures
        .hotlines_of(&target.scope)
        .unwrap_or_else(|| asking.known());
    let alone = |hotline| Target {
        scope: TargetScope::Hotline(hotline),
        ..target.clone()
    };
    hotlines
        .into_iter()
        .filter(|hotline| !has_narrower(hotline))
        .map(alone)
        .collect()
}

/// The answers of the range, if any target is about them.
async fn answers(asking: &Asking, tickets: &dyn AnswerStore, scope: &Scope) -> Result<Vec<Answers>, Status> {
    if asking
        .book
        .figures
        .targets()
        .iter()
        .all(|target| target.answers.is_none())
    {
        return Ok(Vec::new());
    }
    let Span { start, end } = scope.span();
    let (from, to) = (Interval::containing(start), Interval::containing(end));
    tickets
        .answers(from, to, asking.now)
        .await
        .map_err(|error| status(&error))
}

async fn report(
    asking: &Asking,
    scope: &Scope,
    cuts: &Cuts,
    target: &Target,
    answers: &[Answers],
) -> Result<proto::TargetReport, Status> {
    let hotlines = asking.book.figures.hotlines_of(&target.scope);
    let policy = asking.promised(target.service_level.as_ref(), &scope.policy);
    let scope = Scope {
        by: Grouping::None,
        hotlines: hotlines.clone().unwrap_or_default(),
        policy,
        ..scope.clone()
    };
    let counted = asking.busy_figures(&scope, &cuts.read).await?;
    let calendar = |span: Span| service_days(asking, &scope, span);
    let promised = |target: f64, shares: &[Share]| cuts.promised(target, shares, asking.now, &calendar);
    let of_row = |measure: &dyn Fn(&crate::sum::Sum) -> Share, row: &Row| -> Vec<Share> {
        row.sums().map(measure).collect()
    };
    let mine = |answers: &&Answers| match (&hotlines, &answers.hotline) {
        (None, _) => true,
        (Some(hotlines), Some(hotline)) => hotlines.contains(hotline),
        _ => false,
    };
    let answered = cuts.answered(answers.iter().filter(mine));
    let level = target.service_level.as_ref();
    Ok(proto::TargetReport {
        of: target.scope.kind().to_owned(),
        name: target.scope.name().to_owned(),
        as_of: counted.version.to_string(),
        policy: level.map(|_| scope.policy.shown()),
        service_level: level.map(|level| promised(level.share, &of_row(&|sum| sum.share, &counted.total))),
        first_contact: target
            .first_contact
            .map(|share| promised(share, &of_row(&crate::sum::Sum::settled, &counted.total))),
        answers: target.answers.map(|share| {
            let shares: Vec<Share> = answered.iter().map(of_answers).collect();
            promised(share, &shares)
        }),
        answers_open: answered.iter().map(|counts| counts.open).sum(),
    })
}

/// Tickets settled by their due time, of all but those that are open and not due yet.
fn of_answers(counts: &AnswerCounts) -> Share {
    Share {
        met: counts.in_time,
        of: counts.in_time + counts.late + counts.overdue,
    }
}

/// Service days of a span until now, and all of them, up to the end of its month.
fn service_days(asking: &Asking, scope: &Scope, span: Span) -> (i64, i64) {
    let calendar = asking.book.routing.calendar();
    let day = |at: DateTime<Utc>| at.with_timezone(&scope.zone).date_naive();
    let (first, today) = (day(span.start), day(asking.now));
    let mut counts = (0, 0);
    let mut date = first;
    while date.month() == first.month() {
        if calendar.is_service_day(date) {
            counts.0 += i64::from(date <= today);
            counts.1 += 1;
        }
        date = local_time::next(date);
    }
    counts
}

impl Cuts {
    fn answered<'a>(&self, answers: impl Iterator<Item = &'a Answers>) -> Vec<AnswerCounts> {
        let mut counts = vec![AnswerCounts::default(); self.read.len()];
        for answers in answers {
            let start = answers.logged.start();
            let after = self.read.partition_point(|span| span.start <= start);
            if let Some(place) = after.checked_sub(1) {
                counts[place] += answers.counts;
            }
        }
        counts
    }

    /// Shares of what was read, held against a target in every way of cutting.
    fn promised(
        &self,
        target: f64,
        shares: &[Share],
        now: DateTime<Utc>,
        service_days: &dyn Fn(Span) -> (i64, i64),
    ) -> proto::PromisedShare {
        let kept = |spans: &[Span]| -> Vec<proto::KeptShare> {
            let added = self.added(shares, spans);
            let each = spans.iter().zip(added);
            each.map(|(span, share)| kept(target, *span, share)).collect()
        };
        let whole = Span {
            start: self.read[0].start,
            end: self.read[self.read.len() - 1].end,
        };
        let mut months = kept(&self.months);
        for (month, span) in months.iter_mut().zip(&self.months) {
            if span.start <= now && now < span.end {
                let (so_far, all) = service_days(*span);
                let expected = if so_far > 0 {
                    month.of as f64 * all as f64 / so_far as f64
                } else {
                    month.of as f64
                };
                month.may_miss_until_end = Some(may_miss(target, expected) - (month.of - month.met));
            }
        }
        proto::PromisedShare {
            target,
            whole: kept(&[whole]).pop(),
            intervals: kept(&self.intervals),
            days: kept(&self.days),
            months,
        }
    }

    /// What was read, added up into longer spans.
    fn added(&self, shares: &[Share], spans: &[Span]) -> Vec<Share> {
        let mut added = vec![Share::default(); spans.len()];
        for (span, share) in self.read.iter().zip(shares) {
            let after = spans.partition_point(|longer| longer.start <= span.start);
            if let Some(place) = after.checked_sub(1) {
                added[place] += *share;
            }
        }
        added
    }
}

/// So many of `of` may miss a target: the rest still keeps it.
fn may_miss(target: f64, of: f64) -> i64 {
    // A share such as 0.9 is not exact: a visit is not lost to its last binary place.
    ((1.0 - target) * of + 1e-9).floor() as i64
}

fn kept(target: f64, span: Span, share: Share) -> proto::KeptShare {
    let missed = share.of - share.met;
    let budget = may_miss(target, share.of as f64);
    proto::KeptShare {
        start_unix_s: span.start.timestamp(),
        end_unix_s: span.end.timestamp(),
        met: share.met,
        of: share.of,
        share: share.ratio(),
        kept: (share.of > 0).then_some(missed <= budget),
        may_miss: budget - missed,
        used_up: (budget > 0).then(|| missed as f64 / budget as f64),
        may_miss_until_end: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(met: i64, of: i64) -> proto::KeptShare {
        let now = DateTime::<Utc>::default();
        kept(0.75, Span { start: now, end: now }, Share { met, of })
    }

    #[test]
    fn a_target_is_kept_up_to_the_last_that_may_miss() {
        assert_eq!((held(75, 100).kept, held(75, 100).may_miss), (Some(true), 0));
        assert_eq!((held(74, 100).kept, held(74, 100).may_miss), (Some(false), -1));
        assert_eq!((held(90, 100).may_miss, held(90, 100).used_up), (15, Some(0.4)));
        assert_eq!(
            (held(0, 0).kept, held(0, 0).share, held(0, 0).used_up),
            (None, None, None)
        );
        assert_eq!((held(2, 3).kept, held(2, 3).used_up), (Some(false), None));
    }

    #[test]
    fn a_share_that_is_met_exactly_is_met() {
        for (target, of) in [(0.9, 10), (0.7, 10), (0.65, 20), (0.35, 20)] {
            let met = (target * of as f64).round() as i64;
            assert_eq!(may_miss(target, of as f64), of - met, "{target} of {of}");
        }
    }
}
