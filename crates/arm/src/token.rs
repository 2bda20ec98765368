//! Access tokens: where they come from, and a cache that renews them early, once for all tasks.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use model::Secret;
use thiserror::Error;
use tokio::time::Instant;

use crate::claims::Claims;
use crate::random::Random;
use crate::trace;

/// Tokens are renewed so long before they end (arm-faults §7), those that live shortly at half of
/// their time. Without jitter: a run is one process, and renews once.
const EARLY: Duration = Duration::from_secs(5 * 60);

/// How long a token that is still good serves on after it could not be renewed.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(30);

/// How long a token is asked for again while there is none. A managed identity that is being changed
/// does not answer for up to 70 s (arm-faults §7).
const SIGN_IN_WINDOW: Duration = Duration::from_secs(90);

const BACK_OFF_MAX: Duration = Duration::from_secs(30);

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub secret: Secret,
    /// When it ends; `None` for one that does not.
    pub expires: Option<SystemTime>,
}

/// Why there is no token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct TokenError {
    /// What went wrong, without any secret.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// The ids that support asks for, by name.
    pub ids: Vec<(String, String)>,
    /// Whether asking again may help.
    pub transient: bool,
    /// How long the issuer asks to wait.
    pub retry_after: Option<Duration>,
}

/// Where tokens come from.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Asks for a new token for a scope, once; the claims are those that a challenge demanded. It
    /// must not answer with a token that it gave before.
    async fn token(&self, scope: &str, claims: Option<&Claims>) -> Result<Token, TokenError>;
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
    async fn token(&self, _scope: &str, _claims: Option<&Claims>) -> Result<Token, TokenError> {
        Ok(Token { secret: self.0.clone(), expires: None })
    }
}

/// The token of one scope, kept while it is good.
pub(crate) struct TokenCache {
    source: Arc<dyn TokenSource>,
    scope: String,
    random: Random,
    kept: Mutex<Kept>,
    /// Held by the task that renews.
    renewal: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// When to ask for another; `None` for never.
    renew_at: Option<SystemTime>,
    /// What a challenge demanded of the next token.
    claims: Option<Claims>,
    /// How many renewals have ended, and what the last one ended with when it failed.
    renewals: u64,
    failure: Option<TokenError>,
}

/// What the kept token is good for.
enum State {
    Good(Secret),
    /// Good still, but time to renew it.
    Aging(Secret),
    Gone,
}

impl TokenCache {
    pub(crate) fn new(source: Arc<dyn TokenSource>, scope: String, seed: u64) -> Self {
        let random = Random::new(seed);
        Self { source, scope, random, kept: Mutex::default(), renewal: tokio::sync::Mutex::default() }
    }

    /// A token that will last a while. One task renews it; what it gets, or why it gets none, is for
    /// all that wait.
    pub(crate) async fn token(&self) -> Result<Secret, TokenError> {
        let renewals = self.kept().renewals;
        let state = self.kept().state();
        let _turn = match state {
            State::Good(secret) => return Ok(secret),
            State::Aging(secret) => match self.renewal.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(secret),
            },
            State::Gone => self.renewal.lock().await,
        };
        if let Some(shared) = self.kept().since(renewals) {
            return shared;
        }
        let renewed = self.renew().await;
        let mut kept = self.kept();
        kept.renewals += 1;
        kept.failure = renewed.as_ref().err().cloned();
        renewed
    }

    /// Forgets a token that was refused, unless another task has replaced it already. The next one
    /// is asked for with the claims that the refusal demanded.
    pub(crate) fn refuse(&self, refused: &Secret, claims: Option<Claims>) {
        let mut kept = self.kept();
        if kept.token.as_ref().is_some_and(|t| t.secret.expose() == refused.expose()) {
            kept.token = None;
            kept.claims = claims;
        }
    }

    async fn renew(&self) -> Result<Secret, TokenError> {
        let start = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let claims = self.kept().claims.clone();
            let error = match self.source.token(&self.scope, claims.as_ref()).await {
                Ok(token) => match self.kept().keep(token, claims.as_ref()) {
                    Some(secret) => return Ok(secret),
                    // A challenge came meanwhile, and this token does not meet it.
                    None => continue,
                },
                Err(error) => error,
            };
            if let Some(secret) = self.kept().serve_on() {
                return Ok(secret);
            }
            let pause = self.pause(&error, attempt);
            if !error.transient || start.elapsed() + pause > SIGN_IN_WINDOW {
                return Err(error);
            }
            trace::token_pause(pause, &error.message);
            tokio::time::sleep(pause).await;
        }
    }

    /// As told, else 1, 2, 4 … 30 s; spread, since a build starts many jobs at once.
    fn pause(&self, error: &TokenError, attempt: u32) -> Duration {
        let back_off = Duration::from_secs(1 << (attempt - 1).min(6)).min(BACK_OFF_MAX);
        self.random.spread(error.retry_after.unwrap_or(back_off))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("BUG: a holder of the lock panicked")
    }
}

