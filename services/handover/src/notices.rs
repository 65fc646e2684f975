//! Notices of callbacks for the topic of calls, so that the ledger alone counts.
//!
//! A notice may go out twice; the ledger knows a callback by its call and ticket.

use std::sync::Arc;

use bus::topics;

use crate::envelope;
use crate::error::HandoverError;
use crate::supervisor::HandoverParts;

/// Publishes the notices that wait. Returns whether more may be waiting.
pub(crate) async fn step(parts: &Arc<HandoverParts>) -> Result<bool, HandoverError> {
    let most = parts.settings.batch;
    let notices = parts.store.call_notices(most).await?;
    if notices.is_empty() {
        return Ok(false);
    }
    let now = (parts.clock)();
    let messages = notices
        .iter()
        .map(|notice| envelope::call_notice(notice, now))
        .collect();
    parts.bus.publish(topics::CALLS, messages).await?;
    let count = notices.len();
    parts
        .store
        .mark_notices_published(notices.into_iter().map(|notice| notice.sequence).collect())
        .await?;
    Ok(count == most)
}
