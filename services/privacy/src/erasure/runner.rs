//! Carrying out orders, step by step, until every place is clean.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bus::Positions;
use domain::erasure::Place;
use domain::ids::ErasureOrderId;
use store::erasure::{KeptOrder, Step, StrayReply};
use store::scrub::Touched;
use store::tickets::LeaseName;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::steps::{self, Outcome, SOON, delta};
use super::stray_replies::{self, StrayReplies};
use super::{ErasureError, ErasureParts, forgetting, journal, late, measuring, owed};
use crate::metrics;

/// Orders that are read together.
const ORDERS_AT_ONCE: usize = 100;
/// How often to look where nothing is to be done.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long an instance has the work to itself. It renews that while it works: after one that died, another one goes on so soon.
const LEASE: Duration = Duration::from_secs(20);
/// Places of messages.
const ON_THE_BUS: [Place; 3] = [Place::BusTickets, Place::BusCalls, Place::BusReplies];

/// Carries out orders. One instance at a time does so by itself; whoever enters an order begins at once.
pub struct ErasureRunner {
    pub(super) parts: ErasureParts,
    /// Held while a pass is under way.
    turn: tokio::sync::Mutex<Memory>,
    pub(super) told: Mutex<Told>,
    wake: Notify,
}

/// What is known of the work beyond what is stored. After a restart it begins anew.
#[derive(Default)]
struct Memory {
    /// When to look at a place again.
    again_at: HashMap<(ErasureOrderId, Place), Instant>,
    last_bus_scrub: Option<Instant>,
    ends: HashMap<(ErasureOrderId, Place), Vec<(String, Positions)>>,
    first_tried: HashMap<ErasureOrderId, Instant>,
    last_scrub: Option<Instant>,
}

/// What was forgotten on the bus, and is to be noted.
struct OnTheBus<'o> {
    kept: &'o KeptOrder,
    place: Place,
    stays: Duration,
}

/// How long the next pass waits.
#[derive(Default)]
struct Waits(Option<Duration>);

impl Waits {
    fn for_time(&mut self, time: Duration) {
        self.0 = Some(self.0.map_or(time, |wait| wait.min(time)));
    }

    fn pause(&self) -> Duration {
        self.0.map_or(LOOK_EVERY, |wait| wait.clamp(SOON, LOOK_EVERY))
    }
}

impl Memory {
    /// Whether something is to be done now; where it is later, the next pass waits for it.
    fn is_due(&self, kept: &KeptOrder, place: Place, waits: &mut Waits) -> bool {
        if !kept.is_due(place) {
            return false;
        }
        let at = self.again_at.get(&(kept.order.id.clone(), place));
        let left = at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        if !left.is_zero() {
            waits.for_time(left);
        }
        left.is_zero()
    }

    fn again(&mut self, kept: &KeptOrder, place: Place, time: Duration, waits: &mut Waits) {
        waits.for_time(time);
        let key = (kept.order.id.clone(), place);
        self.again_at.insert(key, Instant::now() + time);
    }

    /// Replies came when it was over: what is known of their place is known no longer where it has changed.
    fn has_strays(&mut self, kept: &KeptOrder, replies: &[StrayReply]) {
        let key = (kept.order.id.clone(), Place::BusReplies);
        let knows = |topic: String| {
            self.ends
                .get(&key)
                .is_some_and(|ends| ends.iter().any(|(it, _)| *it == topic))
        };
        if !kept.is_due(Place::BusReplies) || !stray_replies::topics(replies).all(knows) {
            self.ends.remove(&key);
        }
        if !kept.is_due(Place::BusReplies) {
            self.again_at.remove(&key);
        }
    }
}

/// What answers tell beside the orders.
#[derive(Default)]
pub(super) struct Told {
    /// Copies that the store's server keeps by its settings.
    pub(super) kept: Vec<String>,
    /// When files are rewritten next, at the earliest.
    pub(super) next_scrub: Option<Instant>,
    /// When the file of the bus is, at the earliest.
    pub(super) next_bus_scrub: Option<Instant>,
}

