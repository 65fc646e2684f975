//! From lines of the queue log to reports.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::agents::{AgentReport, AgentState};
use domain::event::{CallEvent, EndedBy, EventKind, Measured, TransferKind, VisitEnd};
use domain::ids::{AgentName, CallId, HotlineName, VisitKey};
use domain::record::TaskType;

use crate::adapter::{Adapter, CallBody, CallItem, Fault, Item, Notes, Place, Rejects, without_mark};
use crate::encoding::Decoder;
use crate::queue_log::map::{Ending, QueueLogMap};
use crate::queue_log::verb::{Conversation, Exit, LogLine, Verb};
use crate::queue_log::visits::{Visits, Wanted};

/// Paused agents that are remembered at most.
const PAUSED_MAX: usize = 100_000;

/// Reads a queue log.
///
/// Holds the visits without an end (100 000 at most, of the last 24 hours), ends of the last minutes, and the agents
/// who pause.
pub struct QueueLogAdapter {
    map: QueueLogMap,
    visits: Visits,
    /// The reason of every agent's pause, by agent and queue (none: everywhere).
    paused: HashMap<(String, Option<String>), String>,
    decoder: Decoder,
    file: u32,
    rejects: Rejects,
    notes: Notes,
}

impl QueueLogAdapter {
    /// An adapter that has read nothing.
    pub fn new(map: QueueLogMap) -> Self {
        Self {
            map,
            visits: Visits::default(),
            paused: HashMap::new(),
            decoder: Decoder::default(),
            file: 0,
            rejects: Rejects::new(),
            notes: Notes::default(),
        }
    }

    fn tell(&mut self, text: &str, place: Place, items: &mut Vec<Item>) -> Result<(), Fault> {
        let line = LogLine::parse(text)?;
        self.visits.advance(line.at, place);
        match &line.verb {
            Verb::QueueStart => self.lose_ends(line.at, items),
            Verb::SignIn => self.agent(&line, AgentState::SignedIn, None, items)?,
            Verb::SignOut => {
                self.resumes(&line);
                self.agent(&line, AgentState::SignedOut, None, items)?;
            }
            Verb::Pause { reason } => self.pause(&line, reason, items)?,
            Verb::Unpause => {
                self.resumes(&line);
                self.agent(&line, AgentState::Ready, None, items)?;
            }
            Verb::WithoutEffect => self.notes.without_effect(line.name),
            Verb::Unknown => match self.map.ending(line.name, None) {
                Some(_) => self.tell_of_visit(&line, text, items)?,
                None => self.notes.unknown(line.name),
            },
            Verb::Did { number } => self.did(&line, number, items),
            _ => self.tell_of_visit(&line, text, items)?,
        }
        Ok(())
    }

