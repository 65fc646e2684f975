//! Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 something was rejected, 4 no server or not let in.

use std::fmt;
use std::process::ExitCode;

/// Something was rejected, and kept with its reason.
pub(crate) const REJECTED: u8 = 3;

/// A failure with an exit code of its own.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Wrong usage or input: correct it and try again.
    pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self {
            code: 2,
            message: message.into(),
        })
    }

    /// No server, or it does not let us in.
    pub(crate) fn server(message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self {
            code: 4,
            message: message.into(),
        })
    }

    /// What a server answered, with the code that its status calls for.
    pub(crate) fn of_status(status: &tonic::Status) -> anyhow::Error {
        use tonic::Code;
        let code = match status.code() {
            Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition => 2,
            Code::Unavailable | Code::Unauthenticated | Code::PermissionDenied => 4,
            _ => 1,
        };
        let message = status.message();
        // It is not what a server said, but what became of the connection.
        if std::error::Error::source(status).is_some() {
            let remedy = "the connection broke: does the server run, is it one of ours, and is it http:// or https://?";
            return Self::server(format!("{remedy} ({message})"));
        }
        anyhow::Error::new(Self {
            code,
            message: message.to_owned(),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Prints the error and gives its exit code.
#[expect(clippy::print_stderr, reason = "this is where the command line speaks")]
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("nrwdirekt: {error:#}");
    ExitCode::from(error.downcast_ref::<Failure>().map_or(1, |failure| failure.code))
}

/// Whether an error is that there is no server, or that it does not let us in.
pub(crate) fn is_no_server(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Failure>()
        .is_some_and(|failure| failure.code == 4)
}
