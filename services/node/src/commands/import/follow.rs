//! `import --follow`: goes on as a file grows, as files come into a folder, or as standard input is written.
//!
//! A thread reads lines; another has the adapter make items of them and fills batches, which are sent when they are full
//! or when it has been quiet for [`QUIET`]. After the receipt of a batch the position is written down: how far was read,
//! and the oldest line that a call still open needs. After a restart reading begins at the latter, for the adapter to
//! know these calls again, and what the lines up to the former give is thrown away: it has its receipt.

mod folder;
mod position;
mod tail;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::mpsc as sync;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use importer::{Adapter, Item, Notes, Place, WrittenLine};
use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::position::{Files, PositionFile, Standing};
use super::batches::{Batches, SenderGone};
use super::{BATCHES_AHEAD, Import, Summary, opening, sender};
use crate::cli::ImportArguments;
use crate::client::Connection;
use crate::exit::Failure;

/// What has been gathered is sent when nothing came for so long.
const QUIET: Duration = Duration::from_millis(200);
/// What has been gathered is sent at the latest after so long.
const LATEST: Duration = Duration::from_secs(1);
/// How often files are looked at.
const POLL: Duration = Duration::from_millis(100);
/// Lines that are read ahead.
const LINES_AHEAD: usize = 256;

/// What the reading thread gives.
enum Fed {
    /// A line. `replayed`: it has its receipt, and is only there for the adapter to know open calls again.
    Line {
        bytes: Vec<u8>,
        too_long: bool,
        place: Place,
        next: Place,
        replayed: bool,
    },
    /// So many files of a folder were read whole.
    Taken(u32),
    /// Nothing more can be read.
    Failed(String),
}

/// The other threads have ended.
struct Gone;

/// What the reading thread needs.
struct Reading {
    lines: sync::SyncSender<Fed>,
    files: Files,
    stop: CancellationToken,
}

impl Reading {
    fn give(&self, line: &WrittenLine<'_>, replayed: bool) -> Result<(), Gone> {
        self.send(Fed::Line {
            bytes: line.bytes.to_vec(),
            too_long: line.too_long,
            place: line.place,
            next: line.next,
            replayed,
        })
    }

    fn send(&self, fed: Fed) -> Result<(), Gone> {
        self.lines.send(fed).map_err(|_| Gone)
    }

    fn fail(&self, path: &Path, error: &io::Error) {
        let _ = self.send(Fed::Failed(format!("{}: {error}", path.display())));
    }
}

/// Standings by the number of the batch after whose receipt they hold.
type Standings = Arc<Mutex<VecDeque<(u64, Standing)>>>;

/// Follows what the arguments name, until it ends or a signal comes.
pub(super) async fn run(
    arguments: &ImportArguments,
    import: &Import,
    adapter: Box<dyn Adapter>,
    connection: &Connection,
    summary: &mut Summary,
) -> anyhow::Result<Notes> {
    let path = arguments.files[0].clone();
    let stop = CancellationToken::new();
    tokio::spawn(crate::node::until_signal(stop.clone()));
    let position = PositionFile::of(&arguments.server.server, import, arguments.format.name(), &path)?;
    let files = Files::default();
    let (lines_to, lines) = sync::sync_channel(LINES_AHEAD);
    start_reading(
        &path,
        position.as_ref(),
        Reading {
            lines: lines_to,
            files: files.clone(),
            stop: stop.clone(),
        },
    )?;
    let (sender, mut receiver) = mpsc::channel(BATCHES_AHEAD);
    let mut assembling = Assembling {
        adapter,
        batches: Batches::new(import, sender, ProgressBar::hidden()),
        standings: Standings::default(),
        standing: None,
        replayed_lines: 0,
    };
    let standings = Arc::clone(&assembling.standings);
    let until = stop.clone();
    let assembling = tokio::task::spawn_blocking(move || {
        let ended = assembling.assemble(&lines, &until);
        (ended, assembling.read())
    });
    let (receipts_to, receipts) = mpsc::unbounded_channel();
    summary.receipts = Some(receipts_to);
    summary.patient_until = Some(stop.clone());
    let saving = tokio::spawn(save(receipts, standings, position.clone(), files.clone()));
    let sent = sender::send(connection, &mut receiver, summary).await;
    summary.receipts = None;
    drop(receiver);
    stop.cancel();
    saving.await.context("saving positions ended badly")?;
    let (ended, read) = assembling.await.context("the parser ended badly")?;
    sent?;
    summary.read += read.lines;
    summary.rejected += read.unreadable;
    if let (Some(position), Some(standing)) = (&position, &read.standing) {
        position.save(standing, &files)?;
    }
    ended.map_err(Failure::usage)?;
    Ok(read.notes)
}

