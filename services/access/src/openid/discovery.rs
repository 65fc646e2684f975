//! What the provider says of itself: asked once an hour, and when its keys no longer fit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::core::CoreProviderMetadata;
use openidconnect::{DiscoveryError, IssuerUrl};

use super::http::{HttpClient, HttpFault};

/// It is asked again after so long.
const FRESH: Duration = Duration::from_secs(3600);
/// It is asked for new keys at most so often: tokens with invented keys cost the provider nothing.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(5);

/// The provider's metadata, with its keys.
pub(super) struct Discovery {
    issuer: IssuerUrl,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    metadata: Arc<CoreProviderMetadata>,
    asked_at: Instant,
    is_stale: bool,
}

impl Discovery {
    pub(super) fn new(issuer: IssuerUrl) -> Self {
        Self {
            issuer,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, or what the provider says now. If it cannot be asked, what was known goes on to hold.
    pub(super) async fn metadata(
        &self,
        http: &HttpClient,
    ) -> Result<Arc<CoreProviderMetadata>, Box<DiscoveryError<HttpFault>>> {
        let known = self.known().clone();
        if let Some(known) = &known
            && !known.is_stale
            && known.asked_at.elapsed() < FRESH
        {
            return Ok(Arc::clone(&known.metadata));
        }
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &http.calling()).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *self.known() = Some(Known {
                    metadata: Arc::clone(&metadata),
                    asked_at: Instant::now(),
                    is_stale: false,
                });
                Ok(metadata)
            }
            Err(error) => match known {
                Some(known) => {
                    tracing::warn!(%error, "the OpenID Connect provider does not say who it is; what it said before holds");
                    Ok(known.metadata)
                }
                None => Err(Box::new(error)),
            },
        }
    }

    /// Lets the provider be asked again; tells whether it has not just been asked.
    pub(super) fn forget(&self) -> bool {
        let mut known = self.known();
        match &mut *known {
            Some(known) if known.asked_at.elapsed() >= FORGOTTEN_EVERY => {
                known.is_stale = true;
                true
            }
            _ => false,
        }
    }
}
