//! Access tokens: where they come from, and a cache that renews them early, once for all tasks.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use model::Secret;
use thiserror::Error;
use tokio::sync::Mutex;

/// Tokens are renewed so long before they end (arm-faults §7).
const EARLY: Duration = Duration::from_secs(5 * 60);

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub secret: Secret,
    /// When it ends; `None` for one that does not.
    pub expires: Option<SystemTime>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no token: {0}")]
pub struct TokenError(pub String);

/// Where tokens come from.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Gets a token for a scope. It need not cache.
    async fn token(&self, scope: &str) -> Result<Token, TokenError>;
}

/// One token that never changes: the emulator's own.
#[derive(Debug, Clone)]
pub struct StaticToken(Secret);

impl StaticToken {
    /// The source of this token.
    pub fn new(token: Secret) -> Self {
        Self(token)
    }
}

#[async_trait]
impl TokenSource for StaticToken {
    async fn token(&self, _scope: &str) -> Result<Token, TokenError> {
        Ok(Token { secret: self.0.clone(), expires: None })
    }
}

/// The token of one scope, kept while it is good.
pub(crate) struct TokenCache {
    source: Arc<dyn TokenSource>,
    scope: String,
    kept: Mutex<Option<Token>>,
}

impl TokenCache {
    pub(crate) fn new(source: Arc<dyn TokenSource>, scope: String) -> Self {
        Self { source, scope, kept: Mutex::new(None) }
    }

    /// A token that will last a while. The lock is held during a renewal, so that one serves all.
    pub(crate) async fn token(&self) -> Result<Secret, TokenError> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.as_ref().filter(|t| lasts(t, EARLY)) {
            return Ok(token.secret.clone());
        }
        match self.source.token(&self.scope).await {
            Ok(token) => Ok(kept.insert(token).secret.clone()),
            // An old one is good until it ends.
            Err(error) => {
                kept.as_ref().filter(|t| lasts(t, Duration::ZERO)).map(|t| t.secret.clone()).ok_or(error)
            }
        }
    }

    /// Forgets a token that was refused, unless another task has replaced it already.
    pub(crate) async fn refuse(&self, refused: &Secret) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|t| t.secret.expose() == refused.expose()) {
            *kept = None;
        }
    }
}

fn lasts(token: &Token, time: Duration) -> bool {
    token.expires.is_none_or(|end| SystemTime::now() + time < end)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting {
        calls: AtomicU32,
        lifetime: Duration,
    }

    #[async_trait]
    impl TokenSource for Counting {
        async fn token(&self, _scope: &str) -> Result<Token, TokenError> {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            match (call, self.lifetime) {
                (1.., life) if life < EARLY => Err(TokenError("the issuer is down".to_owned())),
                _ => Ok(Token {
                    secret: Secret::new(format!("t{call}")),
                    expires: Some(SystemTime::now() + self.lifetime),
                }),
            }
        }
    }

    fn cache(lifetime: Duration) -> (Arc<Counting>, TokenCache) {
        let source = Arc::new(Counting { lifetime, ..Counting::default() });
        (source.clone(), TokenCache::new(source, "scope".to_owned()))
    }

    #[tokio::test]
    async fn many_tasks_share_one_renewal() {
        let (source, cache) = cache(Duration::from_secs(3600));
        let all = futures_util::future::join_all((0..10).map(|_| cache.token())).await;
        assert!(all.iter().all(|t| t.as_ref().is_ok_and(|t| t.expose() == "t0")));
        assert_eq!(source.calls.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_once() {
        let (source, cache) = cache(Duration::from_secs(3600));
        let first = cache.token().await.expect("a token");
        cache.refuse(&first).await;
        assert_eq!(cache.token().await.expect("a token").expose(), "t1");
        cache.refuse(&first).await;
        assert_eq!(cache.token().await.expect("a token").expose(), "t1");
        assert_eq!(source.calls.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn an_old_token_serves_while_renewal_fails() {
        let (_, cache) = cache(Duration::from_secs(60));
        assert_eq!(cache.token().await.expect("a token").expose(), "t0");
        assert_eq!(cache.token().await.expect("a token").expose(), "t0");
    }
}
