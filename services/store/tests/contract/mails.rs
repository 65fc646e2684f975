//! What every [`MailStore`] must do, beside the tickets that mails are about.

use std::future::Future;
use std::sync::Arc;

use domain::ids::DepartmentId;
use domain::personal::Personal;
use domain::procedure::Fields;
use domain::routing::{Department, DepartmentMail, MailContent, RoutingConfig, RoutingTable};
use domain::ticket::{
    Actor, Effect, MailSubject, Reply, Ticket, TicketVersion, Transition, add_concern, apply_reply, erase,
    restrict, ticket_id,
};
use store::citizen_mails::CitizenMails;
use store::mails::{MailFailure, MailStore};
use store::postgres::PostgresTickets;
use store::sqlite::SqliteTickets;
use store::tickets::{HandOverKey, Logged, SetAside, TicketStore};

use crate::postgres::on_a_database;
use crate::tickets::{actions, at, current, department, new_ticket, rules};

/// Departments a and b take mail, clearing does not.
fn routing() -> RoutingTable {
    let departments = ["clearing", "a", "b"].map(|id| Department {
        mail: (id != "clearing").then(|| DepartmentMail {
            address: format!("{id}@example.org"),
            content: MailContent::Whole,
        }),
        ..Department::new(department(id), id)
    });
    RoutingTable::new(RoutingConfig::of(department("clearing"), departments.into())).unwrap()
}

/// A store that keeps tickets and mails.
#[derive(Clone)]
struct Kept {
    tickets: Arc<dyn TicketStore>,
    mails: Arc<dyn MailStore>,
    citizens: Arc<dyn CitizenMails>,
}

impl Kept {
    /// Logs ticket `number` of department a.
    async fn log(&self, number: u8) -> Ticket {
        let mut new = new_ticket(number);
        new.transition = new.transition.with_mails(&routing());
        assert_eq!(self.tickets.log(new.clone()).await.unwrap(), Logged::New);
        new.transition.ticket
    }

    async fn write(&self, transition: Transition) {
        self.tickets
            .record(transition.with_mails(&routing()))
            .await
            .unwrap();
    }

    async fn add_concern(&self, ticket: &Ticket) {
        let concern = Personal::new("Noch etwas");
        let now = current(&*self.tickets, &ticket.id).await;
        self.write(add_concern(&now, concern, &Fields::default(), None, Actor::System, at(50)).unwrap())
            .await;
    }

    async fn reply(&self, ticket: &Ticket, reply: &Reply) {
        let now = current(&*self.tickets, &ticket.id).await;
        self.write(apply_reply(&now, &department("a"), reply, None, &rules(), at(60)).unwrap())
            .await;
    }

    /// What is to be sent: number of the ticket, version, subject.
    async fn pending(&self, to: &str, minute: i64) -> Vec<(u8, u32, MailSubject)> {
        let mails = self.mails.pending_mails(&department(to), at(minute), 100).await;
        let number = |id| {
            (1..=9)
                .find(|number| ticket_id(u128::from(*number)) == id)
                .unwrap()
        };
        let mails = mails.unwrap().into_iter();
        mails
            .map(|mail| (number(mail.key.ticket), mail.key.version.0, mail.subject))
            .collect()
    }

    async fn fail(&self, key: &HandOverKey) -> bool {
        let failure = MailFailure {
            status: "550 5.1.1".to_owned(),
            error: "no such mailbox".to_owned(),
        };
        self.mails.mail_failed(key, failure, at(70)).await.unwrap()
    }
}

fn key(ticket: &Ticket, version: u32) -> HandOverKey {
    HandOverKey {
        ticket: ticket.id.clone(),
        department: DepartmentId::new("a"),
        version: TicketVersion(version),
    }
}

