//! How many people are needed: for a load that somebody gives, and for the days to come.

use std::sync::Arc;

use askama::Template;
use askama_web::WebTemplate;
use axum::Extension;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::staffing::{Load, Requirement, Staffing, staff};
use serde::Deserialize;
use tonic::Status;
use wire::v1::reporting as proto;

use super::charts::{Chart, Line};
use super::choices::{Choices, KnownChoices};
use super::exports;
use super::kinds::{figures, refused};
use super::table::Table;
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

/// What is entered, as it is entered: numbers as Germans write them, shares in per cent.
#[derive(Clone, Deserialize)]
#[serde(default)]
pub(super) struct Entered {
    pub(super) angebote: String,
    pub(super) intervall: String,
    pub(super) bearbeitung: String,
    pub(super) ziel: String,
    pub(super) sekunden: String,
    pub(super) ausfall: String,
    pub(super) auslastung: String,
    pub(super) hotline: String,
    pub(super) gruppe: String,
    pub(super) ab: String,
    pub(super) tage: String,
    pub(super) wochen: String,
    pub(super) form: String,
}

impl Default for Entered {
    fn default() -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            angebote: String::new(),
            intervall: text("30m"),
            bearbeitung: String::new(),
            ziel: text("75"),
            sekunden: text("30"),
            ausfall: text("30"),
            auslastung: text("85"),
            hotline: String::new(),
            gruppe: String::new(),
            ab: String::new(),
            tage: text("7"),
            wochen: text("8"),
            form: String::new(),
        }
    }
}

/// A number as Germans write it.
fn number(text: &str, name: &str) -> Result<f64, String> {
    let plain = text.trim().replace('.', "").replace(',', ".");
    let number = plain
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("{name}: Geben Sie eine Zahl an, zum Beispiel 12 oder 2,5."))
}

impl Entered {
    fn requirement(&self) -> Result<Requirement, String> {
        Ok(Requirement {
            target: number(&self.ziel, "Ziel")? / 100.0,
            within_seconds: number(&self.sekunden, "Sekunden")?,
            max_occupancy: number(&self.auslastung, "Auslastung")? / 100.0,
            shrinkage: number(&self.ausfall, "Ausfall")? / 100.0,
        })
    }

    fn load(&self) -> Result<Load, String> {
        let interval_seconds = match self.intervall.as_str() {
            "15m" => 900.0,
            "1h" => 3600.0,
            _ => 1800.0,
        };
        Ok(Load {
            offered: number(&self.angebote, "Anrufe im Intervall")?,
            interval_seconds,
            handling_seconds: number(&self.bearbeitung, "Mittlere Bearbeitungszeit")?,
        })
    }

    /// The people that the load needs.
    fn staffing(&self) -> Result<Worked, String> {
        let load = self.load()?;
        let staffing = staff(load, self.requirement()?).map_err(|fault| {
            let told = match fault.field {
                "aht" => "Mittlere Bearbeitungszeit: Geben Sie mehr als 0 Sekunden an.",
                "target" => "Ziel: Geben Sie einen Anteil über 0 und unter 100 % an.",
                "within" => "Sekunden: Geben Sie 0 oder mehr an.",
                "max_occupancy" => "Auslastung: Geben Sie mehr als 0 und höchstens 100 % an.",
                "shrinkage" => "Ausfall: Geben Sie 0 bis unter 100 % an.",
                _ => "Anrufe im Intervall: Für so viele Anrufe wird nicht gerechnet; geben Sie weniger an.",
            };
            told.to_owned()
        })?;
        Ok(Worked {
            erlangs: format!("{:.2}", load.erlangs()).replace('.', ","),
            staffing,
        })
    }

    fn query(&self, form: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("intervall", &self.intervall),
            ("ziel", &self.ziel),
            ("sekunden", &self.sekunden),
            ("ausfall", &self.ausfall),
            ("auslastung", &self.auslastung),
            ("hotline", &self.hotline),
            ("gruppe", &self.gruppe),
            ("ab", &self.ab),
            ("tage", &self.tage),
            ("wochen", &self.wochen),
        ] {
            query.append_pair(name, value);
        }
        query.append_pair("form", form).finish()
    }
}

/// What a load needs.
struct Worked {
    erlangs: String,
    staffing: Staffing,
}

#[derive(Template, WebTemplate)]
#[template(path = "history/staffing.html")]
struct LoadPage {
    layout: Layout,
    entered: Entered,
    fault: Option<String>,
    worked: Option<Worked>,
}

