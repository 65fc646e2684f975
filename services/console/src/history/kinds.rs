//! The reports that the history shows: what the services are asked for, and what is drawn of their answers.

use std::collections::BTreeMap;

use reports::Report;
use reports::intervals::zone;
use tonic::{Code, Status};
use wire::v1::reporting as proto;

use super::asked::{Filter, WITHIN};
use super::charts::{Chart, Line, beside_weeks_before};
use super::choices::Choices;
use crate::backend::{Connection, Services};

/// Largest answer that is taken, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// The percentiles that are told.
const PER_CENTS: [u32; 5] = [50, 80, 90, 95, 99];
/// A report of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Intervals,
    Percentiles,
    Promise,
    Compare,
    Profile,
    Changes,
}

/// A report, and what a page has beside its tables.
pub(super) struct Made {
    pub(super) report: Report,
    pub(super) charts: Vec<Chart>,
    /// Of the service levels; none where there are none.
    pub(super) policy: Option<proto::Policy>,
    /// Which state of the figures it is; empty where a page has several.
    pub(super) as_of: String,
    /// What there is to say about the tables.
    pub(super) remark: &'static str,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Intervals,
        Self::Percentiles,
        Self::Promise,
        Self::Compare,
        Self::Profile,
        Self::Changes,
    ];

    /// In addresses of exports and names of files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Intervals => "intervalle",
            Self::Percentiles => "perzentile",
            Self::Promise => "zusagen",
            Self::Compare => "vergleich",
            Self::Profile => "wochenprofil",
            Self::Changes => "aenderungen",
        }
    }

    /// Reads what [`Kind::name`] gives.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether its answer grows with the number of intervals.
    pub(super) fn is_by_interval(self) -> bool {
        matches!(self, Self::Intervals | Self::Percentiles | Self::Promise)
    }

    /// What it is called.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Intervals => "Intervalle",
            Self::Percentiles => "Perzentile",
            Self::Promise => "Zusagen",
            Self::Compare => "Vergleich",
            Self::Profile => "Wochenprofil",
            Self::Changes => "Änderungen",
        }
    }

    /// Its page.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Intervals => "/verlauf",
            Self::Percentiles => "/verlauf/perzentile",
            Self::Promise => "/verlauf/zusagen",
            Self::Compare => "/verlauf/vergleich",
            Self::Profile => "/verlauf/wochenprofil",
            Self::Changes => "/verlauf/aenderungen",
        }
    }

    /// Asks for it.
    pub(super) async fn make(
        self,
        services: &Services,
        filter: &Filter,
        choices: &Choices,
    ) -> Result<Made, Status> {
        let asking = Asking {
            services,
            filter,
            choices,
        };
        match self {
            Self::Intervals => asking.intervals().await,
            Self::Percentiles => asking.percentiles().await,
            Self::Promise => asking.promise().await,
            Self::Compare => asking.compare().await,
            Self::Profile => asking.profile().await,
            Self::Changes => asking.changes().await,
        }
    }
}

pub(super) type Figures = proto::figures_client::FiguresClient<Connection>;

/// The figures, with room for large answers.
pub(super) fn figures(services: &Services) -> Figures {
    services.figures().max_decoding_message_size(ANSWER_BYTES_MAX)
}

struct Asking<'a> {
    services: &'a Services,
    filter: &'a Filter,
    choices: &'a Choices,
}

