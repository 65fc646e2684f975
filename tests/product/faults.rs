//! What goes wrong, and what must not come of it.

mod acls;
mod backups;
mod connections;
pub(crate) mod erasure;
mod full_disk;
mod intervals;
mod kills;
mod ledgers;
mod limits;
mod load;
mod refusals;
mod retention;
mod servers;
mod slow_readers;
mod ticket_topic;
mod ticket_way;
mod two_owners;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

/// How many ways are gone at the same time: most of each is waiting.
const AT_ONCE: usize = 8;

/// Goes a way once for each place to cut it at, so many at a time; tells all of those at which it ended otherwise.
async fn at_each<F: Future<Output = ()> + 'static>(
    at_once: usize,
    cuts: impl IntoIterator<Item = String>,
    go: impl Fn(String) -> F,
) {
    let places = Arc::new(Semaphore::new(at_once));
    let mut ways = JoinSet::new();
    let here = LocalSet::new();
    for cut in cuts {
        let places = Arc::clone(&places);
        let way = go(cut.clone());
        let go = async move {
            let _place = places.acquire().await.expect("never closed");
            let way = tokio::task::spawn_local(way);
            (cut, way.await.is_ok())
        };
        ways.spawn_local_on(go, &here);
    }
    let ways = here.run_until(ways.join_all()).await;
    let failed: Vec<_> = ways
        .into_iter()
        .filter(|(_, well)| !well)
        .map(|(cut, _)| cut)
        .collect();
    assert!(
        failed.is_empty(),
        "cut at these points the way ended otherwise: {failed:?}"
    );
}
