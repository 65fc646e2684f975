//! Users and sessions of a node: whom the gate knows, and who is there at the first start.

use std::path::Path;
use std::sync::Arc;

use access::{AuditTrail, FirstUsers, Gate, KnownToken, OpenSessions};
use anyhow::Context;

use crate::clock::Clock;
use crate::config::Config;
use crate::demo;
use crate::output::say;
use crate::storage::Storage;

/// What a node knows of users.
pub(crate) struct People {
    /// Sessions that are open.
    pub(crate) sessions: OpenSessions,
    /// Where it is noted what people do.
    pub(crate) trail: AuditTrail,
    /// The simulated day is shown here: there are demo users.
    pub(crate) is_demo: bool,
    /// The administrator's password, if one was made just now.
    made_password: Option<String>,
}

impl People {
    /// Gets to know the users; where there are none, adds the first ones if the node prepares its storage.
    pub(crate) async fn open(
        config: &Config,
        storage: &Storage,
        clock: &Clock,
        first: Option<FirstUsers>,
        is_demo: bool,
    ) -> anyhow::Result<Self> {
        let made_password = match first {
            Some(first) => access::add_first_users(storage.users.as_ref(), first, clock())
                .await
                .context("the first users")?,
            None => None,
        };
        let users = Arc::clone(&storage.users);
        Ok(Self {
            sessions: OpenSessions::new(users, config.sign_in.limits, Arc::clone(clock)),
            trail: AuditTrail::new(Arc::clone(&storage.audit), Arc::clone(clock)),
            is_demo,
            made_password,
        })
    }

    /// The gate that knows tokens and sessions.
    pub(crate) fn gate(&self, tokens: Vec<KnownToken>) -> Gate {
        Gate::new(tokens, self.sessions.clone())
    }

    /// Tells the administrator's first password: here, once, and nowhere else.
    pub(crate) fn tell_password(&mut self) {
        if let Some(password) = self.made_password.take() {
            say!(
                "administrator: name admin, password {password} (told this once; it must be changed at the first sign-in)"
            );
        }
    }
}

/// Whether an installation shows the simulated day: it does, or it will when it is still empty. Never beyond loopback.
pub(crate) fn is_demo(config: &Config, data: Option<&Path>, wanted: bool, empty: bool) -> bool {
    let plays = data.is_some_and(demo::was_chosen) || wanted && empty;
    config.listen.ip().is_loopback() && plays
}

/// Which users an installation without any begins with.
pub(crate) fn first_users(config: &Config, prepare: bool, is_demo: bool) -> Option<FirstUsers> {
    match (prepare, config.sign_in.password, is_demo) {
        (true, true, true) => Some(FirstUsers::Demo),
        (true, true, false) => Some(FirstUsers::Administrator),
        // Nobody could sign in with it.
        (_, false, _) | (false, ..) => None,
    }
}
