//! The bearer token: requested once however many requests wait for it, and renewed before it expires.

use std::{sync::Arc, time::Duration};

use data_encoding::BASE64;
use reqwest::{
    Method, Request, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, time::Instant};

use super::{refusal::succeeded, wire::TokenBody};
use crate::wire::{Secrets, garbled, read};
use crate::{
    Lane, PlatformError,
    http::{Answer, Call, Http, SetupError},
};

const OPERATION: &str = "POST /msp/auth/v1/token";
/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(60);
/// The lifetime of a token that doesn't state one. Source: help article 8805729.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// No token is believed to live longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A token that was issued.
pub(super) struct Token {
    /// The value of the header.
    pub(super) authorization: HeaderValue,
    /// The secret that no error may repeat.
    pub(super) text: SecretString,
    renew_at: Instant,
}

/// The tokens of one credential.
pub(super) struct Tokens {
    url: Url,
    basic: HeaderValue,
    secrets: Secrets,
    /// Held by the task that requests a token, while others wait for it.
    current: Mutex<Option<Arc<Token>>>,
}

impl Tokens {
    /// Sends nothing.
    ///
    /// # Errors
    /// A credential that can't be sent.
    pub(super) fn new(
        url: Url,
        client_id: &SecretString,
        secret_key: &SecretString,
    ) -> Result<Self, SetupError> {
        let id = printable("clientId", client_id)?;
        let key = printable("secretKey", secret_key)?;
        if id.contains(':') {
            return Err(SetupError::Credential(
                "the key `clientId` must hold no colon".to_owned(),
            ));
        }
        let encoded = BASE64.encode(format!("{id}:{key}").as_bytes());
        let mut basic = HeaderValue::from_str(&format!("Basic {encoded}"))
            .map_err(|_| SetupError::Credential("can't be sent as a header".to_owned()))?;
        basic.set_sensitive(true);
        Ok(Self {
            url,
            basic,
            secrets: [key.into(), encoded.into()].into_iter().collect(),
            current: Mutex::default(),
        })
    }

    /// A token that is valid for a while; a new one where the last is about to expire.
    pub(super) async fn current(&self, http: &Http) -> Result<Arc<Token>, PlatformError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) if Instant::now() < token.renew_at => Ok(Arc::clone(token)),
            _ => self.ask(http, &mut current).await,
        }
    }

    /// Another token than the one that was refused; another task may have requested it meanwhile.
    pub(super) async fn instead_of(
        &self,
        refused: &Arc<Token>,
        http: &Http,
    ) -> Result<Arc<Token>, PlatformError> {
        let mut current = self.current.lock().await;
        match &*current {
            Some(token) if !Arc::ptr_eq(token, refused) => Ok(Arc::clone(token)),
            _ => self.ask(http, &mut current).await,
        }
    }

    async fn ask(
        &self,
        http: &Http,
        current: &mut Option<Arc<Token>>,
    ) -> Result<Arc<Token>, PlatformError> {
        *current = None;
        // An edit may wait for it, even if a sweep asks first.
        let call = Call {
            operation: OPERATION,
            lane: Lane::Edit,
            mutates: false,
            lists: false,
        };
        let at = Instant::now();
        let body = http
            .send(call, self.request(), |answer| self.body(answer))
            .await?;
        let token = Arc::new(token(&body, at)?);
        *current = Some(Arc::clone(&token));
        Ok(token)
    }

    fn request(&self) -> Request {
        let mut request = Request::new(Method::POST, self.url.clone());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.basic.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        *request.body_mut() = Some("grant_type=client_credentials".into());
        request
    }

    fn body(&self, answer: Answer) -> Result<TokenBody, PlatformError> {
        // The answer to a bad credential isn't documented.
        let refused = matches!(
            answer.status,
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        );
        if refused {
            let status = answer.status.as_u16();
            return Err(PlatformError::Unauthorised(format!(
                "{OPERATION} answered {status}"
            )));
        }
        read(OPERATION, &succeeded(OPERATION, &self.secrets, answer)?)
    }
}

fn token(body: &TokenBody, at: Instant) -> Result<Token, PlatformError> {
    let text = body.access_token.expose_secret();
    let unusable = || garbled(OPERATION, "the token can't be sent as a header");
    let mut authorization =
        HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| unusable())?;
    if text.is_empty() {
        return Err(unusable());
    }
    authorization.set_sensitive(true);
    let lifetime = body
        .expires_in
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map_or(LIFETIME, |seconds| {
            Duration::from_secs(seconds).min(LONGEST)
        });
    // A token that lives for less than twice the margin is renewed half way.
    let good_for = lifetime.saturating_sub(MARGIN).max(lifetime / 2);
    Ok(Token {
        authorization,
        text: body.access_token.clone(),
        renew_at: at + good_for,
    })
}

fn printable<'a>(key: &str, secret: &'a SecretString) -> Result<&'a str, SetupError> {
    // Secrets made from files end in a newline more often than not.
    let text = secret.expose_secret().trim();
    if text.is_empty() || !text.chars().all(|letter| matches!(letter, '!'..='~')) {
        return Err(SetupError::Credential(format!(
            "the key `{key}` must hold one line of printable ASCII without spaces"
        )));
    }
    Ok(text)
}