impl ErasureRunner {
    /// A runner that has done nothing yet.
    pub fn new(parts: ErasureParts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            turn: tokio::sync::Mutex::default(),
            told: Mutex::default(),
            wake: Notify::new(),
        })
    }

    /// Before anything is served: takes out of the store what open orders name. A restored store loses here what was
    /// erased since its backup.
    ///
    /// # Errors
    /// [`ErasureError`]: then nothing may be served.
    pub async fn begin(&self) -> Result<(), ErasureError> {
        for kept in self.open().await? {
            self.write_down(&kept).await?;
            for place in [Place::Tickets, Place::Entries, Place::Calls, Place::RejectedItems] {
                if kept.is_due(place) {
                    self.in_store(&kept, place).await?;
                }
            }
        }
        Ok(())
    }

    /// Works until `stopping`.
    pub async fn run(self: Arc<Self>, owner: String, stopping: CancellationToken) {
        let mut pause = Duration::ZERO;
        loop {
            let woken = async {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.wake.notified() => {}
                }
            };
            if stopping.run_until_cancelled(woken).await.is_none() {
                self.leave_to_others(&owner).await;
                return;
            }
            self.measure().await;
            pause = match self.holds_lease(&owner).await {
                Ok(true) => match self.keeping_lease(&owner, self.pass()).await {
                    Ok(pause) => pause,
                    Err(error) => {
                        metrics::erasure_failed();
                        tracing::warn!(%error, "an erasure goes on a little later");
                        (self.parts.bound / 8).clamp(Duration::from_secs(1), Duration::from_secs(30))
                    }
                },
                Ok(false) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "orders to erase cannot be looked at");
                    LOOK_EVERY
                }
            };
        }
    }

    /// Does what can be done of an order at once, and looks again while the rest may follow within the time.
    pub(super) async fn hurry(self: &Arc<Self>, id: &ErasureOrderId, time: Duration) {
        let (runner, id) = (Arc::clone(self), id.clone());
        // On a task of its own: whoever no longer waits for the answer does not cut it short.
        let hurrying = tokio::spawn(async move {
            let begun = Instant::now();
            while begun.elapsed() < time {
                if let Err(error) = runner.pass().await {
                    metrics::erasure_failed();
                    tracing::warn!(%error, "an erasure goes on a little later");
                }
                let kept = runner.parts.orders.order(&id).await;
                let is_done = |kept: &KeptOrder| Place::ALL.iter().all(|place| !kept.is_due(*place));
                if kept.is_ok_and(|kept| kept.is_none_or(|kept| is_done(&kept))) {
                    break;
                }
                tokio::time::sleep(SOON).await;
            }
            runner.wake.notify_one();
        });
        let _ = tokio::time::timeout(time, hurrying).await;
    }

    /// Tells how far orders are, also where another instance carries them out.
    async fn measure(&self) {
        let now = (self.parts.clock)();
        let measured = async {
            let (orders, owed) = (self.open().await?, owed::since(&self.parts).await?);
            Ok::<_, ErasureError>(measuring::of(&orders, &owed, now, self.parts.bound))
        };
        match measured.await {
            Ok(measured) => metrics::erasures(measured),
            Err(error) => tracing::debug!(%error, "orders to erase cannot be counted"),
        }
    }

    async fn holds_lease(&self, owner: &str) -> Result<bool, ErasureError> {
        let now = (self.parts.clock)();
        let wanted = [LeaseName::erasures()];
        let until = now + delta(LEASE);
        let taken = self.parts.tickets.take_leases(&wanted, owner, now, until).await?;
        Ok(!taken.is_empty())
    }

    /// Works, and renews the lease meanwhile. One that is lost to another instance does no harm: every step may be done twice.
    async fn keeping_lease<T>(&self, owner: &str, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match tokio::time::timeout(LEASE / 3, &mut work).await {
                Ok(done) => return done,
                Err(_) => {
                    if let Err(error) = self.holds_lease(owner).await {
                        tracing::debug!(%error, "the lease of erasures could not be renewed");
                    }
                }
            }
        }
    }

    /// Another instance need not wait for the end of the lease.
    async fn leave_to_others(&self, owner: &str) {
        if let Err(error) = self.parts.tickets.release_leases(owner).await {
            tracing::debug!(%error, "the lease of erasures ends by itself");
        }
    }

    async fn open(&self) -> Result<Vec<KeptOrder>, ErasureError> {
        let mut open: Vec<KeptOrder> = Vec::new();
        loop {
            let after = open.last().map_or(0, |last| last.sequence);
            let page = self.parts.orders.open_orders(after, ORDERS_AT_ONCE).await?;
            let is_last = page.len() < ORDERS_AT_ONCE;
            open.extend(page);
            if is_last {
                return Ok(open);
            }
        }
    }

    /// Goes once from place to place. Returns when to do so again.
    async fn pass(&self) -> Result<Duration, ErasureError> {
        let mut memory = self.turn.lock().await;
        let strays =
            stray_replies::reopen(&self.parts, |kept, replies| memory.has_strays(kept, replies)).await;
        let (strays, mut failed) = match strays {
            Ok(strays) => (strays, None),
            Err(error) => (StrayReplies::new(), Some(error)),
        };
        let orders = self.open().await?;
        let mut waits = Waits::default();
        let mut forgotten = Vec::new();
        for kept in &orders {
            let worked = self.work_on(kept, &mut memory, &mut waits, &mut forgotten);
            // One that cannot go on does not hold up the others.
            failed = worked.await.err().or(failed);
        }
        failed = self
            .settle_calls(&orders, &mut memory, &mut waits)
            .await
            .err()
            .or(failed);
        let of_calls = self.topic_of_calls(&orders, &mut memory, &mut waits, &mut forgotten);
        failed = of_calls.await.err().or(failed);
        failed = self
            .settle(forgotten, &strays, &mut memory, &mut waits)
            .await
            .err()
            .or(failed);
        self.scrub(&mut memory, &mut waits).await?;
        self.close_finished(&mut memory).await?;
        failed.map_or(Ok(waits.pause()), Err)
    }

    async fn work_on<'o>(
        &self,
        kept: &'o KeptOrder,
        memory: &mut Memory,
        waits: &mut Waits,
        forgotten: &mut Vec<OnTheBus<'o>>,
    ) -> Result<(), ErasureError> {
        self.write_down(kept).await?;
        for place in [Place::Tickets, Place::Entries, Place::RejectedItems] {
            if kept.is_due(place) {
                self.in_store(kept, place).await?;
                self.note(kept, place, Duration::ZERO).await?;
            }
        }
        for place in [Place::BusTickets, Place::BusReplies] {
            if !memory.is_due(kept, place, waits) {
                continue;
            }
            let outcome = match place {
                Place::BusTickets => steps::ticket_topics(&self.parts, &kept.order).await?,
                place => {
                    let ends = self.ends(kept, place, memory).await?;
                    let what = forgetting::replies(&kept.order.tickets);
                    steps::read_topics(&self.parts, place, &ends, &what).await?
                }
            };
            match outcome {
                Outcome::Done(stays) => forgotten.push(OnTheBus { kept, place, stays }),
                Outcome::Later(time) => memory.again(kept, place, time, waits),
            }
        }
        Ok(())
    }

    /// Takes callers out of the store. A call that is not known yet, or one by a number that was erased, may just be read by a
    /// node whose list does not have the order: it is looked for again once every list does.
    async fn settle_calls(
        &self,
        orders: &[KeptOrder],
        memory: &mut Memory,
        waits: &mut Waits,
    ) -> Result<(), ErasureError> {
        let mut known = Vec::new();
        let mut failed = None;
        for kept in orders.iter().filter(|kept| kept.is_due(Place::Calls)) {
            let id = kept.order.id.clone();
            let first = *memory.first_tried.entry(id).or_insert_with(Instant::now);
            match steps::calls(&self.parts, &kept.order.calls).await {
                Ok(all) if late::lists_know(first) || (all && kept.order.marks.is_empty()) => {
                    known.push(kept);
                }
                Ok(_) => waits.for_time(SOON),
                Err(error) => failed = Some(error),
            }
        }
        if !known.is_empty() {
            late::calls(&self.parts, &known).await?;
            waits.for_time(SOON);
        }
        for kept in known {
            self.note(kept, Place::Calls, Duration::ZERO).await?;
        }
        failed.map_or(Ok(()), Err)
    }

    /// Forgets on the topic of calls, which is large: for all orders together that are so far.
    async fn topic_of_calls<'o>(
        &self,
        orders: &'o [KeptOrder],
        memory: &mut Memory,
        waits: &mut Waits,
        forgotten: &mut Vec<OnTheBus<'o>>,
    ) -> Result<(), ErasureError> {
        let place = Place::BusCalls;
        let mut ready = Vec::new();
        let mut ends = Vec::new();
        for kept in orders {
            // Not before every call of the order is known, and nobody lets one in with its caller any more.
            if kept.is_due(Place::Calls) || !memory.is_due(kept, place, waits) {
                continue;
            }
            ends = self.ends(kept, place, memory).await?;
            match steps::is_read(&self.parts, place, &ends).await? {
                true => ready.push(kept),
                false => memory.again(kept, place, SOON, waits),
            }
        }
        if ready.is_empty() {
            return Ok(());
        }
        let key = self.parts.orders.mark_key().await?;
        let what = forgetting::calls(ready.iter().map(|kept| &kept.order), key);
        match steps::read_topics(&self.parts, place, &ends, &what).await? {
            Outcome::Done(stays) => {
                forgotten.extend(ready.into_iter().map(|kept| OnTheBus { kept, place, stays }));
            }
            Outcome::Later(time) => ready
                .into_iter()
                .for_each(|kept| memory.again(kept, place, time, waits)),
        }
        Ok(())
    }

    /// Notes what was forgotten, once its bytes are on their way. A bus that is a file is written anew for all orders
    /// together, and not too often.
    async fn settle(
        &self,
        forgotten: Vec<OnTheBus<'_>>,
        strays: &StrayReplies,
        memory: &mut Memory,
        waits: &mut Waits,
    ) -> Result<(), ErasureError> {
        let (in_file, elsewhere): (Vec<_>, Vec<_>) = forgotten.into_iter().partition(|it| it.stays.is_zero());
        for it in elsewhere {
            self.note_forgotten(&it, strays).await?;
        }
        // Once for all places of an order: what has to wait for something else is done again with it.
        let places = |kept: &KeptOrder| ON_THE_BUS.iter().filter(|place| kept.is_due(**place)).count();
        let of = |kept: &KeptOrder| {
            in_file
                .iter()
                .filter(|it| it.kept.sequence == kept.sequence)
                .count()
        };
        let whole: Vec<&OnTheBus<'_>> = in_file
            .iter()
            .filter(|it| of(it.kept) == places(it.kept))
            .collect();
        if whole.is_empty() {
            return Ok(());
        }
        let pause = self.parts.bound / 4;
        let wait = memory
            .last_bus_scrub
            .map_or(Duration::ZERO, |last| pause.saturating_sub(last.elapsed()));
        if !wait.is_zero() {
            for it in whole {
                memory.again(it.kept, it.place, wait, waits);
            }
            return Ok(());
        }
        self.parts.bus.scrub().await?;
        memory.last_bus_scrub = Some(Instant::now());
        self.told().next_bus_scrub = Some(Instant::now() + pause);
        for it in whole {
            self.note_forgotten(it, strays).await?;
        }
        Ok(())
    }

    /// Stray replies that the pass began with are off the bus with the rest. One that came meanwhile opens the order again.
    async fn note_forgotten(&self, it: &OnTheBus<'_>, strays: &StrayReplies) -> Result<(), ErasureError> {
        self.note(it.kept, it.place, it.stays).await?;
        match strays.get(&it.kept.order.id) {
            Some(replies) if it.place == Place::BusReplies => {
                stray_replies::forget(&self.parts, replies).await
            }
            _ => Ok(()),
        }
    }

    /// Where topics ended when the order was first looked at.
    async fn ends(
        &self,
        kept: &KeptOrder,
        place: Place,
        memory: &mut Memory,
    ) -> Result<Vec<(String, Positions)>, ErasureError> {
        let key = (kept.order.id.clone(), place);
        if let Some(known) = memory.ends.get(&key) {
            return Ok(known.clone());
        }
        let ends = steps::ends(&self.parts, &kept.order, place).await?;
        memory.ends.insert(key, ends.clone());
        Ok(ends)
    }

    async fn in_store(&self, kept: &KeptOrder, place: Place) -> Result<(), ErasureError> {
        match place {
            Place::Tickets => {
                steps::tickets(&self.parts, &kept.order).await?;
                if let Some(acts) = &self.parts.acts {
                    acts.forget(&kept.order.tickets).await?;
                }
            }
            Place::Entries => drop(steps::entries(&self.parts, &kept.order).await?),
            Place::Calls => drop(steps::calls(&self.parts, &kept.order.calls).await?),
            Place::RejectedItems => drop(steps::rejected_items(&self.parts, &kept.order).await?),
            Place::BusCalls | Place::BusTickets | Place::BusReplies | Place::StoreFiles => {}
        }
        Ok(())
    }

    /// Rewrites files and tables, for all orders that are so far together, and not too often.
    async fn scrub(&self, memory: &mut Memory, waits: &mut Waits) -> Result<(), ErasureError> {
        const BEFORE: [Place; 4] = [Place::Tickets, Place::Entries, Place::Calls, Place::RejectedItems];
        let orders = self.open().await?;
        let is_ready = |kept: &&KeptOrder| {
            kept.is_due(Place::StoreFiles) && BEFORE.iter().all(|place| !kept.is_due(*place))
        };
        let ready: Vec<&KeptOrder> = orders.iter().filter(is_ready).collect();
        let owed_in = owed::due_in(&self.parts).await?;
        if ready.is_empty() && !owed_in.is_some_and(|left| left.is_zero()) {
            owed_in.into_iter().for_each(|left| waits.for_time(left));
            return Ok(());
        }
        let pause = self.parts.bound / 4;
        if let Some(last) = memory.last_scrub
            && last.elapsed() < pause
        {
            waits.for_time(pause.saturating_sub(last.elapsed()));
            return Ok(());
        }
        let touched = Touched {
            calls: ready.iter().flat_map(|kept| &kept.order.calls).copied().collect(),
        };
        let mut scrubbed = store::scrub::Scrubbed::default();
        for unit in &self.parts.scrubs {
            let rewritten = match ready.is_empty() {
                true => unit.scrub_owed().await?,
                // What is owed goes with it.
                false => unit.scrub(&touched).await?,
            };
            scrubbed = scrubbed.and(rewritten);
        }
        memory.last_scrub = Some(Instant::now());
        {
            let mut told = self.told();
            told.kept.clone_from(&scrubbed.kept);
            told.next_scrub = Some(Instant::now() + pause);
        }
        let stays = scrubbed.stays.to_std().unwrap_or_default();
        for kept in ready {
            self.note(kept, Place::StoreFiles, stays).await?;
        }
        Ok(())
    }

    async fn close_finished(&self, memory: &mut Memory) -> Result<(), ErasureError> {
        let now = (self.parts.clock)();
        for kept in self.open().await? {
            let is_done = Place::ALL.iter().all(|place| !kept.is_due(*place));
            if is_done && kept.steps.values().all(|step| step.until <= now) {
                self.parts.orders.close_order(&kept.order.id, now).await?;
                memory.ends.retain(|(id, _), _| *id != kept.order.id);
                memory.again_at.retain(|(id, _), _| *id != kept.order.id);
                memory.first_tried.remove(&kept.order.id);
                tracing::info!(order = %kept.order.id, "an erasure is through at every place");
            }
        }
        Ok(())
    }

    async fn note(&self, kept: &KeptOrder, place: Place, stays: Duration) -> Result<(), ErasureError> {
        let now = (self.parts.clock)();
        let step = Step {
            done_at: now,
            until: now + delta(stays),
        };
        Ok(self.parts.orders.note_step(&kept.order.id, place, step).await?)
    }

    /// An order is in the file beside the backups before anything else of it is done.
    pub(super) async fn write_down(&self, kept: &KeptOrder) -> Result<(), ErasureError> {
        match &self.parts.journal {
            Some(path) if kept.steps.is_empty() => journal::write_down(path, &kept.order).await,
            _ => Ok(()),
        }
    }

    pub(super) fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
