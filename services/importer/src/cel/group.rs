//! The channels of a call, and what they tell of it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::event::{EndedBy, EventKind, Measured, TransferKind, VisitEnd};
use domain::ids::HotlineName;
use domain::record::ConnectionStatus;

use crate::adapter::Place;
use crate::cel::channel::{Answer, Channel, Side, Stay};
use crate::cel::line::{ChannelEvent, Kind, interface};
use crate::cel::telling::{
    Teller, arrive, end_conversation, end_conversation_by, end_music, end_waiting, is_incoming,
};
use crate::queue_log::key;

/// Channels of a call that are followed at most.
const CHANNELS_MAX: usize = 1000;
/// A caller who hangs up in a queue leaves it and ends within this time.
const AT_ONCE: TimeDelta = TimeDelta::milliseconds(50);

/// The channels with one linked id.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) first: Place,
    pub(super) last_at: DateTime<Utc>,
    channels: HashMap<String, Channel>,
    /// When a transfer's prompt was played to an agent.
    prompt_at: Option<DateTime<Utc>>,
}

impl Group {
    pub(super) fn new(first: Place, at: DateTime<Utc>) -> Self {
        Self {
            first,
            last_at: at,
            channels: HashMap::new(),
            prompt_at: None,
        }
    }

    /// Takes an event in. Returns whether it was the last one.
    pub(super) fn take(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) -> bool {
        self.last_at = self.last_at.max(event.at);
        if event.application == "Queue" && matches!(event.kind, Kind::StreamBegin | Kind::BridgeEnter) {
            self.come_by_transfer(event, teller);
        }
        match event.kind {
            Kind::ChannelStart => self.start(event, teller),
            Kind::ApplicationStart => self.start_application(event, teller),
            Kind::ApplicationEnd if event.application == "Queue" => self.end_queue(event, teller),
            Kind::StreamBegin => self.begin_stream(event, teller),
            Kind::StreamEnd => self.end_stream(event, teller),
            Kind::BridgeEnter => self.enter_bridge(event, teller),
            Kind::BridgeExit => self.exit_bridge(event),
            Kind::Digit => {
                if let Some(stay) = self.stay(event.unique) {
                    stay.digit_at = Some(event.at);
                }
            }
            Kind::BlindTransfer => self.transfer(event, TransferKind::Blind, teller),
            Kind::AttendedTransfer => self.transfer(event, TransferKind::Attended, teller),
            Kind::Hangup => self.hang_up(event, teller),
            Kind::ChannelEnd => {
                self.channels.remove(event.unique);
            }
            Kind::LinkedIdEnd => return true,
            _ => {}
        }
        false
    }

    fn stay(&mut self, unique: &str) -> Option<&mut Stay> {
        self.channels.get_mut(unique)?.stay.as_mut()
    }

    fn start(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        // A telephone is called: whatever waits was taken by its queue.
        let mut waiting: Vec<String> = self.channels.keys().cloned().collect();
        waiting.sort_unstable();
        for unique in waiting {
            self.be_taken(&unique, teller);
        }
        if self.channels.len() >= CHANNELS_MAX {
            return;
        }
        let dialled = match event.dialled {
            "" => event.extension,
            dialled => dialled,
        };
        let channel = Channel {
            name: event.channel.to_owned(),
            started: event.at,
            caller: event.caller.to_owned(),
            dialled: dialled.to_owned(),
            context: event.context.to_owned(),
            first_queue: None,
            stay: None,
            told: false,
            was_queued: false,
            was_refused: false,
            sent_at: None,
            was_connected: false,
        };
        self.channels.insert(event.unique.to_owned(), channel);
    }

    fn start_application(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        self.settle_left(event, teller);
        let Some(channel) = self.channels.get_mut(event.unique) else {
            return;
        };
        if channel.caller.is_empty() {
            event.caller.clone_into(&mut channel.caller);
        }
        if event.application != "Queue" {
            return;
        }
        if matches!(channel.dialled.as_str(), "" | "s") {
            event.dialled.clone_into(&mut channel.dialled);
        }
        let stay = Stay::new(event.data, event.at);
        channel.first_queue.get_or_insert_with(|| stay.queue.clone());
        channel.stay = Some(stay);
        channel.sent_at = None;
    }

