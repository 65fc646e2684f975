//! `nrwdirekt simulate`: plays hotline days and reports them like a telephone system would.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{Days, NaiveDate};
use domain::local_time;
use domain::service_time::ServiceCalendar;
use serde_json::json;
use simulator::{
    Dirt, Feed, FeedItem, FeedKind, FeedPayload, Pace, Profile, SimulatedCallback, Simulation, Truth,
};
use tokio::sync::mpsc;
use wire::v1::calls as proto;
use wire::v1::tickets;
use wire::v1::tickets::ticketing_client::TicketingClient;

use super::import::{self, Summary, sender};
use crate::cli::{FeedForm, SimulateArguments};
use crate::client::{self, Connection};
use crate::exit::{self, Failure};
use crate::output::say;

const REPORTS_A_BATCH: usize = 1000;
/// A live feed sends what it has after this time.
const LIVE_DELAY: Duration = Duration::from_millis(100);

/// What is to be played.
pub(crate) struct Play {
    simulation: Simulation,
    from: NaiveDate,
    to: NaiveDate,
    kind: FeedKind,
    dirt: Option<Dirt>,
    callbacks: bool,
    speed: Option<f64>,
    source: String,
}

/// What was sent.
pub(crate) struct Played {
    summary: Summary,
    callbacks: u64,
    truth: Truth,
    run: String,
}

impl Played {
    /// Reports that intake accepted.
    pub(crate) fn reports(&self) -> u64 {
        self.summary.accepted
    }

    /// Callback requests that were logged.
    pub(crate) fn callbacks(&self) -> u64 {
        self.callbacks
    }
}

/// Simulates days and sends them.
pub(crate) async fn run(arguments: SimulateArguments) -> anyhow::Result<ExitCode> {
    let play = Play::of(&arguments)?;
    if arguments.dry_run {
        let truth = tokio::task::spawn_blocking(move || play.truth()).await?;
        return write_truth(arguments.truth.as_deref(), &truth).map(|()| ExitCode::SUCCESS);
    }
    let connection = client::connect(&arguments.server.server).await?;
    let played = play.send(&connection).await?;
    if arguments.wait {
        import::wait_for_figures(&connection, &played.summary, &played.run).await?;
    }
    if let Some(file) = &arguments.truth {
        write_truth(Some(file), &played.truth)?;
    }
    let Summary {
        accepted,
        flagged,
        rejected,
        ..
    } = &played.summary;
    if arguments.json {
        let sent = json!({ "accepted": accepted, "flagged": flagged, "rejected": rejected, "callbacks": played.callbacks });
        say!("{sent}");
    } else {
        say!(
            "{accepted} reports accepted, {rejected} rejected, {} callbacks logged",
            played.callbacks
        );
    }
    Ok(if played.summary.rejected > 0 {
        ExitCode::from(exit::REJECTED)
    } else {
        ExitCode::SUCCESS
    })
}

fn write_truth(file: Option<&Path>, truth: &Truth) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(truth)?;
    match file {
        Some(file) => {
            std::fs::write(file, text + "\n").with_context(|| format!("--truth {}", file.display()))
        }
        None => {
            say!("{text}");
            Ok(())
        }
    }
}

/// The last complete day of service before today.
pub(crate) fn last_service_day(today: NaiveDate) -> NaiveDate {
    let calendar = ServiceCalendar::default();
    let mut day = today;
    for _ in 0..14 {
        day = day.checked_sub_days(Days::new(1)).unwrap_or(day);
        if calendar.is_service_day(day) {
            break;
        }
    }
    day
}

impl Play {
    /// The day that a new installation shows: life-cycle events, callbacks included.
    pub(crate) fn demo(day: NaiveDate) -> anyhow::Result<Self> {
        Ok(Self {
            simulation: Simulation::new(115, Profile::default())?,
            from: day,
            to: local_time::next(day),
            kind: FeedKind::Events,
            dirt: None,
            callbacks: true,
            speed: None,
            source: "demo".to_owned(),
        })
    }