impl Kept {
    fn state(&self) -> State {
        let now = SystemTime::now();
        let lives = |token: &&Token| token.expires.is_none_or(|end| now < end);
        let Some(secret) = self.token.as_ref().filter(lives).map(|t| t.secret.clone()) else {
            return State::Gone;
        };
        match self.renew_at.is_some_and(|time| now >= time) {
            true => State::Aging(secret),
            false => State::Good(secret),
        }
    }

    /// What a renewal brought that ended since so many had; none when there was no such renewal.
    fn since(&self, renewals: u64) -> Option<Result<Secret, TokenError>> {
        match (self.renewals > renewals, self.state()) {
            (true, State::Good(secret) | State::Aging(secret)) => Some(Ok(secret)),
            (true, State::Gone) => self.failure.clone().map(Err),
            (false, _) => None,
        }
    }

    /// Keeps a new token, unless other claims are demanded than it was asked for with.
    fn keep(&mut self, token: Token, claims: Option<&Claims>) -> Option<Secret> {
        if self.claims.as_ref() != claims {
            return None;
        }
        let now = SystemTime::now();
        let life = token.expires.map(|end| end.duration_since(now).unwrap_or_default());
        self.renew_at = life.map(|life| now + life - EARLY.min(life / 2));
        self.claims = None;
        Some(self.token.insert(token).secret.clone())
    }

