//! Names of agents are taken out of a call when their time is over; the call itself stays, and adds the same to the figures.
//!
//! Within the call each agent keeps a number, so that it is still told which of them did what. The number is of this call
//! alone and made of nothing, so no name can be found by it. What was told before stays a repetition when it comes again.

use std::collections::BTreeMap;

use super::CallState;
use crate::event::{CallEvent, EventKind};
use crate::ids::AgentName;

impl CallEvent {
    /// The agent that it names.
    pub fn agent(&self) -> Option<&AgentName> {
        match &self.kind {
            EventKind::Ringing { agent }
            | EventKind::RingUnanswered { agent }
            | EventKind::Answered { agent }
            | EventKind::AfterCallWorkStarted { agent }
            | EventKind::AfterCallWorkEnded { agent } => agent.as_ref(),
            _ => None,
        }
    }

    /// Names another agent, or none, where it is about one.
    pub fn set_agent(&mut self, named: Option<AgentName>) {
        match &mut self.kind {
            EventKind::Ringing { agent }
            | EventKind::RingUnanswered { agent }
            | EventKind::Answered { agent }
            | EventKind::AfterCallWorkStarted { agent }
            | EventKind::AfterCallWorkEnded { agent } => *agent = named,
            _ => {}
        }
    }

    /// The same without the name of an agent.
    pub fn without_agent(&self) -> Self {
        let mut event = self.clone();
        event.set_agent(None);
        event
    }
}

impl CallState {
    /// Whether names of agents are kept of it.
    pub fn names_agents(&self) -> bool {
        !self.agents_gone && self.events.iter().any(|event| event.agent().is_some())
    }

    /// Takes the names of agents out, for good.
    pub fn take_out_agents(&mut self) {
        if std::mem::replace(&mut self.agents_gone, true) {
            return;
        }
        let mut numbers = BTreeMap::new();
        for event in &mut self.events {
            if let Some(agent) = event.agent().cloned() {
                let next = numbers.len() + 1;
                let number = numbers
                    .entry(agent)
                    .or_insert_with(|| AgentName::new(next.to_string()));
                event.set_agent(Some(number.clone()));
            }
        }
    }

    /// An event as it is kept of a call that names nobody any more: with the number that it got, if it was told before.
    pub(super) fn nameless(&self, event: &CallEvent) -> CallEvent {
        let mut nameless = event.without_agent();
        let told = self.events.iter().find(|known| match (&known.id, &event.id) {
            (Some(known), Some(new)) => known == new,
            _ => known.without_agent() == nameless,
        });
        nameless.set_agent(told.and_then(CallEvent::agent).cloned());
        nameless
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::assembly::Assembled;
    use crate::ids::{EventId, HotlineName};
    use crate::record::TaskType;
    use crate::report::ReportBody;

    fn event(second: i64, kind: EventKind) -> CallEvent {
        let began = DateTime::from_timestamp(1_732_000_000, 0).unwrap();
        CallEvent::new(began + TimeDelta::seconds(second), kind)
    }

    fn named(name: &str) -> Option<AgentName> {
        Some(AgentName::new(name))
    }

    /// A call that two agents had, one after the other.
    fn events() -> Vec<CallEvent> {
        let hotline = HotlineName::new("Bürgertelefon");
        let arrived = EventKind::Arrived {
            hotline: hotline.clone(),
            task_type: TaskType::InboundCall,
            caller: None,
            dialled_address: None,
            direct_topic_dial: None,
            external_contact: None,
            inbound_contact: None,
            out_cc_contact: None,
        };
        let anna = || named("Anna");
        let bert = || named("Bert");
        let kinds = [
            (0, arrived),
            (1, EventKind::Queued { hotline }),
            (5, EventKind::Ringing { agent: bert() }),
            (9, EventKind::RingUnanswered { agent: bert() }),
            (10, EventKind::Ringing { agent: anna() }),
            (12, EventKind::Answered { agent: anna() }),
            (60, EventKind::AfterCallWorkStarted { agent: anna() }),
            (90, EventKind::AfterCallWorkEnded { agent: anna() }),
        ];
        kinds.map(|(second, kind)| event(second, kind)).into()
    }

    fn told(events: Vec<CallEvent>) -> CallState {
        let mut state = CallState::default();
        for event in events {
            state.apply(ReportBody::Event(event));
        }
        state
    }

    fn nameless(mut call: Assembled) -> Assembled {
        for visit in &mut call.visits {
            visit.agent = None;
            if let Some(live) = &mut visit.live {
                live.agent = None;
            }
        }
        call
    }

    #[test]
    fn without_names_the_call_is_the_same_and_adds_the_same() {
        let before = told(events());
        let mut after = before.clone();
        after.take_out_agents();
        assert!(before.names_agents() && !after.names_agents());
        assert_eq!(before.assembled().visits[0].agent, named("Anna"));
        assert_eq!(after.assembled(), nameless(before.assembled()));
        assert_eq!(after.contribution(), before.contribution());
        let written = serde_json::to_string(&after).unwrap();
        assert!(
            !written.contains("Anna") && !written.contains("Bert"),
            "{written}"
        );
        let again = after.clone();
        after.take_out_agents();
        assert_eq!(after, again);
    }

    #[test]
    fn what_was_told_before_is_a_repetition_and_news_bring_no_name() {
        let mut state = told(events());
        state.take_out_agents();
        let before = state.clone();
        for event in events() {
            assert!(!state.apply(ReportBody::Event(event.clone())), "{event:?}");
        }
        assert_eq!(state, before);
        let late = event(95, EventKind::AfterCallWorkStarted { agent: named("Cora") });
        assert!(state.apply(ReportBody::Event(late.clone())));
        assert!(!state.apply(ReportBody::Event(late)));
        assert!(!serde_json::to_string(&state).unwrap().contains("Cora"));
    }

    #[test]
    fn an_event_with_an_id_of_its_own_keeps_its_number() {
        let with_id = |agent: &str| CallEvent {
            id: Some(EventId::new("e-1")),
            ..event(12, EventKind::Answered { agent: named(agent) })
        };
        let mut state = told(vec![with_id("Anna")]);
        state.take_out_agents();
        assert_eq!(state.events[0].agent(), named("1").as_ref());
        assert!(!state.apply(ReportBody::Event(with_id("Anna"))));
        assert_eq!(state.events[0].agent(), named("1").as_ref());
    }
}