    /// A caller whom an agent sends into another queue comes there without a start of the application.
    fn come_by_transfer(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        let prompt_at = self.prompt_at;
        let Some(channel) = self.channels.get_mut(event.unique) else {
            return;
        };
        let mut since = channel.sent_at.take().filter(|_| channel.stay.is_none());
        if let Some(stay) = &channel.stay
            && stay.answer.is_some()
            && !stay.is_of(event.data)
        {
            if let Some(key) = stay.key.clone() {
                let hotline = teller
                    .map
                    .extensions
                    .listed(event.extension)
                    .map(HotlineName::new);
                let transfer = TransferKind::Blind;
                let kind = EventKind::Transferred { transfer, hotline };
                teller.tell_visit(event.unique, event.at, &key, Measured::default(), kind);
            }
            end_conversation_by(
                channel,
                event.unique,
                event.at,
                EndedBy::Transfer,
                prompt_at,
                teller,
            );
            since = Some(event.at);
        }
        if let Some(since) = since {
            channel.stay = Some(Stay::new(event.data, since));
        }
    }

    /// The queue took the call: it is offered.
    fn be_taken(&mut self, unique: &str, teller: &mut Teller<'_>) {
        let Some(channel) = self.channels.get_mut(unique) else {
            return;
        };
        let Some(stay) = channel
            .stay
            .as_mut()
            .filter(|stay| stay.key.is_none() && stay.left.is_none())
        else {
            return;
        };
        let key = key(&stay.queue, stay.since, 1);
        stay.key = Some(key.clone());
        let (since, hotline) = (stay.since, teller.map.queues.hotline(&stay.queue));
        channel.was_queued = true;
        arrive(channel, unique, teller);
        teller.tell_visit(
            unique,
            since,
            &key,
            Measured::default(),
            EventKind::Queued { hotline },
        );
    }

    fn begin_stream(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        self.settle_left(event, teller);
        self.be_taken(event.unique, teller);
        if teller
            .map
            .transfer_sounds
            .iter()
            .any(|sound| sound == event.extra("sound"))
        {
            self.prompt_at = Some(event.at);
        }
        let answer = self.stay(event.unique).and_then(|stay| stay.answer.as_mut());
        if let Some(answer) = answer.filter(|_| !event.extra("class").is_empty()) {
            answer.music_since = Some(event.at);
        }
    }

    fn end_stream(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        let prompt_at = self.prompt_at;
        if let Some(stay) = self.stay(event.unique) {
            end_music(stay, event.unique, event.at, prompt_at, teller);
        }
    }

    fn enter_bridge(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        let bridge = event.extra("bridge_id");
        // Back from a consultation.
        for stay in self
            .channels
            .values_mut()
            .filter_map(|channel| channel.stay.as_mut())
        {
            if let Some(answer) = &mut stay.answer
                && answer.bridge == bridge
            {
                answer.exit = None;
            }
        }
        // Either side may come last: the line that names the other one tells both.
        let waits = |channel: &Channel| channel.stay.as_ref().is_some_and(Stay::waits);
        let own = self.channels.get(event.unique).filter(|channel| waits(channel));
        let (unique, agent) = match (own, event.peers().next()) {
            (Some(_), Some(peer)) => (event.unique.to_owned(), peer.to_owned()),
            (None, Some(peer)) => {
                let caller = self
                    .channels
                    .iter()
                    .find(|(_, channel)| channel.name == peer && waits(channel));
                match caller {
                    Some((unique, _)) => (unique.clone(), event.channel.to_owned()),
                    None => return self.connect(event, peer, teller),
                }
            }
            (_, None) => return,
        };
        self.be_taken(&unique, teller);
        let rang_since = self
            .channels
            .values()
            .find(|channel| channel.name == agent)
            .map(|leg| leg.started);
        let Some(stay) = self.stay(&unique) else { return };
        let waited_ms = (event.at - stay.since).num_milliseconds().max(0);
        let ring_ms = rang_since.map_or(0, |since| {
            (event.at - since).num_milliseconds().clamp(0, waited_ms)
        });
        stay.answer = Some(Answer {
            channel: agent.clone(),
            bridge: bridge.to_owned(),
            exit: None,
            music_since: None,
        });
        let Some(key) = stay.key.clone() else { return };
        let measured = Measured {
            wait_ms: Some(waited_ms - ring_ms),
            ring_ms: Some(ring_ms),
            engaged_ms: None,
        };
        let agent = Some(teller.map.agents.agent(interface(&agent)));
        teller.tell_visit(&unique, event.at, &key, measured, EventKind::Answered { agent });
    }