    fn of(arguments: &SimulateArguments) -> anyhow::Result<Self> {
        let today = local_time::day_of(chrono::Utc::now());
        let from = arguments.from.unwrap_or_else(|| last_service_day(today));
        let to = arguments.to.unwrap_or_else(|| local_time::next(from));
        if to <= from {
            return Err(Failure::usage("--to: give a day after --from; it is exclusive"));
        }
        if arguments
            .speed
            .is_some_and(|speed| speed.is_nan() || speed <= 0.0)
        {
            return Err(Failure::usage("--speed: give a factor above 0; 1 is live"));
        }
        let mut profile = match &arguments.profile {
            None => Profile::default(),
            Some(path) => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("--profile {}", path.display()))?;
                toml::from_str(&text)
                    .map_err(|error| Failure::usage(format!("--profile {}: {error}", path.display())))?
            }
        };
        if let Some(calls) = arguments.calls_per_day {
            profile = profile.with_calls_per_day(calls);
        }
        let calendar = ServiceCalendar::default();
        let weekdays = |day: &NaiveDate| chrono::Datelike::weekday(day).number_from_monday() <= 5;
        let days = from.iter_days().take_while(|day| *day < to);
        profile
            .closed_days
            .extend(days.filter(weekdays).filter(|day| !calendar.is_service_day(*day)));
        let simulation =
            Simulation::new(arguments.seed, profile).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self {
            simulation,
            from,
            to,
            kind: match arguments.form {
                FeedForm::Records => FeedKind::Records,
                FeedForm::Events => FeedKind::Events,
            },
            dirt: arguments.dirt.then(|| Dirt {
                seed: arguments.seed,
                ..Dirt::default()
            }),
            callbacks: arguments.callbacks,
            speed: arguments.speed,
            source: arguments.source.clone(),
        })
    }

    fn truth(&self) -> Truth {
        let mut feed = self.feed();
        feed.by_ref().for_each(drop);
        feed.truth().clone()
    }

    fn feed(&self) -> Feed<impl Iterator<Item = simulator::SimulatedDay> + '_> {
        let mut feed = Feed::new(self.simulation.days(self.from, self.to), self.kind);
        if let Some(dirt) = self.dirt {
            feed = feed.with_dirt(dirt);
        }
        if self.callbacks {
            feed.with_callbacks()
        } else {
            feed
        }
    }

    /// Sends everything, through interruptions.
    pub(crate) async fn send(self, connection: &Connection) -> anyhow::Result<Played> {
        let run = uuid::Uuid::now_v7().to_string();
        let (batches_to, mut batches) = mpsc::channel(4);
        let (callbacks_to, callbacks) = mpsc::channel(64);
        let source = self.source.clone();
        let logging = tokio::spawn(log_callbacks(connection.clone(), callbacks, source));
        let playing = {
            let run = run.clone();
            tokio::task::spawn_blocking(move || self.play(&run, &batches_to, &callbacks_to))
        };
        let mut summary = Summary::default();
        let sent = sender::send(connection, &mut batches, &mut summary).await;
        drop(batches);
        let truth = playing.await.context("the simulator ended badly")?;
        sent?;
        let callbacks = logging.await.context("logging callbacks ended badly")??;
        Ok(Played {
            summary,
            callbacks,
            truth,
            run,
        })
    }

    /// Runs on a blocking thread: generates, waits for the time of live items, fills batches.
    fn play(
        &self,
        run: &str,
        batches: &mpsc::Sender<proto::ReportBatch>,
        callbacks: &mpsc::Sender<SimulatedCallback>,
    ) -> Truth {
        let begun = Instant::now();
        let mut feed = self.feed();
        let mut filling = Filling::new(&self.source, run);
        let mut pace: Option<Pace> = None;
        for item in feed.by_ref() {
            if let Some(speed) = self.speed {
                let due = pace
                    .get_or_insert(Pace {
                        starts_at: item.at,
                        speed,
                    })
                    .due(&item);
                let wait = due.saturating_sub(begun.elapsed());
                if wait > LIVE_DELAY || filling.since.elapsed() > LIVE_DELAY {
                    filling.send(batches);
                }
                std::thread::sleep(wait);
            }
            match item {
                FeedItem {
                    payload: FeedPayload::Callback(callback),
                    ..
                } => {
                    if callbacks.blocking_send(*callback).is_err() {
                        break;
                    }
                }
                item => filling.add(item),
            }
            if filling.batch.reports.len() >= REPORTS_A_BATCH && !filling.send(batches) {
                break;
            }
        }
        filling.send(batches);
        feed.truth().clone()
    }
}

