//! Users: people who sign in. Their names, their passwords, what they are.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{Principal, Role};
use crate::ids::{AgentName, DepartmentId, UserName};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// What he or she signs in with; never changes.
    pub name: UserName,
    /// For people to read.
    pub shown_name: String,
    /// At least one, of those for people.
    pub roles: BTreeSet<Role>,
    /// With the role department, and only then.
    pub department: Option<DepartmentId>,
    /// As what the telephone system knows the user.
    pub agent: Option<AgentName>,
    /// May not sign in.
    pub disabled: bool,
    /// How.
    pub signs_in: SignsIn,
    /// Since when there is the user; whole milliseconds.
    pub created_at: DateTime<Utc>,
    /// When the last session began.
    pub last_sign_in_at: Option<DateTime<Utc>>,
    /// Grows with each change; who decided on an older one decides anew.
    pub revision: u32,
}

/// How a user signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignsIn {
    /// With a password.
    Password {
        /// What is kept of it.
        hash: PasswordHash,
        /// Somebody else knows it: nothing but changing it is allowed.
        is_first: bool,
    },
    /// By the provider alone, which knows the user as this subject.
    Provider {
        /// The claim `sub`.
        subject: String,
    },
}

/// A hashed password, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl User {
    /// Who he or she is to services.
    pub fn principal(&self) -> Principal {
        Principal {
            name: self.name.to_string(),
            shown_name: self.shown_name.clone(),
            roles: self.roles.clone(),
            department: self.department.clone(),
            agent: self.agent.clone(),
            is_user: true,
        }
    }

    /// Whether the password is one that somebody else knows.
    pub fn must_change_password(&self) -> bool {
        matches!(self.signs_in, SignsIn::Password { is_first: true, .. })
    }

    /// Whether he or she can look after users.
    pub fn administers(&self) -> bool {
        !self.disabled && self.roles.contains(&Role::Administrator)
    }

    /// Whether sessions that began before a change may go on after it.
    pub fn has_same_rights_as(&self, other: &Self) -> bool {
        self.roles == other.roles
            && self.department == other.department
            && self.agent == other.agent
            && self.disabled == other.disabled
            && self.signs_in == other.signs_in
    }

    /// Checks what a user is.
    ///
    /// # Errors
    /// [`UserFault`]: the field, and what to do.
    pub fn check(&self) -> Result<(), UserFault> {
        let shown = self.shown_name.trim();
        if shown.is_empty() || shown.chars().count() > 100 {
            return Err(UserFault::ShownName);
        }
        if self.roles.is_empty() {
            return Err(UserFault::NoRole);
        }
        if let Some(role) = self.roles.iter().find(|role| !role.is_for_users()) {
            return Err(UserFault::NotForUsers(*role));
        }
        match (self.roles.contains(&Role::Department), &self.department) {
            (true, None) => return Err(UserFault::DepartmentMissing),
            (false, Some(_)) => return Err(UserFault::DepartmentWithoutRole),
            _ => {}
        }
        if let SignsIn::Provider { subject } = &self.signs_in
            && (subject.trim().is_empty() || subject.len() > 255)
        {
            return Err(UserFault::Subject);
        }
        Ok(())
    }
}

/// What is wrong with a user: the field, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UserFault {
    /// No name.
    #[error("name: use 2 to 64 lower-case letters, digits, dots and hyphens, a letter first")]
    Name,
    /// No name for people.
    #[error("shown_name: use 1 to 100 characters")]
    ShownName,
    /// Nothing that the user could do.
    #[error("roles: give at least one of agent, supervisor, department, data_protection, administrator")]
    NoRole,
    /// A role of programs.
    #[error(
        "roles: {0} is for programs with tokens; use agent, supervisor, department, data_protection or administrator"
    )]
    NotForUsers(Role),
    /// No such role.
    #[error("roles: there is no {0:?}; use agent, supervisor, department, data_protection or administrator")]
    UnknownRole(String),
    /// Whose tickets?
    #[error("department: say whose tickets somebody with the role department may see")]
    DepartmentMissing,
    /// A department that would mean nothing.
    #[error("department: only with the role department; leave it empty, or add the role")]
    DepartmentWithoutRole,
    /// No subject.
    #[error("openid_subject: use 1 to 255 characters, as the provider writes them")]
    Subject,
}

