//! The beginning of the audit trail: cut by whole days, with an anchor that the rest hangs on.
//!
//! The cut is noted in the trail before it is made: its last entry, the hash of that, and the digest of what stays of the
//! hashes of all entries that were ever cut. So whoever verifies the rest finds in it that its beginning is the one that was
//! meant, and that a head which was noted before the cut was one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use store::retention::{AuditCut, RunId};

use super::Retention;
use super::pace::Pace;
use super::run::{Held, RunFault};
use crate::hex::hex;

impl Retention {
    pub(super) async fn cut_trail(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        by: &Principal,
        before: DateTime<Utc>,
    ) -> Result<Duration, RunFault> {
        let store = &self.parts.runs;
        let Some(planned) = store.audit_cut(before).await? else {
            return Ok(Duration::ZERO);
        };
        let subject = AuditSubject::new("audit_entry", planned.up_to.to_string());
        let cut = self.parts.trail.entry(by, AuditAction::AuditCut, subject);
        let reason = note_of_cut(&planned.hash, &planned.digest);
        let noted = self.parts.trail.append(cut.because(&reason)).await;
        noted.map_err(|_| RunFault::TrailUnavailable)?;
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let cut = AuditCut {
                run,
                up_to: planned.up_to,
                at: (self.parts.clock)(),
                most: pace.step().most,
            };
            let gone = store.cut_audit(cut).await?;
            if gone.items == 0 {
                return Ok(pace.longest());
            }
            pace.pause(gone).await;
        }
    }
}

/// How the entry that notes a cut says where it ends.
pub(crate) fn note_of_cut(hash: &[u8; 32], digest: &[u8; 32]) -> String {
    format!("{} {}", hex(hash), hex(digest))
}