    /// What concerns a call in a queue.
    fn tell_of_visit(&mut self, line: &LogLine<'_>, text: &str, items: &mut Vec<Item>) -> Result<(), Fault> {
        const REMEDY: &str = "the event concerns a call in a queue; correct the line";
        let call = line.call.ok_or_else(|| Fault::of("call", REMEDY))?;
        let queue = line.queue.ok_or_else(|| Fault::of("queue", REMEDY))?;
        let told = Told {
            call,
            queue,
            text,
            line,
        };
        match &line.verb {
            Verb::EnterQueue { caller } => self.enter(&told, caller, items),
            Verb::Connect { waited_ms, rang_ms } => self.connect(&told, *waited_ms, *rang_ms, items),
            Verb::CompleteAgent(conversation) => {
                self.complete(&told, *conversation, EndedBy::Agent, None, items);
            }
            Verb::CompleteCaller(conversation) => {
                self.complete(&told, *conversation, EndedBy::Citizen, None, items);
            }
            Verb::BlindTransfer {
                extension,
                conversation,
            } => {
                let hotline = self.map.extensions.listed(extension).map(HotlineName::new);
                let transfer = (TransferKind::Blind, hotline);
                self.complete(&told, *conversation, EndedBy::Transfer, Some(transfer), items);
            }
            Verb::AttendedTransfer(conversation) => {
                let transfer = (TransferKind::Attended, None);
                self.complete(&told, *conversation, EndedBy::Transfer, Some(transfer), items);
            }
            Verb::Exit(exit) => self.exit(&told, *exit, items),
            Verb::Unknown => {
                let unmeasured = Exit {
                    key: None,
                    waited_ms: None,
                };
                self.exit(&told, unmeasured, items);
            }
            Verb::RingNoAnswer | Verb::AgentDump => self.ring_unanswered(&told, None, items),
            Verb::RingCanceled { rang_ms } => self.ring_unanswered(&told, *rang_ms, items),
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, told: &Told<'_>, caller: &str, items: &mut Vec<Item>) {
        let key = self.visits.enter(told.call, told.queue, told.line.at);
        let caller = self.map.callers.caller(caller);
        let hotline = self.map.queues.hotline(told.queue);
        // Told at every entry: the first one counts, and which one that is must not depend on where reading began.
        let arrived = arrived(hotline.clone(), caller, None);
        items.push(told.event(told.line.at, None, Measured::default(), arrived));
        items.push(told.event(
            told.line.at,
            Some(key),
            Measured::default(),
            EventKind::Queued { hotline },
        ));
    }

    /// A visit whose entry was not read: what the line knows of it is told.
    fn found(
        &mut self,
        told: &Told<'_>,
        before_ms: Option<i64>,
        items: &mut Vec<Item>,
    ) -> Option<(u64, VisitKey)> {
        if self.visits.has_ended_by(told.call, told.text) {
            return None; // the line is repeated
        }
        let before = TimeDelta::try_milliseconds(before_ms.unwrap_or(0)).unwrap_or_default();
        let entered = told.line.at.checked_sub_signed(before).unwrap_or(told.line.at);
        let (number, key) = self.visits.found(told.call, told.queue, entered);
        let hotline = self.map.queues.hotline(told.queue);
        let arrived = arrived(hotline.clone(), None, None);
        items.push(told.event(entered, None, Measured::default(), arrived));
        items.push(told.event(
            entered,
            Some(key.clone()),
            Measured::default(),
            EventKind::Queued { hotline },
        ));
        Some((number, key))
    }

    fn connect(
        &mut self,
        told: &Told<'_>,
        waited_ms: Option<i64>,
        rang_ms: Option<i64>,
        items: &mut Vec<Item>,
    ) {
        let agent_name = told.line.agent.unwrap_or_default();
        let known = self.visits.find(told.call, told.queue, Wanted::Waiting);
        let known = known.or_else(|| self.found(told, waited_ms, items).map(|(number, _)| number));
        let Some(visit) = known.and_then(|number| self.visits.get_mut(number)) else {
            return;
        };
        visit.agent = Some(agent_name.to_owned());
        let key = visit.key.clone();
        // Repeated, the line is not the answer of another visit.
        self.visits.remember_end(told.call, told.text, told.line.at);
        let agent = told.line.agent.map(|agent| self.map.agents.agent(agent));
        let kind = EventKind::Answered { agent };
        items.push(told.event(told.line.at, Some(key), queueing(waited_ms, rang_ms), kind));
        self.busy_agent(told, AgentState::Talking, items);
    }

    fn complete(
        &mut self,
        told: &Told<'_>,
        conversation: Conversation,
        by: EndedBy,
        transfer: Option<(TransferKind, Option<HotlineName>)>,
        items: &mut Vec<Item>,
    ) {
        let Conversation { waited_ms, talked_ms } = conversation;
        let wanted = Wanted::With(told.line.agent.unwrap_or_default());
        let known = self.visits.find(told.call, told.queue, wanted);
        let before_ms = waited_ms.map(|waited_ms| waited_ms.saturating_add(talked_ms.unwrap_or(0)));
        let Some(number) = known.or_else(|| self.found(told, before_ms, items).map(|(number, _)| number))
        else {
            return;
        };
        let Some(visit) = self.visits.close(number) else {
            return;
        };
        let at = told.line.at;
        if visit.agent.is_none() {
            // Nor was the answer read.
            let talked = TimeDelta::try_milliseconds(talked_ms.unwrap_or(0)).unwrap_or_default();
            let answered = at.checked_sub_signed(talked).unwrap_or(at).max(visit.entered);
            let agent = told.line.agent.map(|agent| self.map.agents.agent(agent));
            let measured = queueing(waited_ms, None);
            let kind = EventKind::Answered { agent };
            items.push(told.event(answered, Some(visit.key.clone()), measured, kind));
        }
        if let Some((transfer, hotline)) = transfer {
            let kind = EventKind::Transferred { transfer, hotline };
            items.push(told.event(at, Some(visit.key.clone()), Measured::default(), kind));
        }
        let measured = Measured {
            engaged_ms: talked_ms,
            ..Measured::default()
        };
        let kind = EventKind::VisitEnded {
            outcome: None,
            by: Some(by),
        };
        items.push(told.event(at, Some(visit.key), measured, kind));
        self.visits.remember_end(told.call, told.text, at);
        self.busy_agent(told, AgentState::Ready, items);
    }

    fn exit(&mut self, told: &Told<'_>, exit: Exit<'_>, items: &mut Vec<Item>) {
        let name = told.line.name;
        let outcome = match self.map.ending(name, exit.key) {
            Some(Ending::Abandoned) => VisitEnd::Abandoned,
            Some(Ending::Overflowed) => VisitEnd::Overflowed,
            Some(Ending::Diverted) => VisitEnd::Diverted,
            Some(Ending::None) | None => return self.notes.without_effect(name),
        };
        let known = self.visits.find(told.call, told.queue, Wanted::Waiting);
        let Some(number) =
            known.or_else(|| self.found(told, exit.waited_ms, items).map(|(number, _)| number))
        else {
            return;
        };
        let Some(visit) = self.visits.close(number) else {
            return;
        };
        let at = told.line.at;
        let ringing = visit.cut_ring.filter(|(cut, _)| *cut == at);
        let by = match name {
            "ABANDON" | "EXITWITHKEY" => EndedBy::Citizen,
            _ => EndedBy::System,
        };
        let kind = EventKind::VisitEnded {
            outcome: Some(outcome),
            by: Some(by),
        };
        let measured = queueing(exit.waited_ms, ringing.map(|(_, rang_ms)| rang_ms));
        items.push(told.event(at, Some(visit.key), measured, kind));
        self.visits.remember_end(told.call, told.text, at);
    }

    fn ring_unanswered(&mut self, told: &Told<'_>, rang_ms: Option<i64>, items: &mut Vec<Item>) {
        let known = self.visits.find(told.call, told.queue, Wanted::Waiting);
        let visit = known.and_then(|number| self.visits.get_mut(number));
        let mut key = None;
        if let Some(visit) = visit {
            if let Some(rang_ms) = rang_ms {
                // Several telephones ring at once: the one that rang longest.
                let longer = visit
                    .cut_ring
                    .filter(|(cut, before_ms)| *cut == told.line.at && *before_ms > rang_ms);
                visit.cut_ring = longer.or(Some((told.line.at, rang_ms)));
            }
            key = Some(visit.key.clone());
        }
        let agent = told.line.agent.map(|agent| self.map.agents.agent(agent));
        let kind = EventKind::RingUnanswered { agent };
        items.push(told.event(told.line.at, key, Measured::default(), kind));
    }

    /// Asterisk started: the log will not tell how the open visits ended.
    fn lose_ends(&mut self, at: DateTime<Utc>, items: &mut Vec<Item>) {
        for visit in self.visits.close_all() {
            let lost = EventKind::VisitEnded {
                outcome: Some(VisitEnd::Lost),
                by: None,
            };
            items.push(event(&visit.call, at, Some(visit.key), Measured::default(), lost));
        }
    }

    /// The number that was dialled, as dialplans write it.
    fn did(&mut self, line: &LogLine<'_>, number: &str, items: &mut Vec<Item>) {
        let visit = line.call.and_then(|call| self.visits.newest_of(call));
        match (line.call, visit) {
            (Some(call), Some(visit)) if !number.is_empty() => {
                let hotline = self.map.queues.hotline(&visit.queue);
                let kind = arrived(hotline, None, Some(number.to_owned()));
                items.push(event(call, visit.entered, None, Measured::default(), kind));
            }
            _ => self.notes.without_effect(line.name),
        }
    }

    fn pause(&mut self, line: &LogLine<'_>, reason: &str, items: &mut Vec<Item>) -> Result<(), Fault> {
        if let Some(agent) = line.agent
            && self.paused.len() < PAUSED_MAX
        {
            let place = (agent.to_owned(), line.queue.map(str::to_owned));
            self.paused.insert(place, reason.to_owned());
        }
        let state = self.pause_state(reason);
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        self.agent(line, state, reason, items)
    }

    fn pause_state(&self, reason: &str) -> AgentState {
        match self.map.after_call_work.iter().any(|known| known == reason) {
            true => AgentState::AfterCallWork,
            false => AgentState::Paused,
        }
    }

    fn resumes(&mut self, line: &LogLine<'_>) {
        let Some(agent) = line.agent else { return };
        match line.queue {
            Some(queue) => {
                self.paused.remove(&(agent.to_owned(), Some(queue.to_owned())));
            }
            None => self.paused.retain(|(name, _), _| name != agent),
        }
    }

    fn agent(
        &mut self,
        line: &LogLine<'_>,
        state: AgentState,
        reason: Option<String>,
        items: &mut Vec<Item>,
    ) -> Result<(), Fault> {
        let agent = line
            .agent
            .ok_or_else(|| Fault::of("agent", "the event concerns an agent; correct the line"))?;
        items.push(Item::Agent(AgentReport {
            agent: self.map.agents.agent(agent),
            hotline: line.queue.map(|queue| self.map.queues.hotline(queue)),
            at: line.at,
            state,
            reason,
        }));
        Ok(())
    }

    /// The agent begins or ends a conversation; one who pauses meanwhile does so when it ends.
    fn busy_agent(&mut self, told: &Told<'_>, state: AgentState, items: &mut Vec<Item>) {
        let Some(name) = told.line.agent else { return };
        let agent: AgentName = self.map.agents.agent(name);
        let paused = |queue: Option<&str>| self.paused.get(&(name.to_owned(), queue.map(str::to_owned)));
        let pause = paused(Some(told.queue)).or_else(|| paused(None));
        let (state, reason) = match pause {
            Some(reason) if state == AgentState::Ready => {
                let given = Some(reason.clone()).filter(|reason| !reason.is_empty());
                (self.pause_state(reason), given)
            }
            _ => (state, None),
        };
        items.push(Item::Agent(AgentReport {
            agent,
            hotline: Some(self.map.queues.hotline(told.queue)),
            at: told.line.at,
            state,
            reason,
        }));
    }
}

impl Adapter for QueueLogAdapter {
    fn read(&mut self, line: &[u8], too_long: bool, place: Place, items: &mut Vec<Item>) {
        if place.file != self.file {
            self.file = place.file;
            self.decoder = Decoder::default();
        }
        let bytes = without_mark(line, place);
        if bytes.trim_ascii().is_empty() {
            return;
        }
        self.notes.lines += 1;
        let mut decoder = std::mem::take(&mut self.decoder);
        let told = if too_long {
            Err(Fault::too_long())
        } else {
            match decoder.decode(bytes) {
                Ok(text) => self.tell(text.trim_end(), place, items),
                Err(_) => Err(Fault::line(
                    "invalid UTF-8 in a file that is UTF-8 otherwise; save it in one encoding and import it again",
                )),
            }
        };
        self.decoder = decoder;
        if let Err(fault) = told {
            items.push(self.rejects.item(bytes, place, fault));
        }
    }

