//! The beginning of the audit trail: cut by whole days, with an anchor that the rest hangs on.
//!
//! The cut is noted in the trail before it is made: its last entry and the hash of that. So whoever verifies the rest finds
//! in it that its beginning is the one that was meant.

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
    ) -> Result<(), RunFault> {
        let store = &self.parts.runs;
        let Some((up_to, hash)) = store.audit_cut(before).await? else {
            return Ok(());
        };
        let subject = AuditSubject::new("audit_entry", up_to.to_string());
        let cut = self.parts.trail.entry(by, AuditAction::AuditCut, subject);
        let noted = self.parts.trail.append(cut.because(&hex(&hash))).await;
        noted.map_err(|_| RunFault::TrailUnavailable)?;
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let cut = AuditCut {
                run,
                up_to,
                at: (self.parts.clock)(),
                most: pace.step(),
            };
            let gone = store.cut_audit(cut).await?;
            if gone < cut.most {
                return Ok(());
            }
            pace.pause().await;
        }
    }
}
