//! Mails and a server that takes them, told apart from what is noted of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::DepartmentId;
use store::StoreError;
use store::mails::{KeptMail, MailFailure, MailStore, PendingMail};
use store::tickets::{HandOverKey, SetAside};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::desk::{department, desk};
use crate::mail::{self, MailParts, MailSettings, MailTls};
use crate::supervisor::HandoverParts;

pub(super) type Taken = Arc<Mutex<Vec<String>>>;

/// A mail server that takes everything; what it has taken, and its port.
pub(super) async fn server() -> (Taken, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Taken::default();
    let taking = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, Arc::clone(&taking)));
        }
    });
    (taken, port)
}

async fn take(stream: TcpStream, taken: Taken) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let mut mail: Option<String> = None;
    writing.write_all(b"220 ready\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer = match (&mut mail, line.as_str()) {
            (Some(_), ".") => {
                taken.lock().unwrap().extend(mail.take());
                "250 taken\r\n"
            }
            (Some(content), line) => {
                content.push_str(line);
                content.push('\n');
                continue;
            }
            (None, "DATA") => {
                mail = Some(String::new());
                "354 go on\r\n"
            }
            (None, _) => "250 fine\r\n",
        };
        writing.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// A store that is gone once, when it is to note that a mail was taken.
struct GoneOnce {
    store: Arc<dyn MailStore>,
    was_gone: AtomicBool,
}

#[async_trait]
impl MailStore for GoneOnce {
    async fn pending_mails(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingMail>, StoreError> {
        self.store.pending_mails(department, now, most).await
    }

    async fn mail_accepted(&self, key: &HandOverKey, at: DateTime<Utc>) -> Result<(), StoreError> {
        if self.was_gone.swap(true, Ordering::SeqCst) {
            self.store.mail_accepted(key, at).await
        } else {
            Err(StoreError::Unavailable("gone".to_owned()))
        }
    }

    async fn postpone_mail(&self, key: &HandOverKey, aside: SetAside) -> Result<(), StoreError> {
        self.store.postpone_mail(key, aside).await
    }

    async fn mails_held_up(&self, department: &DepartmentId, error: &str) -> Result<(), StoreError> {
        self.store.mails_held_up(department, error).await
    }

    async fn mail_failed(
        &self,
        key: &HandOverKey,
        failure: MailFailure,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.store.mail_failed(key, failure, at).await
    }

    async fn mails(&self, after: i64, most: usize) -> Result<Vec<KeptMail>, StoreError> {
        self.store.mails(after, most).await
    }

    async fn retry_mail(&self, number: i64) -> Result<bool, StoreError> {
        self.store.retry_mail(number).await
    }
}

pub(super) fn sending(parts: &HandoverParts, port: u16) -> Arc<HandoverParts> {
    let settings = MailSettings::checked(MailParts {
        server: "127.0.0.1",
        port,
        tls: MailTls::None,
        login: None,
        from: "nrwdirekt@example.org",
        authorities: None,
        link: None,
    });
    Arc::new(HandoverParts {
        mails: Arc::new(GoneOnce {
            store: Arc::clone(&parts.mails),
            was_gone: AtomicBool::new(false),
        }),
        mail: Some(Arc::new(settings.unwrap())),
        ..parts.clone()
    })
}

#[tokio::test]
async fn a_mail_that_was_taken_but_not_noted_goes_out_again_under_the_same_id() {
    let desk = desk().await;
    let (taken, port) = server().await;
    let parts = sending(&desk.parts, port);
    let ticket = desk.log(1).await;
    let a = department("a");
    mail::step(&parts, &a).await.unwrap_err();
    desk.set_clock(5);
    mail::step(&parts, &a).await.unwrap();
    mail::step(&parts, &a).await.unwrap();
    let ids: Vec<String> = taken.lock().unwrap().iter().flat_map(|mail| id(mail)).collect();
    let id = format!("Message-ID: <{ticket}.1.a@example.org>");
    assert_eq!(ids, [id.clone(), id]);
}

pub(super) fn id(mail: &str) -> Option<String> {
    let line = mail.lines().find(|line| line.starts_with("Message-ID:"));
    line.map(|line| line.trim().to_owned())
}

#[test]
fn a_department_whose_mails_could_not_come_back_is_refused() {
    let settings = MailSettings::checked(MailParts {
        server: "mail.example.org",
        port: 587,
        tls: MailTls::StartTls,
        login: None,
        from: "Nordrhein-Westfalen direkt <nrwdirekt@example.org>",
        authorities: None,
        link: None,
    })
    .unwrap();
    settings.check_department(&department("finanzamt-koeln")).unwrap();
    let long = "bezirksregierung-mit-einem-sehr-langen-namen";
    let fault = settings.check_department(&department(long)).unwrap_err();
    assert!(fault.to_string().contains(long), "{fault}");
}