/// A batch that is being filled.
struct Filling {
    batch: proto::ReportBatch,
    since: Instant,
}

impl Filling {
    fn new(source: &str, run: &str) -> Self {
        let batch = proto::ReportBatch {
            batch: 1,
            source: source.to_owned(),
            import_run: run.to_owned(),
            reports: Vec::new(),
            unreadable: Vec::new(),
            agents: Vec::new(),
            replaces: false,
        };
        Self {
            batch,
            since: Instant::now(),
        }
    }

    fn add(&mut self, item: FeedItem) {
        let key = proto::call_report::Key::CallId(item.call_id.to_string());
        self.batch.reports.push(match item.payload {
            FeedPayload::Record(record) => wire::calls::record_report(key, &record),
            FeedPayload::Event(event) => wire::calls::event_report(key, &event),
            FeedPayload::Callback(_) => return,
        });
    }

    /// Sends what is there; false when nobody takes it any more.
    fn send(&mut self, batches: &mpsc::Sender<proto::ReportBatch>) -> bool {
        self.since = Instant::now();
        if self.batch.reports.is_empty() {
            return true;
        }
        let next = proto::ReportBatch {
            batch: self.batch.batch + 1,
            reports: Vec::new(),
            unreadable: Vec::new(),
            ..self.batch.clone()
        };
        batches
            .blocking_send(std::mem::replace(&mut self.batch, next))
            .is_ok()
    }
}

/// Logs callbacks one by one, each once however often it has to be tried.
async fn log_callbacks(
    connection: Connection,
    mut callbacks: mpsc::Receiver<SimulatedCallback>,
    source: String,
) -> anyhow::Result<u64> {
    let mut client = TicketingClient::new(connection);
    let mut logged = 0;
    while let Some(callback) = callbacks.recv().await {
        let request = callback_request(&callback, &source);
        let mut outage = client::Outage::new();
        loop {
            match client.log_callback(request.clone()).await {
                Ok(_) => break,
                Err(status) => outage.wait(&status).await?,
            }
        }
        logged += 1;
    }
    Ok(logged)
}

fn callback_request(callback: &SimulatedCallback, source: &str) -> tickets::LogCallbackRequest {
    let fields = [
        ("salutation", callback.salutation.as_ref()),
        ("name", callback.name.as_ref()),
        ("first_name", callback.first_name.as_ref()),
        ("email", callback.email.as_ref()),
        ("street", callback.street.as_ref()),
        ("house_number", callback.house_number.as_ref()),
        ("postal_code", callback.postal_code.as_ref()),
        ("town", callback.town.as_ref()),
        ("phone", callback.phone.as_ref()),
        ("concern", Some(&callback.concern)),
    ];
    let given = |(id, text): (&str, Option<&domain::personal::Personal>)| {
        Some((id.to_owned(), text?.reveal().to_owned()))
    };
    tickets::LogCallbackRequest {
        idempotency_key: format!("{source}/{}", callback.call_id),
        fields: fields.into_iter().filter_map(given).collect(),
        hotline: callback.hotline.to_string(),
        call: format!("{source}/{}", callback.call_id),
        agent: callback.agent.to_string(),
        ..tickets::LogCallbackRequest::default()
    }
}