    /// A call that came in talks with somebody, without a queue.
    fn connect(&mut self, event: &ChannelEvent<'_>, peer: &str, teller: &mut Teller<'_>) {
        let Some(channel) = self.channels.get_mut(event.unique) else {
            return;
        };
        let direct =
            event.unique == event.linked && event.application == "Dial" && channel.first_queue.is_none();
        if direct && !channel.was_connected && is_incoming(channel, teller.map) {
            channel.was_connected = true;
            arrive(channel, event.unique, teller);
            let agent = Some(teller.map.agents.agent(interface(peer)));
            let kind = EventKind::Answered { agent };
            teller.tell(event.unique, event.at, None, Measured::default(), kind);
        }
    }

    fn exit_bridge(&mut self, event: &ChannelEvent<'_>) {
        let bridge = event.extra("bridge_id");
        for (unique, channel) in &mut self.channels {
            let answer = channel.stay.as_mut().and_then(|stay| stay.answer.as_mut());
            let Some(answer) = answer.filter(|answer| answer.bridge == bridge) else {
                continue;
            };
            if *unique == event.unique {
                answer.leaves(Side::Caller, event.at);
            } else if answer.channel == event.channel {
                answer.leaves(Side::Agent, event.at);
            }
        }
    }

    /// The caller came out of the queue: after a conversation, or for something that the next line tells.
    fn end_queue(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        let prompt_at = self.prompt_at;
        let Some(channel) = self.channels.get_mut(event.unique) else {
            return;
        };
        let Some(stay) = &mut channel.stay else { return };
        if stay.answer.is_some() {
            let by = stay.answer.as_ref().and_then(|answer| answer.end(event.at).1);
            end_conversation(channel, event.unique, event.at, by, prompt_at, teller);
        } else if stay.was_taken(event.at) {
            stay.left = Some(event.at);
            if stay.key.is_none() {
                stay.left = None;
                self.be_taken(event.unique, teller);
                if let Some(stay) = self.stay(event.unique) {
                    stay.left = Some(event.at);
                }
            }
        } else {
            channel.was_refused = true;
            channel.stay = None;
        }
    }

    /// The caller left a queue and goes on: how the stay ended is clear now.
    fn settle_left(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        let Some(channel) = self.channels.get_mut(event.unique) else {
            return;
        };
        let Some((stay, left)) = channel.stay.as_ref().and_then(|stay| Some((stay, stay.left?))) else {
            return;
        };
        let (outcome, by) = if stay.timed_out(left) {
            (VisitEnd::Overflowed, EndedBy::System)
        } else if stay.left_by_key(left) {
            (VisitEnd::Diverted, EndedBy::Citizen)
        } else {
            (VisitEnd::Diverted, EndedBy::System)
        };
        end_waiting(channel, event.unique, left, outcome, by, teller);
    }

    fn transfer(&mut self, event: &ChannelEvent<'_>, transfer: TransferKind, teller: &mut Teller<'_>) {
        let prompt_at = self.prompt_at;
        let unique = event.extra("transferee_channel_uniqueid");
        let Some(channel) = self.channels.get_mut(unique) else {
            return;
        };
        let Some(key) = channel
            .stay
            .as_ref()
            .filter(|stay| stay.answer.is_some())
            .and_then(|stay| stay.key.clone())
        else {
            return;
        };
        let hotline = teller
            .map
            .extensions
            .listed(event.extra("extension"))
            .map(HotlineName::new);
        let kind = EventKind::Transferred { transfer, hotline };
        teller.tell_visit(unique, event.at, &key, Measured::default(), kind);
        if let Some(answer) = channel.stay.as_mut().and_then(|stay| stay.answer.as_mut()) {
            answer.exit = None;
        }
        end_conversation_by(channel, unique, event.at, EndedBy::Transfer, prompt_at, teller);
        channel.sent_at = (transfer == TransferKind::Blind).then_some(event.at);
    }

