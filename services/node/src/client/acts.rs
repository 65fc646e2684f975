//! Acts that the server does once, however often they are sent: a connection that breaks meanwhile is waited for, and the
//! same request is sent again. So whoever asked gets the answer, or is told what may have been done and what is safe.

use std::error::Error as _;

use tonic::{Code, Response, Status};

use super::{Connection, Outage, connect};
use crate::exit::{Failure, is_no_server};
use crate::output::note;

/// How often a connection may break that could be made: what always breaks it is another program, or kills the node.
const CUTS_MAX: u32 = 5;

/// Why it may be sent again.
pub(crate) enum Once {
    /// It has a key.
    ByKey(String),
    /// The same request is the same order to erase.
    ByOrder,
}

impl Once {
    /// By the key that was given, or a new one.
    pub(crate) fn by_key(given: Option<String>) -> Self {
        Self::ByKey(given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()))
    }

    /// For the request; empty where it needs none.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::ByKey(key) => key.clone(),
            Self::ByOrder => String::new(),
        }
    }

    /// What may be, and what to do.
    fn advice(&self) -> String {
        match self {
            Self::ByKey(key) => format!(
                "it may have been done; repeat the command with `--idempotency-key {key}`: what was done is not done twice"
            ),
            Self::ByOrder => "the order may have been entered, and goes on by itself once the server is back: \
                              `nrwdirekt privacy orders` shows it; repeating the same command is safe, for the same \
                              request is the same order"
                .to_owned(),
        }
    }
}

/// Sends a request until it is answered, through an outage of the server that does not last too long.
///
/// # Errors
/// What the server answered; or that it did not, with what may have been done.
pub(crate) async fn act<Sent: Clone, Answer>(
    server: &str,
    request: Sent,
    once: &Once,
    ask: impl AsyncFn(Connection, Sent) -> Result<Response<Answer>, Status>,
) -> anyhow::Result<Answer> {
    // Nothing was sent yet: a server that is not there is told at once.
    let mut connection = connect(server).await?;
    let mut outage = Outage::new();
    let mut cuts = 0;
    loop {
        let status = match ask(connection, request.clone()).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let mut failure = Failure::of_status(&status);
        if is_cut(&status) {
            cuts += 1;
            if cuts == 1 {
                note!(
                    "the connection broke before the answer; {}; asking again",
                    once.advice()
                );
            }
        } else if cuts == 0 || status.code() != Code::Unavailable {
            return Err(failure);
        }
        connection = loop {
            if cuts == CUTS_MAX || !outage.waited().await {
                return Err(Failure::server(format!("{failure}; {}", once.advice())));
            }
            match connect(server).await {
                Ok(connection) => break connection,
                Err(error) if is_no_server(&error) => failure = error,
                Err(error) => return Err(error),
            }
        };
    }
}

/// Whether the connection broke, instead of the server having answered.
fn is_cut(status: &Status) -> bool {
    status.source().is_some()
}
