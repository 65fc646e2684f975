//! Who may call what: roles, who somebody is, and the table of methods.
//!
//! The table is closed: a method that it does not name is refused to everybody but the operator. What somebody may see
//! *within* an answer (a department its own tickets only, a supervisor no names) is decided here too, by
//! [`Principal`], and applied by the service that answers.

mod attempts;
mod methods;
mod token;
mod users;

use std::collections::BTreeSet;
use std::fmt;

pub use attempts::{AttemptKey, AttemptKind, Failures};
pub use methods::{Admission, METHODS, admission};
use serde::{Deserialize, Serialize};
pub use token::TokenHash;
pub use users::{PasswordFault, PasswordHash, SignsIn, User, UserFault, check_password, user_name};

use crate::ids::{AgentName, DepartmentId};

/// What somebody is to the hotline. A person may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Talks with citizens and logs what they ask for.
    Agent,
    /// Watches queues, staff and tickets by figures; sees no names of citizens.
    Supervisor,
    /// Answers the tickets of one department.
    Department,
    /// Looks after the rights of data subjects; sees who has looked at what.
    DataProtection,
    /// Manages users and rules; sees no tickets.
    Administrator,
    /// A feed of reports: a telephone system, a mail server that reports bounces.
    Feed,
    /// Reads metrics.
    Monitoring,
    /// Whoever runs the node: may do everything. No user has it, only tokens.
    Operator,
}

impl Role {
    /// All of them, in the order in which people see them.
    pub const ALL: [Self; 8] = [
        Self::Agent,
        Self::Supervisor,
        Self::Department,
        Self::DataProtection,
        Self::Administrator,
        Self::Feed,
        Self::Monitoring,
        Self::Operator,
    ];

    /// The name in configurations, messages and the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Department => "department",
            Self::DataProtection => "data_protection",
            Self::Administrator => "administrator",
            Self::Feed => "feed",
            Self::Monitoring => "monitoring",
            Self::Operator => "operator",
        }
    }

    /// Reads what [`Role::name`] gives.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether a user, a person who signs in, may have it.
    pub fn is_for_users(self) -> bool {
        !matches!(self, Self::Feed | Self::Monitoring | Self::Operator)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who calls, as the token or the session of the call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// A user's name, a token's name, or `operator`: what the audit trail says.
    pub name: String,
    /// The name for people to read; the same as `name` where there is no other.
    pub shown_name: String,
    /// What the caller is.
    pub roles: BTreeSet<Role>,
    /// Whose tickets a member of a department may see; always there with [`Role::Department`].
    pub department: Option<DepartmentId>,
    /// As what the telephone system knows a user who is an agent.
    pub agent: Option<AgentName>,
    /// Whether it is a person who signed in, not a program with a token.
    pub is_user: bool,
}

impl Principal {
    /// Whoever runs the node.
    pub fn operator() -> Self {
        Self {
            name: "operator".to_owned(),
            shown_name: "operator".to_owned(),
            roles: BTreeSet::from([Role::Operator]),
            department: None,
            agent: None,
            is_user: false,
        }
    }

    /// Whether it has the role; the operator has all.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role) || self.roles.contains(&Role::Operator)
    }

    /// Whether it has one of these roles; the operator has all.
    pub fn is_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.is(*role))
    }

    /// Whether it may call a method.
    pub fn may_call(&self, method: &str) -> bool {
        match admission(method) {
            Some(Admission::Open | Admission::SignedIn) => true,
            Some(Admission::Roles(roles)) => self.is_any(roles),
            None => self.is(Role::Operator),
        }
    }

    /// Which tickets it may see, and how much of them.
    pub fn ticket_view(&self) -> TicketView {
        if self.is_any(&[Role::Agent, Role::DataProtection]) {
            return TicketView::Whole;
        }
        match (&self.department, self.is(Role::Supervisor)) {
            // Somebody who is both sees the own tickets whole, and the rest without citizens.
            (Some(department), masked) if self.roles.contains(&Role::Department) => TicketView::Of {
                department: department.clone(),
                others_masked: masked,
            },
            (_, true) => TicketView::Masked,
            _ => TicketView::Nothing,
        }
    }

    /// Whether it may see the numbers and addresses of citizens in calls.
    pub fn may_reveal_calls(&self) -> bool {
        self.is(Role::DataProtection)
    }

    /// Whether it may see rejected items as they were delivered: who repairs them has to.
    pub fn may_reveal_rejected(&self) -> bool {
        self.is_any(&[Role::DataProtection, Role::Administrator])
    }

    /// The agent that an act is noted under: a user cannot act as somebody else, a program says for whom it acts.
    pub fn acting_agent(&self, said: &str) -> String {
        if self.is_user {
            self.agent
                .as_ref()
                .map_or_else(|| self.name.clone(), |agent| agent.as_str().to_owned())
        } else {
            said.trim().to_owned()
        }
    }

    /// The name that an act is kept under where no agent is meant: a user's own, a program says in whose name it acts.
    pub fn acting_name(&self, said: &str) -> String {
        match self.is_user {
            true => self.name.clone(),
            false => said.trim().to_owned(),
        }
    }

    /// Whether it may read and answer as a department.
    pub fn may_act_for(&self, department: &DepartmentId) -> bool {
        let is_own = self.roles.contains(&Role::Department) && self.department.as_ref() == Some(department);
        is_own || self.roles.contains(&Role::Operator)
    }

    /// The idempotency key of a request as it is kept. Those of users are apart from each other, and from those of programs:
    /// a key that somebody else has used, or guesses, gives nothing away.
    pub fn kept_key(&self, key: &str) -> String {
        match self.is_user {
            // No key that was sent has this character in it.
            true => format!("{}{KEY_OF_USER}{key}", self.name),
            false => key.to_owned(),
        }
    }
}