/// Starts the thread that reads. It is not waited for: standard input cannot be interrupted.
fn start_reading(path: &Path, position: Option<&PositionFile>, reading: Reading) -> anyhow::Result<()> {
    let path = path.to_owned();
    let failed = |error: io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let saved = position.map(PositionFile::load).transpose()?.flatten();
    let thread = std::thread::Builder::new().name("follow".to_owned());
    let started = if path.as_os_str() == "-" {
        let reader = opening::unpacked(io::stdin()).map_err(failed)?;
        thread.spawn(move || tail::follow_stream(reader, &reading))
    } else if std::fs::metadata(&path).map_err(failed)?.is_dir() {
        thread.spawn(move || folder::follow(&path, saved, &reading))
    } else if opening::is_packed(&path).map_err(failed)? {
        return Err(Failure::usage(format!(
            "{} is packed and does not grow; import it without --follow",
            path.display()
        )));
    } else {
        thread.spawn(move || tail::follow_file(&path, saved.as_ref(), &reading))
    };
    started.context("no thread for reading")?;
    Ok(())
}

/// What was read when following ended.
struct Read {
    lines: u64,
    unreadable: u64,
    notes: Notes,
    standing: Option<Standing>,
}

/// Makes batches of lines.
struct Assembling {
    adapter: Box<dyn Adapter>,
    batches: Batches,
    standings: Standings,
    standing: Option<Standing>,
    /// Lines that were read for the adapter alone.
    replayed_lines: u64,
}

impl Assembling {
    /// Until there is nothing more to read, or `stop`. The error goes to users.
    fn assemble(&mut self, lines: &sync::Receiver<Fed>, stop: &CancellationToken) -> Result<(), String> {
        let mut items = Vec::new();
        let mut unsettled = false;
        let mut sent_at = Instant::now();
        let ended = loop {
            if stop.is_cancelled() {
                break Ok(());
            }
            match lines.recv_timeout(QUIET) {
                Ok(Fed::Failed(reason)) => break Err(reason),
                Ok(fed) => {
                    self.take(fed, &mut items);
                    unsettled = true;
                    if self.batches.is_full() || sent_at.elapsed() >= LATEST {
                        sent_at = Instant::now();
                        if self.flush().is_err() {
                            return Ok(());
                        }
                    }
                }
                Err(sync::RecvTimeoutError::Timeout) => {
                    if std::mem::take(&mut unsettled) && self.settle(&mut items).is_err() {
                        return Ok(());
                    }
                }
                Err(sync::RecvTimeoutError::Disconnected) => break Ok(()),
            }
        };
        let _ = self.settle(&mut items);
        ended
    }

    fn take(&mut self, fed: Fed, items: &mut Vec<Item>) {
        match fed {
            Fed::Line {
                bytes,
                too_long,
                place,
                next,
                replayed,
            } => {
                self.adapter.read(&bytes, too_long, place, items);
                if replayed {
                    items.clear();
                    self.replayed_lines = self.adapter.notes().lines;
                }
                for item in items.drain(..) {
                    self.batches.add(item);
                }
                let taken = self.standing.as_ref().map_or(0, |standing| standing.taken);
                self.standing = Some(Standing {
                    from: next,
                    reached: next,
                    taken,
                });
            }
            Fed::Taken(files) => {
                if let Some(standing) = &mut self.standing {
                    standing.taken = files;
                }
            }
            Fed::Failed(_) => {}
        }
    }

    fn settle(&mut self, items: &mut Vec<Item>) -> Result<(), SenderGone> {
        self.adapter.settle(items);
        for item in items.drain(..) {
            self.batches.add(item);
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), SenderGone> {
        if let Some(standing) = &mut self.standing {
            standing.from = standing
                .reached
                .min(self.adapter.needed_from().unwrap_or(standing.reached));
        }
        if self.batches.is_empty() {
            return Ok(());
        }
        if let Some(standing) = &self.standing {
            let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
            standings.push_back((self.batches.next_number(), standing.clone()));
        }
        self.batches.flush()
    }

    fn read(self) -> Read {
        Read {
            lines: self.adapter.notes().lines - self.replayed_lines,
            unreadable: self.batches.listing.number,
            notes: self.adapter.notes().clone(),
            standing: self.standing,
        }
    }
}

/// Writes the position down after every receipt.
async fn save(
    mut receipts: mpsc::UnboundedReceiver<u64>,
    standings: Standings,
    position: Option<PositionFile>,
    files: Files,
) {
    while let Some(number) = receipts.recv().await {
        let mut reached = None;
        {
            let mut standings = standings.lock().unwrap_or_else(PoisonError::into_inner);
            while standings.front().is_some_and(|(batch, _)| *batch <= number) {
                reached = standings.pop_front();
            }
        }
        if let (Some(position), Some((_, standing))) = (&position, reached)
            && let Err(error) = position.save(&standing, &files)
        {
            tracing::warn!(%error, "the position was not written down; a restart reads more again than it needs to");
        }
    }
}