impl Asking<'_> {
    async fn intervals(&self) -> Result<Made, Status> {
        let filter = self.filter;
        let told = intervals(self.services, filter.scope(self.choices), &filter.interval).await?;
        let weeks_before = proto::Scope {
            by: proto::Grouping::Unspecified.into(),
            ..filter.scope_of(&filter.days.weeks_before(), self.choices)
        };
        let before = intervals(self.services, weeks_before, &filter.interval).await?;
        let [this, other] = [&told, &before].map(|told| told.intervals.first().cloned().unwrap_or_default());
        let charts = match this.len() {
            // A single point is no line, and thousands are no chart.
            0 | 1 | 801.. => Vec::new(),
            _ => beside_weeks_before(zone(&told.head.zone), &filter.days, &this, &other),
        };
        Ok(Made {
            charts,
            policy: told.head.policy.clone(),
            as_of: told.head.as_of.clone(),
            report: told.report(&WITHIN),
            remark: "Ein Anruf zählt ganz in dem Intervall, in dem er angeboten wurde. Wo nichts war, steht kein Anteil.",
        })
    }

    async fn percentiles(&self) -> Result<Made, Status> {
        let request = proto::PercentilesRequest {
            scope: Some(self.filter.scope(self.choices)),
            per_cents: PER_CENTS.to_vec(),
            interval: match self.filter.interval_given {
                true => self.filter.interval.clone(),
                false => String::new(),
            },
        };
        let mut told = reports::percentiles::Told::default();
        let mut client = figures(self.services);
        if self.filter.interval_given {
            let mut chunks = client.percentiles_by_interval(request).await?.into_inner();
            while let Some(chunk) = chunks.message().await? {
                told.add(chunk);
            }
        } else {
            told.head = client.percentiles(request).await?.into_inner();
        }
        Ok(Made {
            charts: Vec::new(),
            policy: None,
            as_of: told.head.as_of.clone(),
            report: told.report(&PER_CENTS),
            remark: "Sekunden, höchstens: So viele Anrufe von hundert wurden spätestens nach dieser Zeit angenommen oder \
                     haben spätestens dann aufgelegt. Ein Wert ist die obere Grenze seiner Klasse und um weniger als die \
                     Fehlerschranke zu groß.",
        })
    }

    async fn promise(&self) -> Result<Made, Status> {
        let filter = self.filter;
        let request = proto::PromiseRequest {
            from: filter.days.from.to_string(),
            to: filter.days.end().to_string(),
            zone: filter.zone.clone(),
            interval: match filter.interval_given {
                true => filter.interval.clone(),
                false => "1d".to_owned(),
            },
            by: filter.grouping().into(),
            policy: filter.policy.clone(),
        };
        let mut answer = figures(self.services).promise(request).await?.into_inner();
        let of = self.choices.group(&filter.group).unwrap_or_default();
        answer.targets.retain(|target| {
            let is_asked = |name: &str| filter.hotline == name || of.iter().any(|it| it == name);
            (filter.hotline.is_empty() && of.is_empty())
                || is_asked(&target.name)
                || target.name == filter.group
        });
        Ok(Made {
            charts: answer
                .targets
                .first()
                .map(|target| kept(target, &answer.zone))
                .unwrap_or_default(),
            policy: answer.targets.first().and_then(|target| target.policy.clone()),
            as_of: answer
                .targets
                .first()
                .map(|target| target.as_of.clone())
                .unwrap_or_default(),
            report: reports::promise::report(&answer),
            remark: "„Dürfen noch fehlen“: So viele weitere dürfen verfehlt werden, bevor das Ziel verfehlt ist; unter null \
                     ist es verfehlt. „Verbraucht“ ist der Anteil davon, der schon verfehlt wurde.",
        })
    }

    async fn compare(&self) -> Result<Made, Status> {
        let filter = self.filter;
        let this = self.totals(filter.scope(self.choices)).await?;
        let other = self.totals(filter.scope_of(&filter.other, self.choices)).await?;
        Ok(Made {
            charts: Vec::new(),
            policy: this.policy.clone(),
            as_of: this.as_of.clone(),
            report: reports::compare::report(&this, &other, &WITHIN),
            remark: "Je Gruppe drei Zeilen: dieser Zeitraum, der andere, und der Unterschied, dieser weniger der andere.",
        })
    }

    async fn totals(&self, scope: proto::Scope) -> Result<proto::TotalsResponse, Status> {
        totals(self.services, scope).await
    }

    async fn profile(&self) -> Result<Made, Status> {
        let filter = self.filter;
        let interval = match filter.interval.as_str() {
            short @ ("15m" | "30m" | "1h") if filter.interval_given => short,
            _ => "30m",
        };
        let request = proto::ProfileRequest {
            scope: Some(proto::Scope {
                by: proto::Grouping::Unspecified.into(),
                ..filter.scope(self.choices)
            }),
            interval: interval.to_owned(),
            service_days: filter.service_days,
        };
        let answer = figures(self.services).profile(request).await?.into_inner();
        Ok(Made {
            charts: vec![week(&answer)],
            policy: answer.policy.clone(),
            as_of: answer.as_of.clone(),
            report: reports::profile::report(&answer, &WITHIN),
            remark: "Summen je Wochentag und Uhrzeit über alle Tage des Zeitraums; „Angeboten am Tag“ ist ihr Mittel.",
        })
    }

    async fn changes(&self) -> Result<Made, Status> {
        let filter = self.filter;
        let answer = match filter.since.is_empty() {
            true => proto::ChangesResponse::default(),
            false => {
                let request = proto::ChangesRequest {
                    since: filter.since.clone(),
                    from: filter.days.from.to_string(),
                    to: filter.days.end().to_string(),
                    hotlines: filter.hotlines(self.choices),
                };
                figures(self.services).changes(request).await?.into_inner()
            }
        };
        Ok(Made {
            charts: Vec::new(),
            policy: None,
            as_of: answer.as_of.clone(),
            report: reports::changes::report(&filter.since, &answer),
            remark: "Was sich seit dem Stand eines Berichts an den Zahlen geändert hat: nachgelieferte und berichtigte Anrufe. \
                     Der Stand steht bei jedem Bericht.",
        })
    }
}