/// Stands between the name of a user and his or her idempotency key: no text that is sent as a key may have it.
const KEY_OF_USER: char = '\u{1f}';

/// How much of which tickets somebody may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketView {
    /// All of all.
    Whole,
    /// All, without what they say about citizens.
    Masked,
    /// All of one department's.
    Of {
        /// Whose.
        department: DepartmentId,
        /// Whether those of others may be seen without what they say about citizens.
        others_masked: bool,
    },
    /// None.
    Nothing,
}

/// How one ticket may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All of it.
    Whole,
    /// Without what it says about the citizen.
    Masked,
    /// Not at all: it must look as if it were not there.
    Hidden,
}

impl TicketView {
    /// How a ticket of a department may be seen.
    pub fn of(&self, owner: &DepartmentId) -> Sight {
        match self {
            Self::Whole => Sight::Whole,
            Self::Masked => Sight::Masked,
            Self::Of { department, .. } if department == owner => Sight::Whole,
            Self::Of {
                others_masked: true, ..
            } => Sight::Masked,
            Self::Of { .. } | Self::Nothing => Sight::Hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(roles: &[Role], department: Option<&str>) -> Principal {
        Principal {
            name: "jemand".to_owned(),
            shown_name: "Jemand".to_owned(),
            roles: roles.iter().copied().collect(),
            department: department.map(DepartmentId::new),
            agent: None,
            is_user: true,
        }
    }

    #[test]
    fn a_department_sees_its_own_tickets_only() {
        let view = user(&[Role::Department], Some("umwelt")).ticket_view();
        assert_eq!(view.of(&DepartmentId::new("umwelt")), Sight::Whole);
        assert_eq!(view.of(&DepartmentId::new("finanzen")), Sight::Hidden);
    }

    #[test]
    fn a_supervisor_sees_no_citizen_and_a_supervisor_of_a_department_only_its_own() {
        let view = user(&[Role::Supervisor], None).ticket_view();
        assert_eq!(view.of(&DepartmentId::new("umwelt")), Sight::Masked);
        let both = user(&[Role::Supervisor, Role::Department], Some("umwelt")).ticket_view();
        assert_eq!(both.of(&DepartmentId::new("umwelt")), Sight::Whole);
        assert_eq!(both.of(&DepartmentId::new("finanzen")), Sight::Masked);
    }

    #[test]
    fn administrators_and_feeds_see_no_tickets() {
        for role in [Role::Administrator, Role::Feed, Role::Monitoring] {
            assert_eq!(user(&[role], None).ticket_view(), TicketView::Nothing);
        }
    }

    #[test]
    fn a_user_cannot_act_as_another_agent_and_a_program_says_for_whom() {
        let mut anna = user(&[Role::Agent], None);
        anna.agent = Some(AgentName::new("anna"));
        assert_eq!(anna.acting_agent("ben"), "anna");
        assert_eq!(Principal::operator().acting_agent(" ben "), "ben");
    }

    #[test]
    fn the_same_key_of_two_users_or_of_a_program_is_not_the_same() {
        let (anna, mut ben) = (user(&[Role::Agent], None), user(&[Role::Agent], None));
        ben.name = "ben".to_owned();
        let keys = [&anna, &ben, &Principal::operator()].map(|who| who.kept_key("k1"));
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(keys[2], "k1");
    }

    #[test]
    fn only_its_own_members_act_for_a_department() {
        let member = user(&[Role::Department], Some("umwelt"));
        assert!(member.may_act_for(&DepartmentId::new("umwelt")));
        assert!(!member.may_act_for(&DepartmentId::new("finanzen")));
        assert!(Principal::operator().may_act_for(&DepartmentId::new("finanzen")));
        let stray = user(&[Role::Agent], Some("umwelt"));
        assert!(!stray.may_act_for(&DepartmentId::new("umwelt")));
    }

    #[test]
    fn unknown_methods_are_for_the_operator_alone() {
        let method = "/nrwdirekt.tickets.v1.Ticketing/Invented";
        assert!(Principal::operator().may_call(method));
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
            assert!(!user(&[role], Some("umwelt")).may_call(method));
        }
    }

    #[test]
    fn no_method_is_named_twice() {
        let names: BTreeSet<&str> = METHODS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), METHODS.len());
    }
}
