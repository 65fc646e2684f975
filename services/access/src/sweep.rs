//! What is done again and again: sessions that are over are forgotten, those that are open are counted.

use std::sync::Arc;
use std::time::Duration;

use store::users::UserStore;

use crate::{OpenSessions, metrics};

const EVERY: Duration = Duration::from_secs(30);

/// Sweeps until it is dropped.
pub async fn sweep(store: Arc<dyn UserStore>, sessions: OpenSessions) {
    loop {
        let open = sessions.open();
        let swept = async {
            store.forget_ended(open).await?;
            store.open_sessions(None, open).await
        };
        match swept.await {
            Ok(count) => metrics::open_sessions(count),
            Err(error) => tracing::warn!(%error, "sessions that are over could not be forgotten"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