/// Figures by interval.
pub(super) async fn intervals(
    services: &Services,
    scope: proto::Scope,
    interval: &str,
) -> Result<reports::intervals::Told, Status> {
    let request = proto::IntervalsRequest {
        scope: Some(scope),
        interval: interval.to_owned(),
    };
    let mut chunks = figures(services).intervals(request).await?.into_inner();
    let mut told = reports::intervals::Told::default();
    while let Some(chunk) = chunks.message().await? {
        told.add(chunk);
    }
    Ok(told)
}

/// Sums over days.
pub(super) async fn totals(
    services: &Services,
    scope: proto::Scope,
) -> Result<proto::TotalsResponse, Status> {
    let by = scope.by();
    let request = proto::TotalsRequest {
        from: scope.from,
        to: scope.to,
        by_hotline: by == proto::Grouping::Hotline,
        by_group: by == proto::Grouping::Group,
        within_seconds: WITHIN.to_vec(),
        task_types: scope.task_types,
        hotlines: scope.hotlines,
        zone: scope.zone,
        policy: scope.policy,
    };
    let mut client = services.reporting().max_decoding_message_size(ANSWER_BYTES_MAX);
    Ok(client.totals(request).await?.into_inner())
}

/// The share of each day beside the target, and how the misses that are allowed are used up.
fn kept(target: &proto::TargetReport, zone: &str) -> Vec<Chart> {
    let Some(level) = &target.service_level else {
        return Vec::new();
    };
    if level.days.len() < 2 {
        return Vec::new();
    }
    let times: Vec<i64> = level.days.iter().map(|day| day.start_unix_s).collect();
    let share = level.days.iter().map(|day| day.share).collect();
    let promised = level.days.iter().map(|_| Some(level.target)).collect();
    let (mut missed, mut allowed) = (0, 0.0);
    let burnt = level.days.iter().map(|day| {
        missed += day.of - day.met;
        allowed += day.of as f64 * (1.0 - level.target);
        (Some(missed as f64), Some(allowed))
    });
    let (missed, allowed): (Vec<_>, Vec<_>) = burnt.unzip();
    vec![
        Chart::over_time(
            "Servicelevel je Tag",
            zone,
            &times,
            vec![
                Line::new("Ziel", "muted", promised).dashed(),
                Line::new("Erreicht", "accent", share),
            ],
            true,
        ),
        Chart::over_time(
            "Verfehlte Anrufe seit Beginn des Zeitraums",
            zone,
            &times,
            vec![
                Line::new("Erlaubt", "muted", allowed).dashed(),
                Line::new("Verfehlt", "bad", missed),
            ],
            false,
        ),
    ]
}

/// The days of a week over the time of day.
fn week(answer: &proto::ProfileResponse) -> Chart {
    const COLOURS: [&str; 7] = ["info", "good", "warn", "bad", "text", "muted", "accent"];
    let mut minutes: Vec<u32> = answer.intervals.iter().map(|interval| interval.minute).collect();
    minutes.sort_unstable();
    minutes.dedup();
    let mut days: BTreeMap<u32, BTreeMap<u32, f64>> = BTreeMap::new();
    for interval in answer.intervals.iter().filter(|interval| interval.days > 0) {
        let offered = interval.figures.as_ref().map_or(0, |figures| figures.offered);
        let mean = offered as f64 / f64::from(interval.days);
        days.entry(interval.weekday)
            .or_default()
            .insert(interval.minute, mean);
    }
    let lines = days
        .iter()
        .filter(|(_, values)| values.values().any(|value| *value > 0.0));
    let lines = lines.map(|(weekday, values)| {
        let place = weekday.saturating_sub(1) as usize % 7;
        let name = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"][place];
        let values = minutes.iter().map(|minute| values.get(minute).copied()).collect();
        Line::new(name, COLOURS[place], values)
    });
    Chart::over_day("Angeboten am Tag", &minutes, lines.collect())
}