/// Reads the name of a user: lower-case letters, digits, dots and hyphens, 2 to 64 of them, a letter first.
///
/// # Errors
/// [`UserFault::Name`].
pub fn user_name(text: &str) -> Result<UserName, UserFault> {
    let fits = (2..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
    // The operator is no user, and the trail must not confuse them.
    if fits && text != "operator" {
        Ok(UserName::new(text))
    } else {
        Err(UserFault::Name)
    }
}

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordFault {
    /// Too short or too long.
    #[error("use 12 to 200 characters")]
    Length,
    /// Everybody would try it.
    #[error("it is or contains the name; use another one")]
    Name,
    /// Everybody would try it.
    #[error("it is one of the most common ones, or too regular; use another one")]
    Common,
}

/// Passwords of twelve or more characters that many use, lower-case and without separators; shorter ones fail by length.
const COMMON: &[&str] = &[
    "administrator",
    "callcentercallcenter",
    "changemechangeme",
    "dragondragon",
    "duesseldorf2024",
    "düsseldorf2024",
    "footballfootball",
    "geheimgeheim",
    "hallohallo123",
    "iloveyou1234",
    "iloveyouiloveyou",
    "kennwort1234",
    "kennwortkennwort",
    "letmeinletmein",
    "masterpassword",
    "meinkennwort",
    "meinpasswort",
    "mypassword123",
    "nordrheinwestfalen",
    "nrwdirekt1234",
    "p@ssw0rd1234",
    "passw0rd1234",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "passwort1234",
    "passwort12345",
    "passwort123456",
    "passwortpasswort",
    "princess1234",
    "qwertyuiop123",
    "qwertyuiopasdfgh",
    "qwertzuiop123",
    "qwertzuiopasdfgh",
    "q1w2e3r4t5y6",
    "q1w2e3r4t5z6",
    "servicecenter",
    "sommer202520",
    "willkommen123",
    "willkommen1234",
];

/// Checks a password that a person chose.
///
/// # Errors
/// [`PasswordFault`].
pub fn check_password(name: &UserName, password: &str) -> Result<(), PasswordFault> {
    if !(12..=200).contains(&password.chars().count()) {
        return Err(PasswordFault::Length);
    }
    let lower = password.to_lowercase();
    // A name of two letters may well be part of a good password.
    if lower == name.as_str() || name.as_str().len() >= 4 && lower.contains(name.as_str()) {
        return Err(PasswordFault::Name);
    }
    let plain: String = lower
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '-' | '_' | '.' | '!' | '?'))
        .collect();
    let different: BTreeSet<char> = plain.chars().collect();
    if different.len() < 5 || COMMON.contains(&plain.as_str()) || is_a_row(&plain) {
        return Err(PasswordFault::Common);
    }
    Ok(())
}

/// Whether it is a row of the alphabet, of digits or of the keyboard, forwards or backwards, once or again.
fn is_a_row(password: &str) -> bool {
    const ROWS: [&str; 7] = [
        "abcdefghijklmnopqrstuvwxyz",
        "12345678901234567890",
        "qwertyuiop",
        "qwertzuiopü",
        "asdfghjklöä",
        "1qay2wsx3edc4rfv5tgb",
        "1qaz2wsx3edc4rfv5tgb",
    ];
    let letters: Vec<char> = password.chars().collect();
    let follows = |pair: &[char]| {
        ROWS.iter().any(|row| {
            let row: Vec<char> = row.chars().collect();
            row.windows(2)
                .any(|two| two == pair || two[0] == pair[1] && two[1] == pair[0])
        })
    };
    let following = letters.windows(2).filter(|pair| follows(pair)).count();
    following * 5 >= (letters.len() - 1) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(roles: &[Role], department: Option<&str>) -> User {
        User {
            name: UserName::new("anna"),
            shown_name: "Anna Arndt".to_owned(),
            roles: roles.iter().copied().collect(),
            department: department.map(DepartmentId::new),
            agent: None,
            disabled: false,
            signs_in: SignsIn::Provider {
                subject: "1".to_owned(),
            },
            created_at: DateTime::UNIX_EPOCH,
            last_sign_in_at: None,
            revision: 1,
        }
    }

    #[test]
    fn names_are_plain() {
        for good in ["ab", "anna", "fk-koeln", "a.b-c1", &"a".repeat(64)] {
            assert!(user_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "Anna",
            "jörg",
            "1a",
            "-a",
            "a b",
            "a\n",
            "operator",
            &"a".repeat(65),
        ] {
            assert_eq!(user_name(bad), Err(UserFault::Name), "{bad}");
        }
    }

    #[test]
    fn a_user_has_a_role_for_people_and_a_department_with_that_role_alone() {
        use Role::{Agent, Department, Feed, Operator};
        for (roles, department, fault) in [
            (&[Agent][..], None, None),
            (&[Department, Agent], Some("umwelt"), None),
            (&[], None, Some(UserFault::NoRole)),
            (&[Agent, Operator], None, Some(UserFault::NotForUsers(Operator))),
            (&[Feed], None, Some(UserFault::NotForUsers(Feed))),
            (&[Department], None, Some(UserFault::DepartmentMissing)),
            (&[Agent], Some("umwelt"), Some(UserFault::DepartmentWithoutRole)),
        ] {
            assert_eq!(user(roles, department).check().err(), fault, "{roles:?}");
        }
    }

    #[test]
    fn passwords_that_everybody_would_try_are_refused() {
        let anna = UserName::new("anna");
        let check = |password: &str| check_password(&anna, password).err();
        for good in ["korrekt pferd batterie", "Xk7-pL2m-Qr9s", "äöüÄÖÜß€–…„“x"] {
            assert_eq!(check(good), None, "{good}");
        }
        for (bad, fault) in [
            ("elf zeichen", PasswordFault::Length),
            (&"ab".repeat(101), PasswordFault::Length),
            ("Anna-und-noch-mehr", PasswordFault::Name),
            ("Passwort 1234!", PasswordFault::Common),
            ("aaaaaaaaaaaa", PasswordFault::Common),
            ("abababababab", PasswordFault::Common),
            ("abcdefghijkl", PasswordFault::Common),
            ("098765432109", PasswordFault::Common),
            ("qwertzuiopasdf", PasswordFault::Common),
        ] {
            assert_eq!(check(bad), Some(fault), "{bad}");
        }
    }

    #[test]
    fn no_hash_is_printed() {
        let mut anna = user(&[Role::Agent], None);
        anna.signs_in = SignsIn::Password {
            hash: PasswordHash("$argon2id$secret".to_owned()),
            is_first: true,
        };
        assert!(!format!("{anna:?}").contains("secret"));
        assert!(anna.must_change_password());
    }
}