    /// The old token after a failed renewal, while it is good.
    fn serve_on(&mut self) -> Option<Secret> {
        let (State::Good(secret) | State::Aging(secret)) = self.state() else { return None };
        self.renew_at = Some(SystemTime::now() + RENEWAL_INTERVAL);
        Some(secret)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures_util::future::join_all;

    use super::*;

    /// Answers in order: a token's seconds of life, or an error and whether it is transient. The
    /// claims it was asked with are kept.
    #[derive(Default)]
    struct Scripted {
        answers: Mutex<VecDeque<Result<u64, bool>>>,
        asked: Mutex<Vec<Option<String>>>,
    }

    #[async_trait]
    impl TokenSource for Scripted {
        async fn token(&self, _scope: &str, claims: Option<&Claims>) -> Result<Token, TokenError> {
            tokio::task::yield_now().await;
            let mut asked = self.asked.lock().expect("not poisoned");
            asked.push(claims.map(|c| c.json().to_owned()));
            let answer = self.answers.lock().expect("not poisoned").pop_front().expect("asked too often");
            let call = asked.len();
            let token = |life| Token {
                secret: Secret::new(format!("t{call}")),
                expires: Some(SystemTime::now() + Duration::from_secs(life)),
            };
            let failed =
                |transient| TokenError { message: format!("e{call}"), transient, ..TokenError::default() };
            answer.map(token).map_err(failed)
        }
    }

    fn cache<const N: usize>(answers: [Result<u64, bool>; N]) -> (Arc<Scripted>, TokenCache) {
        let source = Arc::new(Scripted { answers: Mutex::new(answers.into()), ..Scripted::default() });
        (source.clone(), TokenCache::new(source, "scope".to_owned(), 7))
    }

    fn calls(source: &Scripted) -> usize {
        source.asked.lock().expect("not poisoned").len()
    }

    #[tokio::test]
    async fn many_tasks_share_one_renewal() {
        let (source, cache) = cache([Ok(3600)]);
        let all = join_all((0..50).map(|_| cache.token())).await;
        assert!(all.iter().all(|t| t.as_ref().is_ok_and(|t| t.expose() == "t1")));
        assert_eq!(calls(&source), 1);
    }

    #[tokio::test]
    async fn many_tasks_share_one_failure() {
        let (source, cache) = cache([Err(false), Ok(3600)]);
        let all = join_all((0..50).map(|_| cache.token())).await;
        assert!(all.iter().all(|t| t.as_ref().is_err_and(|e| e.message == "e1")));
        assert_eq!(calls(&source), 1);
        assert!(cache.token().await.is_ok(), "who comes later asks again");
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_once() {
        let (source, cache) = cache([Ok(3600), Ok(3600)]);
        let first = cache.token().await.expect("a token");
        cache.refuse(&first, None);
        assert_eq!(cache.token().await.expect("a token").expose(), "t2");
        cache.refuse(&first, None);
        assert_eq!(cache.token().await.expect("a token").expose(), "t2");
        assert_eq!(calls(&source), 2);
    }

    #[tokio::test]
    async fn an_old_token_serves_while_renewal_fails() {
        let (source, cache) = cache([Ok(3600), Err(true), Ok(3600)]);
        assert_eq!(cache.token().await.expect("a token").expose(), "t1");
        let long_ago = Some(SystemTime::UNIX_EPOCH);
        cache.kept().renew_at = long_ago;
        assert_eq!(cache.token().await.expect("a token").expose(), "t1");
        assert_eq!(cache.token().await.expect("a token").expose(), "t1");
        assert_eq!(calls(&source), 2, "a failed renewal is left alone for a while");
        cache.kept().renew_at = long_ago;
        assert_eq!(cache.token().await.expect("a token").expose(), "t3");
    }

    #[tokio::test]
    async fn one_task_renews_and_the_others_go_on() {
        let (source, cache) = cache([Ok(3600), Ok(3600)]);
        cache.token().await.expect("a token");
        cache.kept().renew_at = Some(SystemTime::UNIX_EPOCH);
        let all = join_all((0..50).map(|_| cache.token())).await;
        let old = all.iter().filter(|t| t.as_ref().is_ok_and(|t| t.expose() == "t1")).count();
        assert_eq!((old, calls(&source)), (49, 2));
    }

    #[tokio::test]
    async fn a_short_token_is_renewed_at_half_of_its_life() {
        let (source, cache) = cache([Ok(60), Ok(3600)]);
        cache.token().await.expect("a token");
        cache.token().await.expect("a token");
        assert_eq!(calls(&source), 1);
        let due = cache.kept().renew_at.expect("it ends").duration_since(SystemTime::now());
        assert!((25..=30).contains(&due.expect("in the future").as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hiccup_of_the_issuer_is_waited_out_within_bounds() {
        let (source, cached) = cache([Err(true), Err(true), Err(true), Ok(3600)]);
        let start = Instant::now();
        assert_eq!(cached.token().await.expect("a token").expose(), "t4");
        assert!((7..=9).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        assert_eq!(calls(&source), 4);

        let (source, cache) = cache([Err(true); 20]);
        assert!(cache.token().await.is_err());
        assert!((5..=8).contains(&calls(&source)), "{}", calls(&source));
    }

    #[tokio::test]
    async fn claims_are_asked_for_once() {
        let (source, cache) = cache([Ok(3600), Ok(3600), Ok(3600)]);
        let claims = Claims::parse("eyJhIjoxfQ").expect("claims");
        let first = cache.token().await.expect("a token");
        cache.refuse(&first, Some(claims.clone()));
        cache.refuse(&first, Some(claims));
        let second = cache.token().await.expect("a token");
        cache.refuse(&second, None);
        cache.token().await.expect("a token");
        let asked = source.asked.lock().expect("not poisoned").clone();
        assert_eq!(asked, [None, Some(r#"{"a":1}"#.to_owned()), None]);
    }

    #[tokio::test]
    async fn a_challenge_during_a_renewal_is_answered_by_another() {
        let (source, cache) = cache([Ok(3600), Ok(3600), Ok(3600)]);
        let first = cache.token().await.expect("a token");
        cache.kept().renew_at = Some(SystemTime::UNIX_EPOCH);
        let challenged = async { cache.refuse(&first, Claims::parse("eyJhIjoxfQ")) };
        let (renewed, ()) = tokio::join!(cache.token(), challenged);
        assert_eq!(renewed.expect("a token").expose(), "t3");
        let asked = source.asked.lock().expect("not poisoned").clone();
        assert_eq!(asked, [None, None, Some(r#"{"a":1}"#.to_owned())]);
    }
}