async fn news_are_mailed_and_what_the_department_reports_is_not(kept: Kept) {
    let ticket = kept.log(1).await;
    assert_eq!(kept.pending("a", 5).await, [(1, 1, MailSubject::Ticket)]);
    kept.mails.mail_accepted(&key(&ticket, 1), at(6)).await.unwrap();
    assert_eq!(kept.pending("a", 7).await, []);
    assert_eq!(actions(&*kept.tickets, &ticket.id).await, ["logged", "mailed"]);
    assert_eq!(
        current(&*kept.tickets, &ticket.id).await.version,
        TicketVersion(1)
    );

    kept.reply(&ticket, &Reply::Accepted).await;
    assert_eq!(kept.pending("a", 61).await, []);
    kept.add_concern(&ticket).await;
    assert_eq!(kept.pending("a", 61).await, [(1, 3, MailSubject::Ticket)]);
    let back = Reply::Returned {
        reason: Personal::new("Nicht hier"),
        suggested_department: Some(department("b")),
    };
    kept.reply(&ticket, &back).await;
    assert_eq!(kept.pending("a", 61).await, [(1, 4, MailSubject::Withdrawn)]);
    assert_eq!(kept.pending("b", 61).await, [(1, 4, MailSubject::Ticket)]);
}

async fn a_mail_that_was_taken_does_not_remove_newer_news(kept: Kept) {
    let ticket = kept.log(1).await;
    kept.add_concern(&ticket).await;
    kept.mails.mail_accepted(&key(&ticket, 1), at(51)).await.unwrap();
    assert_eq!(kept.pending("a", 60).await, [(1, 2, MailSubject::Ticket)]);
}

async fn what_is_put_off_waits_until_its_time_and_holds_up_nothing(kept: Kept) {
    let ticket = kept.log(1).await;
    kept.log(2).await;
    let aside = SetAside {
        error: "come again later".to_owned(),
        retry_at: at(30),
    };
    kept.mails.postpone_mail(&key(&ticket, 1), aside).await.unwrap();
    assert_eq!(kept.pending("a", 29).await, [(2, 1, MailSubject::Ticket)]);
    assert_eq!(kept.pending("a", 30).await.len(), 2);
    let mails = kept.mails.mails(0, 10).await.unwrap();
    assert_eq!(
        (mails[0].attempts, mails[0].retry_at, mails[0].failed_at),
        (1, Some(at(30)), None)
    );
    assert_eq!(mails[0].error.as_deref(), Some("come again later"));

    kept.mails
        .mails_held_up(&department("a"), "no connection")
        .await
        .unwrap();
    let after_first = kept.mails.mails(mails[0].number, 10).await.unwrap();
    assert_eq!(after_first.len(), 1);
    assert_eq!(after_first[0].error.as_deref(), Some("no connection"));
}

async fn what_failed_for_good_stays_aside_until_somebody_says_so(kept: Kept) {
    let ticket = kept.log(1).await;
    kept.log(2).await;
    assert!(kept.fail(&key(&ticket, 1)).await);
    assert!(!kept.fail(&key(&ticket, 1)).await, "once");
    assert_eq!(kept.pending("a", 999).await, [(2, 1, MailSubject::Ticket)]);
    let found = kept.tickets.ticket(&ticket.id).await.unwrap().unwrap();
    let note = found.history[1].note.as_ref().map(Personal::reveal);
    assert_eq!(note, Some("a: 550 5.1.1"));
    assert_eq!(
        actions(&*kept.tickets, &ticket.id).await,
        ["logged", "mail_failed"]
    );

    let failed = kept.mails.mails(0, 1).await.unwrap().remove(0);
    assert_eq!(failed.failed_at, Some(at(70)));
    assert!(kept.mails.retry_mail(failed.number).await.unwrap());
    assert!(!kept.mails.retry_mail(999).await.unwrap());
    assert_eq!(kept.pending("a", 71).await.len(), 2);
}

async fn newer_news_replace_what_failed(kept: Kept) {
    let ticket = kept.log(1).await;
    assert!(kept.fail(&key(&ticket, 1)).await);
    kept.add_concern(&ticket).await;
    assert_eq!(kept.pending("a", 71).await, [(1, 2, MailSubject::Ticket)]);
    // An older mail that comes back now is known to the history, and changes nothing else.
    assert!(kept.fail(&key(&ticket, 1)).await);
    assert_eq!(kept.pending("a", 71).await, [(1, 2, MailSubject::Ticket)]);
}

async fn a_mail_that_comes_back_is_kept_aside(kept: Kept) {
    let ticket = kept.log(1).await;
    kept.mails.mail_accepted(&key(&ticket, 1), at(6)).await.unwrap();
    assert!(kept.fail(&key(&ticket, 1)).await);
    let mails = kept.mails.mails(0, 10).await.unwrap();
    assert_eq!(
        (mails[0].key.clone(), mails[0].failed_at),
        (key(&ticket, 1), Some(at(70)))
    );
    assert!(!kept.fail(&key(&ticket, 9)).await, "a version that never was");
    let foreign = HandOverKey {
        department: department("b"),
        ..key(&ticket, 1)
    };
    assert!(!kept.fail(&foreign).await, "a department that never had it");
}

