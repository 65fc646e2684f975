//! The gRPC service `nrwdirekt.privacy.v1.Backups`.

use access::AuditTrail;
use backup::folder::Listed;
use domain::audit::{AuditAction, AuditSubject};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::{BackupKeeper, NotMade, Progress};
use crate::paging;

/// Bytes of a message that carries a part of a backup.
const CHUNK: usize = 256 * 1024;

/// Makes, lists and gives backups.
#[derive(Clone)]
pub struct BackupService {
    keeper: BackupKeeper,
    trail: AuditTrail,
}

impl BackupService {
    /// A service of the keeper; what is done is noted in the trail.
    pub fn new(keeper: BackupKeeper, trail: AuditTrail) -> Self {
        Self { keeper, trail }
    }

    fn shown(&self, listed: &Listed) -> proto::Backup {
        let label = &listed.label;
        let removed_at = label.created_at + self.keeper.settings().kept;
        proto::Backup {
            name: name(listed),
            label: serde_json::to_string(label).unwrap_or_default(),
            created_at_unix_ms: label.created_at.timestamp_millis(),
            bytes: label.bytes,
            removed_at_unix_ms: removed_at.timestamp_millis(),
        }
    }

    async fn listed(&self) -> Result<Vec<Listed>, Status> {
        self.keeper.list().await.map_err(|error| {
            tracing::warn!(%error, "the folder of backups cannot be read");
            Status::unavailable(format!("backup.folder: {error}"))
        })
    }
}

#[tonic::async_trait]
impl proto::backups_server::Backups for BackupService {
    type CreateBackupStream = ReceiverStream<Result<proto::CreateBackupResponse, Status>>;
    type FetchBackupStream = ReceiverStream<Result<proto::FetchBackupResponse, Status>>;

    async fn create_backup(
        &self,
        request: Request<proto::CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        let principal = principal(&request)?;
        self.trail
            .note(&principal, AuditAction::BackupMade, AuditSubject::none())
            .await?;
        let (answers, stream) = mpsc::channel(16);
        let this = self.clone();
        tokio::spawn(async move {
            let (progress, mut told) = mpsc::channel::<Progress>(16);
            let telling = async {
                while let Some(progress) = told.recv().await {
                    let answer = proto::CreateBackupResponse {
                        part: progress.part,
                        bytes: progress.bytes,
                        made: None,
                    };
                    // Whoever went away gets no news; the backup is made all the same.
                    let _ = answers.send(Ok(answer)).await;
                }
            };
            let (made, ()) = tokio::join!(this.keeper.make(progress), telling);
            let last = made.map_err(|error| refused(&error)).map(|made| {
                let made = this.shown(&made);
                proto::CreateBackupResponse {
                    part: String::new(),
                    bytes: made.bytes,
                    made: Some(made),
                }
            });
            let _ = answers.send(last).await;
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn list_backups(
        &self,
        request: Request<proto::ListBackupsRequest>,
    ) -> Result<Response<proto::ListBackupsResponse>, Status> {
        principal(&request)?;
        let asked = request.into_inner();
        let page = paging::size(asked.page_size);
        let mut left = self.listed().await?;
        if !asked.page_token.is_empty() {
            // The name of the last one of the page before; it may have been removed since.
            let after = left.iter().position(|listed| name(listed) == asked.page_token);
            let after = after.ok_or_else(|| {
                Status::invalid_argument(
                    "page_token: that backup was removed; begin with the first page again",
                )
            })?;
            left.drain(..=after);
        }
        Ok(Response::new(proto::ListBackupsResponse {
            next_page_token: paging::cut(&mut left, page, name),
            backups: left.iter().map(|listed| self.shown(listed)).collect(),
        }))
    }

    async fn fetch_backup(
        &self,
        request: Request<proto::FetchBackupRequest>,
    ) -> Result<Response<Self::FetchBackupStream>, Status> {
        let principal = principal(&request)?;
        let wanted = request.into_inner().name;
        // Only what is listed: no name leads out of the folder.
        let found = self.listed().await?.into_iter().find(|it| name(it) == wanted);
        let found = found.ok_or_else(|| {
            Status::not_found("name: there is no such backup; `nrwdirekt backup list` shows which there are")
        })?;
        let subject = AuditSubject::new("backup", found.label.id.clone());
        self.trail
            .note(&principal, AuditAction::BackupFetched, subject)
            .await?;
        let mut file = tokio::fs::File::open(&found.path)
            .await
            .map_err(|error| Status::unavailable(format!("the backup cannot be read: {error}")))?;
        let (answers, stream) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut buffer = vec![0; CHUNK];
            loop {
                let answer = match file.read(&mut buffer).await {
                    Ok(0) => return,
                    Ok(read) => Ok(proto::FetchBackupResponse {
                        data: buffer[..read].to_vec(),
                    }),
                    Err(error) => Err(Status::unavailable(format!("the backup cannot be read: {error}"))),
                };
                let was_last = answer.is_err();
                if answers.send(answer).await.is_err() || was_last {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

fn name(listed: &Listed) -> String {
    let name = listed.path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn refused(error: &NotMade) -> Status {
    match error {
        NotMade::NoRecipient | NotMade::UnderWay => Status::failed_precondition(error.to_string()),
        NotMade::Store(error) if !error.is_temporary() => Status::internal(error.to_string()),
        error => Status::unavailable(error.to_string()),
    }
}