/// What a service refused, in German, with the field it is about; `None` where it is another trouble.
pub(super) fn refused(status: &Status) -> Option<String> {
    let is_about_the_request = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::AlreadyExists
    );
    let (fields, _) = status.message().split_once(": ")?;
    let first = fields.split(", ").next()?;
    is_about_the_request.then_some(())?;
    let told = match first {
        "zone" => {
            "Zeitzone: Diese Zone ist nicht bekannt. Geben Sie einen Namen wie Europe/Berlin oder UTC an."
        }
        "policy" => {
            "Regel: Eine Servicelevel-Regel dieses Namens gibt es nicht. Wählen Sie eine aus der Liste."
        }
        "hotlines" => "Hotline: Von dieser Hotline wurde nie gehört. Wählen Sie eine aus der Liste.",
        "from" | "to" if status.code() == Code::AlreadyExists => {
            "Von, Bis: Einige dieser Tage sind schon festgeschrieben und bleiben, wie sie sind. Wählen Sie andere Tage."
        }
        "to" if status.message().contains("over") => {
            "Bis: Nur Tage, die vorbei sind, können festgeschrieben werden."
        }
        "from" | "to" | "days" => {
            "Von, Bis: Für so viele Tage ist dieses Intervall zu kurz. Wählen Sie weniger Tage oder ein längeres Intervall."
        }
        "interval" => "Intervall: Diese Länge gibt es hier nicht. Wählen Sie eine andere.",
        "as_of" => {
            "Stand: Diesen Stand der Zahlen gibt es nicht, oder er ist zu alt. Nehmen Sie ihn, wie er bei einem Bericht steht."
        }
        "reason" => "Grund: Geben Sie eine Zeile von 1 bis 200 Zeichen an.",
        "target" => "Ziel: Geben Sie einen Anteil über 0 und unter 100 % an.",
        "within" | "within_seconds" => "Sekunden: Geben Sie 0 oder mehr an.",
        "shrinkage" => "Ausfall: Geben Sie 0 bis unter 100 % an.",
        "max_occupancy" => "Auslastung: Geben Sie mehr als 0 und höchstens 100 % an.",
        "weeks" => "Wochen: Geben Sie 1 bis 104 an.",
        _ => return None,
    };
    Some(told.to_owned())
}

/// The formula of a policy in German.
pub(super) fn formula(policy: &proto::Policy) -> &str {
    use domain::policy::PolicyVariant as Variant;
    let variant = Variant::ALL
        .iter()
        .find(|variant| variant.formula() == policy.formula);
    match variant {
        Some(Variant::OfOffered) => {
            "in der Zeit angenommen ÷ angeboten, ohne wer noch innerhalb der Zeit wartet"
        }
        Some(Variant::ShortAbandonsExcluded) => {
            "in der Zeit angenommen ÷ angeboten, ohne Kurzabbrüche und ohne wer noch innerhalb der Zeit wartet"
        }
        Some(Variant::AbandonsWithinIgnored) => {
            "in der Zeit angenommen ÷ angeboten, ohne wer innerhalb der Zeit auflegte oder noch wartet"
        }
        Some(Variant::AbandonsWithinMet) => {
            "in der Zeit angenommen oder aufgelegt ÷ angeboten, ohne wer noch innerhalb der Zeit wartet"
        }
        Some(Variant::OfAnswered) => "in der Zeit angenommen ÷ angenommen",
        None => &policy.formula,
    }
}

/// Where a count of a table of intervals or sums leads: the calls behind it.
pub(super) fn leads(
    filter: &Filter,
    sheet: &reports::sheet::Sheet,
    row: &[reports::sheet::Cell],
    place: usize,
) -> Option<String> {
    use reports::sheet::Cell;
    let outcome = match sheet.columns[place].heading.as_str() {
        "Angeboten" => "",
        "Angenommen" => "answered",
        "Aufgelegt" => "abandoned",
        "davon Kurzabbrüche" => "short",
        "Überlauf" => "overflowed",
        "Umgeleitet" => "diverted",
        "Ungeklärt" => "unresolved",
        "Wartend" => "waiting",
        _ => return None,
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    let of = |heading: &str| {
        sheet
            .columns
            .iter()
            .position(|column| column.heading == heading)
            .map(|place| &row[place])
    };
    match (of("Beginn"), of("Ende")) {
        (Some(Cell::Time(start)), Some(Cell::Time(end))) => {
            query
                .append_pair("ab", &start.timestamp().to_string())
                .append_pair("vor", &end.timestamp().to_string());
        }
        // A sum of other days than those of the store has no page of calls.
        _ if sheet.name == "Summen" && filter.zone.is_empty() => {
            query
                .append_pair("von", &filter.days.from.to_string())
                .append_pair("bis", &filter.days.last.to_string());
        }
        _ => return None,
    }
    match of("Gruppe") {
        Some(Cell::Text(name)) if filter.by == "gruppe" => query.append_pair("gruppe", name),
        Some(Cell::Text(name)) => query.append_pair("hotline", name),
        _ if !filter.hotline.is_empty() => query.append_pair("hotline", &filter.hotline),
        _ if !filter.group.is_empty() => query.append_pair("gruppe", &filter.group),
        _ => &mut query,
    };
    if !outcome.is_empty() {
        query.append_pair("ergebnis", outcome);
    }
    Some(format!("/anrufe?{}", query.finish()))
}