/// With a mail to the citizen.
fn telling(mut transition: Transition) -> Transition {
    transition.effects.push(Effect::TellCitizen);
    transition
}

async fn a_citizen_is_told_the_newest_and_nothing_once_restricted_or_erased(kept: Kept) {
    let mut new = new_ticket(1);
    new.transition = telling(new.transition);
    kept.tickets.log(new.clone()).await.unwrap();
    let id = new.transition.ticket.id;
    let pending = async |minute| kept.citizens.pending_citizen_mails(at(minute), 10).await.unwrap();
    let waiting = async || kept.citizens.waiting_citizen_mails(0, 10).await.unwrap();
    let sent = pending(5).await.remove(0);
    assert_eq!((&sent.ticket.id, sent.key.edition), (&id, 1));
    let now = current(&*kept.tickets, &id).await;
    let concern = add_concern(
        &now,
        Personal::new("Noch etwas"),
        &Fields::default(),
        None,
        Actor::System,
        at(6),
    );
    kept.write(telling(concern.unwrap())).await;
    kept.citizens.citizen_mail_done(sent.key).await.unwrap();
    let newer = pending(7).await.remove(0);
    assert_eq!(
        (newer.key.edition, newer.ticket.added.len()),
        (2, 1),
        "news are not lost"
    );
    let aside = SetAside {
        error: "later".to_owned(),
        retry_at: at(20),
    };
    kept.citizens
        .postpone_citizen_mail(newer.key, aside)
        .await
        .unwrap();
    assert_eq!(pending(19).await, []);
    assert_eq!(pending(20).await[0].attempts, 1);
    let listed = waiting().await;
    assert_eq!((&listed[0].ticket, listed[0].retry_at), (&id, Some(at(20))));
    assert_eq!(
        kept.citizens
            .waiting_citizen_mails(listed[0].number, 10)
            .await
            .unwrap(),
        []
    );

    let now = current(&*kept.tickets, &id).await;
    kept.write(restrict(&now, Personal::new("Art. 18"), Actor::System, at(21)).unwrap())
        .await;
    assert_eq!(
        (pending(22).await.len(), waiting().await.len()),
        (0, 1),
        "it waits"
    );
    let now = current(&*kept.tickets, &id).await;
    kept.write(erase(&now, Personal::new("Art. 17"), Actor::System, at(23)).unwrap())
        .await;
    assert_eq!(waiting().await, []);

    let mut other = new_ticket(2);
    other.transition = telling(other.transition);
    kept.tickets.log(other).await.unwrap();
    let mail = pending(24).await.remove(0);
    kept.citizens.citizen_mail_done(mail.key).await.unwrap();
    assert_eq!(waiting().await, []);
}

async fn on_every_store<F: Future<Output = ()>>(case: impl Fn(Kept) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(SqliteTickets::open(&folder.path().join("tickets.db")).unwrap());
    case(Kept {
        tickets: Arc::clone(&sqlite) as _,
        citizens: Arc::clone(&sqlite) as _,
        mails: sqlite,
    })
    .await;
    on_a_database(|database| async move {
        let postgres = Arc::new(PostgresTickets::connect(&database).await.unwrap());
        case(Kept {
            tickets: Arc::clone(&postgres) as _,
            citizens: Arc::clone(&postgres) as _,
            mails: postgres,
        })
        .await;
    })
    .await;
}

macro_rules! cases {
    ($($case:ident,)+) => {
        mod on_every_store {
            $(#[tokio::test]
            async fn $case() {
                super::on_every_store(super::$case).await;
            })+
        }
    };
}

cases! {
    news_are_mailed_and_what_the_department_reports_is_not,
    a_mail_that_was_taken_does_not_remove_newer_news,
    what_is_put_off_waits_until_its_time_and_holds_up_nothing,
    what_failed_for_good_stays_aside_until_somebody_says_so,
    newer_news_replace_what_failed,
    a_mail_that_comes_back_is_kept_aside,
    a_citizen_is_told_the_newest_and_nothing_once_restricted_or_erased,
}