pub(super) async fn of_load(visitor: Visitor, Query(entered): Query<Entered>) -> Response {
    let asked = !entered.angebote.is_empty() || !entered.bearbeitung.is_empty();
    let (worked, fault) = match asked.then(|| entered.staffing()) {
        None => (None, None),
        Some(Ok(worked)) => (Some(worked), None),
        Some(Err(fault)) => (None, Some(fault)),
    };
    let code = match fault {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = LoadPage {
        layout: Layout::of(&visitor, "Personalbedarf", "/personalbedarf").with_style("history.css"),
        entered,
        fault,
        worked,
    };
    (code, page).into_response()
}

#[derive(Template, WebTemplate)]
#[template(path = "history/forecast.html")]
struct ForecastPage {
    layout: Layout,
    entered: Entered,
    choices: Arc<Choices>,
    fault: Option<String>,
    answer: Option<proto::ForecastResponse>,
    chart: Option<Chart>,
    table: Option<Table>,
}

impl ForecastPage {
    fn export(&self, form: &str) -> String {
        format!("/personalbedarf/vorhersage/export?{}", self.entered.query(form))
    }
}

/// Why there is no forecast: something that was entered, or another trouble.
enum Failed {
    Entered(String),
    Other(Trouble),
}

impl From<Status> for Failed {
    fn from(status: Status) -> Self {
        refused(&status).map_or_else(|| Self::Other(status.into()), Self::Entered)
    }
}

async fn ask(
    visitor: &Visitor,
    entered: &Entered,
    choices: &Choices,
) -> Result<proto::ForecastResponse, Failed> {
    let whole = |text: &str, name: &str, most: u32| {
        let number = text
            .trim()
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Failed::Entered(format!("{name}: Geben Sie 1 bis {most} an.")))
    };
    let wanted = entered.requirement().map_err(Failed::Entered)?;
    let hotlines = match (entered.hotline.as_str(), choices.group(&entered.gruppe)) {
        ("", group) => group.map(<[String]>::to_vec).unwrap_or_default(),
        (hotline, _) => vec![hotline.to_owned()],
    };
    let request = proto::ForecastRequest {
        hotlines,
        from: entered.ab.clone(),
        days: whole(&entered.tage, "Tage", 92)?,
        weeks: whole(&entered.wochen, "Wochen", 104)?,
        interval: entered.intervall.clone(),
        target: wanted.target,
        within_seconds: wanted.within_seconds,
        shrinkage: wanted.shrinkage,
        max_occupancy: wanted.max_occupancy,
    };
    Ok(figures(&visitor.services).forecast(request).await?.into_inner())
}

pub(super) async fn forecast(
    Extension(choices): Extension<Arc<KnownChoices>>,
    visitor: Visitor,
    Query(entered): Query<Entered>,
) -> Result<Response, Trouble> {
    let choices = choices.get(&visitor.services).await?;
    let (code, answer, fault) = match ask(&visitor, &entered, &choices).await {
        Ok(answer) => (StatusCode::OK, Some(answer), None),
        Err(Failed::Entered(fault)) => (StatusCode::UNPROCESSABLE_ENTITY, None, Some(fault)),
        Err(Failed::Other(trouble)) => return Err(trouble),
    };
    let nowhere = |_: &reports::sheet::Sheet, _: &[reports::sheet::Cell], _: usize| None;
    let table = answer.as_ref().and_then(|answer| {
        let report = reports::forecast::report(answer);
        report
            .sheets
            .last()
            .map(|sheet| Table::of(sheet, true, 400, &nowhere))
    });
    let layout = Layout::of(&visitor, "Vorhersage", "/personalbedarf");
    let page = ForecastPage {
        layout: layout
            .with_style("history.css")
            .with_style("uplot.min.css")
            .with_script("uplot.iife.min.js")
            .with_script("charts.js"),
        entered,
        choices,
        fault,
        chart: answer.as_ref().map(chart),
        table,
        answer,
    };
    Ok((code, page).into_response())
}

pub(super) async fn export(
    Extension(choices): Extension<Arc<KnownChoices>>,
    visitor: Visitor,
    Query(entered): Query<Entered>,
) -> Result<Response, Trouble> {
    let choices = choices.get(&visitor.services).await?;
    let answer = ask(&visitor, &entered, &choices)
        .await
        .map_err(|failed| match failed {
            Failed::Entered(fault) => Trouble::Unusable(fault),
            Failed::Other(trouble) => trouble,
        })?;
    let report = reports::forecast::report(&answer);
    exports::file(&report, &format!("vorhersage-{}", answer.from), &entered.form)
}

fn chart(answer: &proto::ForecastResponse) -> Chart {
    // Where nothing is expected until the next interval, a line ends.
    let mut points: Vec<(i64, Option<&proto::ForecastInterval>)> = Vec::new();
    for (place, interval) in answer.intervals.iter().enumerate() {
        points.push((interval.start_unix_s, Some(interval)));
        let next = answer.intervals.get(place + 1);
        if next.is_some_and(|next| next.start_unix_s > interval.end_unix_s) {
            points.push((interval.end_unix_s, None));
        }
    }
    let times: Vec<i64> = points.iter().map(|(time, _)| *time).collect();
    let line = |of: &dyn Fn(&proto::ForecastInterval) -> Option<f64>| {
        let values = points.iter().map(|(_, interval)| interval.and_then(of));
        values.collect::<Vec<_>>()
    };
    let people =
        |of: fn(&proto::ForecastInterval) -> Option<u32>| line(&|interval| of(interval).map(f64::from));
    let offered = line(&|interval| Some(interval.offered));
    let lines = vec![
        Line::new("Erwartete Anrufe", "info", offered),
        Line::new("Plätze", "accent", people(|interval| interval.agents)),
        Line::new("Planstellen", "muted", people(|interval| interval.positions)).dashed(),
    ];
    Chart::over_time(
        "Erwartete Anrufe, Plätze und Planstellen",
        &answer.zone,
        &times,
        lines,
        false,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(angebote: &str, bearbeitung: &str) -> Result<(u32, u32), String> {
        let entered = Entered {
            angebote: angebote.to_owned(),
            bearbeitung: bearbeitung.to_owned(),
            ausfall: "10".to_owned(),
            auslastung: "100".to_owned(),
            ..Entered::default()
        };
        let worked = entered.staffing()?;
        Ok((worked.staffing.agents, worked.staffing.positions))
    }

    #[test]
    fn numbers_are_read_as_germans_write_them() {
        assert_eq!(people("100", "180"), people("100,0", "180,00"));
        assert_eq!(number("1.250,5", "x"), Ok(1250.5));
    }

    #[test]
    fn what_cannot_be_is_told_by_its_field() {
        assert_eq!(
            people("viele", "180").unwrap_err(),
            "Anrufe im Intervall: Geben Sie eine Zahl an, zum Beispiel 12 oder 2,5."
        );
        assert!(
            people("100", "")
                .unwrap_err()
                .starts_with("Mittlere Bearbeitungszeit")
        );
    }
}