    fn hang_up(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        let prompt_at = self.prompt_at;
        let source = event.extra("hangupsource");
        let legs: Vec<String> = self
            .channels
            .iter()
            .filter(|(_, channel)| {
                let answer = channel.stay.as_ref().and_then(|stay| stay.answer.as_ref());
                answer.is_some_and(|answer| answer.channel == event.channel)
            })
            .map(|(unique, _)| unique.clone())
            .collect();
        for unique in legs {
            let Some(channel) = self.channels.get_mut(&unique) else {
                continue;
            };
            let by = match source {
                "" => None,
                source if source == channel.name => Some(Side::Caller),
                _ => Some(Side::Agent),
            };
            end_conversation(channel, &unique, event.at, by, prompt_at, teller);
        }
        let Some(channel) = self.channels.get_mut(event.unique) else {
            return;
        };
        let by_caller = source == channel.name || source.is_empty();
        if let Some(stay) = &channel.stay {
            let at_once = stay.left.is_none_or(|left| event.at - left <= AT_ONCE);
            if stay.answer.is_some() {
                let side = if by_caller { Side::Caller } else { Side::Agent };
                end_conversation(channel, event.unique, event.at, Some(side), prompt_at, teller);
            } else if by_caller && at_once {
                let at = stay.left.unwrap_or(event.at);
                self.be_taken(event.unique, teller);
                if let Some(channel) = self.channels.get_mut(event.unique) {
                    end_waiting(
                        channel,
                        event.unique,
                        at,
                        VisitEnd::Abandoned,
                        EndedBy::Citizen,
                        teller,
                    );
                }
            } else {
                self.settle_left(event, teller);
            }
        }
        self.end_call(event, teller);
    }

    /// The telephone system went down at the latest then, and its calls with it.
    pub(super) fn cut(mut self, at: DateTime<Utc>, teller: &mut Teller<'_>) {
        let mut uniques: Vec<String> = self.channels.keys().cloned().collect();
        uniques.sort_unstable();
        for unique in uniques {
            let Some(channel) = self.channels.get_mut(&unique) else {
                continue;
            };
            if !channel.told && !is_incoming(channel, teller.map) {
                continue;
            }
            arrive(channel, &unique, teller);
            let lost = channel.stay.take().and_then(|stay| stay.key);
            if let Some(key) = lost {
                let kind = EventKind::VisitEnded {
                    outcome: Some(VisitEnd::Lost),
                    by: None,
                };
                teller.tell_visit(&unique, at, &key, Measured::default(), kind);
            } else if !channel.was_queued && !channel.was_connected {
                let kind = EventKind::Ended {
                    by: Some(EndedBy::System),
                    status: Some(ConnectionStatus::Failed),
                };
                teller.tell(&unique, at, None, Measured::default(), kind);
            }
        }
    }

    /// The caller's channel ended.
    fn end_call(&mut self, event: &ChannelEvent<'_>, teller: &mut Teller<'_>) {
        let source = event.extra("hangupsource");
        let Some(channel) = self.channels.get_mut(event.unique) else {
            return;
        };
        let main = event.unique == event.linked;
        if !channel.told && !(main && (channel.first_queue.is_some() || is_incoming(channel, teller.map))) {
            return;
        }
        arrive(channel, event.unique, teller);
        let by = match source {
            source if source == channel.name || source.is_empty() => EndedBy::Citizen,
            source if source.contains('/') && !source.starts_with("dialplan") => EndedBy::Agent,
            _ => EndedBy::System,
        };
        let status = match by {
            _ if channel.was_queued || channel.was_connected => None,
            _ if channel.was_refused => teller.map.refused,
            EndedBy::Citizen => Some(ConnectionStatus::AbandonedBeforeQueue),
            _ => None,
        };
        let kind = EventKind::Ended { by: Some(by), status };
        teller.tell(event.unique, event.at, None, Measured::default(), kind);
    }
}