    fn settle(&mut self, _items: &mut Vec<Item>) {}

    fn needed_from(&self) -> Option<Place> {
        self.visits.needed_from()
    }

    fn notes(&self) -> &Notes {
        &self.notes
    }
}

/// A line that concerns a call in a queue.
struct Told<'a> {
    call: &'a str,
    queue: &'a str,
    text: &'a str,
    line: &'a LogLine<'a>,
}

impl Told<'_> {
    fn event(&self, at: DateTime<Utc>, visit: Option<VisitKey>, measured: Measured, kind: EventKind) -> Item {
        event(self.call, at, visit, measured, kind)
    }
}

fn event(
    call: &str,
    at: DateTime<Utc>,
    visit: Option<VisitKey>,
    measured: Measured,
    kind: EventKind,
) -> Item {
    let mut event = CallEvent::new(at, kind);
    event.visit = visit;
    event.measured = measured;
    Item::Call(CallItem {
        call: CallId::new(call),
        body: CallBody::Event(Box::new(event)),
    })
}

/// Asterisk's waiting time contains the ringing, and both are cut to whole seconds, or are.
fn queueing(waited_ms: Option<i64>, rang_ms: Option<i64>) -> Measured {
    let ring_ms = match (waited_ms, rang_ms) {
        (Some(waited_ms), Some(rang_ms)) => Some(rang_ms.min(waited_ms)),
        _ => None,
    };
    Measured {
        wait_ms: waited_ms.map(|waited_ms| waited_ms - ring_ms.unwrap_or(0)),
        ring_ms,
        engaged_ms: None,
    }
}

fn arrived(
    hotline: HotlineName,
    caller: Option<domain::personal::Caller>,
    dialled_address: Option<String>,
) -> EventKind {
    EventKind::Arrived {
        task_type: TaskType::InboundCall,
        hotline,
        caller,
        dialled_address,
        direct_topic_dial: None,
        external_contact: None,
        inbound_contact: Some(true),
        out_cc_contact: None,
    }
}
