use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Role;
use domain::agents::{AgentReport, AgentState};
use domain::ids::HotlineName;
use domain::live::Live;
use domain::record::TaskType;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn visit(call: u8, phase: Phase, since: i64, agent: Option<&str>) -> LiveVisit {
    LiveVisit {
        call: Identity([call; 16]),
        hotline: HotlineName::new("Steuern"),
        task_type: TaskType::InboundCall,
        offered_at: at(0),
        time_to_answer_ms: None,
        live: Live {
            phase,
            since: at(since),
            agent: agent.map(AgentName::new),
        },
    }
}

fn shown(visits: Vec<LiveVisit>) -> Option<u8> {
    let moment = Moment {
        visits,
        ..Moment::default()
    };
    call_of(&AgentName::new("anna"), &moment).map(|visit| visit.call.0[0])
}

#[test]
fn the_conversation_comes_before_what_rings_and_before_what_is_left_to_do() {
    let talking = || visit(1, Phase::OnHold, 1, Some("anna"));
    let ringing = || visit(2, Phase::Ringing, 9, Some("anna"));
    let work = || visit(3, Phase::AfterCallWork, 5, Some("anna"));
    assert_eq!(shown(vec![work(), ringing(), talking()]), Some(1));
    assert_eq!(shown(vec![work(), ringing()]), Some(2));
    assert_eq!(
        shown(vec![work(), visit(4, Phase::AfterCallWork, 6, Some("anna"))]),
        Some(4)
    );
}

#[test]
fn calls_of_others_and_calls_that_ring_for_nobody_in_particular_are_not_shown() {
    let others = vec![
        visit(1, Phase::Talking, 1, Some("ben")),
        visit(2, Phase::Ringing, 1, None),
        visit(3, Phase::Queued, 1, Some("anna")),
    ];
    assert_eq!(shown(others), None);
}

#[test]
fn the_activity_is_that_of_the_agent_alone() {
    let report = |agent: &str, state| AgentReport {
        agent: AgentName::new(agent),
        hotline: None,
        at: at(1),
        state,
        reason: None,
    };
    let moment = Moment {
        agents: vec![
            report("anna", AgentState::Paused),
            report("ben", AgentState::SignedIn),
        ],
        visits: vec![visit(1, Phase::Talking, 2, Some("ben"))],
        ..Moment::default()
    };
    let does = |agent: &str| activity(&AgentName::new(agent), &moment);
    assert_eq!(
        (does("anna"), does("ben"), does("clara")),
        ("paused", "talking", "")
    );
}

#[test]
fn users_see_their_own_desk_and_programs_name_one() {
    let program = Principal::operator();
    assert_eq!(whose(&program, " anna ").unwrap().as_str(), "anna");
    assert_eq!(
        whose(&program, "").unwrap_err().code(),
        tonic::Code::FailedPrecondition
    );
    let mut user = Principal {
        name: "anna.groß".to_owned(),
        roles: [Role::Agent].into(),
        is_user: true,
        ..Principal::operator()
    };
    assert_eq!(whose(&user, "ben").unwrap().as_str(), "anna.groß");
    user.agent = Some(AgentName::new("Agent 7"));
    assert_eq!(whose(&user, "ben").unwrap().as_str(), "Agent 7");
}
