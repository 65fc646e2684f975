//! Signing in with an OpenID Connect provider: authorization code flow with PKCE, state and nonce.
//!
//! Nothing is kept between beginning and end. The browser keeps a random secret in a cookie (the *binding*); state, nonce
//! and PKCE's verifier are each made of it by HMAC, so that an answer that belongs to another browser fits none of them.

mod discovery;
mod http;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, SubsecRound as _, Utc};
use domain::access::{Role, SignsIn, TokenHash, User, user_name};
use domain::ids::{AgentName, DepartmentId, UserName};
use hmac::{Hmac, KeyInit as _, Mac as _};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields,
    IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
    UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use tonic::Status;
use wire::v1::access as proto;

use self::discovery::Discovery;
use self::http::HttpClient;
use crate::Clock;
use crate::passwords::fresh_token;

/// What is wrong with the settings of a provider: the key, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("sign_in.openid.{key}: {fault}")]
pub struct OpenIdFault {
    /// Which key.
    pub key: &'static str,
    /// What is wrong, and what to do.
    pub fault: String,
}

/// A provider as it is configured.
#[derive(Clone)]
pub struct OpenIdParts {
    /// Its address, as its tokens say it; `https`, or on this machine `http`.
    pub issuer: String,
    /// As what this installation is known to it.
    pub client_id: String,
    /// What it proves that with.
    pub client_secret: String,
    /// What the provider is called on the button.
    pub shown_name: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that says what somebody is; a dot leads into an object.
    pub roles_claim: String,
    /// Which values of it mean which roles.
    pub roles: BTreeMap<String, Vec<Role>>,
    /// The claim that names the department of somebody with that role.
    pub department_claim: Option<String>,
    /// The claim that says as what the telephone system knows an agent.
    pub agent_claim: Option<String>,
    /// Whether somebody whom nobody has added is added at the first sign-in.
    pub create_users: bool,
    /// Authorities to trust beside the system's, as PEM.
    pub authorities: Option<Vec<u8>>,
    /// Tells the time.
    pub clock: Clock,
}

/// A provider.
pub struct OpenIdProvider {
    parts: OpenIdParts,
    http: HttpClient,
    discovery: Discovery,
}

/// A sign-in that has begun.
pub(crate) struct Begun {
    pub(crate) url: String,
    pub(crate) binding: String,
}

/// What the provider vouches for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claimed {
    pub(crate) subject: String,
    user_name: Option<String>,
    shown_name: Option<String>,
    more: HashMap<String, Value>,
}

/// Claims that are not of the standard.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct MoreClaims {
    #[serde(flatten)]
    all: HashMap<String, Value>,
}

impl AdditionalClaims for MoreClaims {}

type Fields = IdTokenFields<
    MoreClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type ProviderClient = Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl OpenIdProvider {
    /// A provider as it is configured; it is asked only when somebody signs in.
    ///
    /// # Errors
    /// [`OpenIdFault`].
    pub fn new(parts: OpenIdParts) -> Result<Self, OpenIdFault> {
        let fault = |key, fault: &str| OpenIdFault {
            key,
            fault: fault.to_owned(),
        };
        let issuer = IssuerUrl::new(parts.issuer.clone()).map_err(|_| {
            fault(
                "issuer",
                "give the provider's address, such as https://sso.example.org/realms/nrw",
            )
        })?;
        if !http::is_safe(issuer.url().scheme(), issuer.url().host_str()) {
            return Err(fault(
                "issuer",
                "use https; http is for a provider on this machine alone",
            ));
        }
        if parts.client_id.trim().is_empty() {
            return Err(fault(
                "client_id",
                "say as what the provider knows this installation",
            ));
        }
        for (value, roles) in &parts.roles {
            if let Some(role) = roles.iter().find(|role| !role.is_for_users()) {
                return Err(OpenIdFault {
                    key: "roles",
                    fault: format!("{value:?} gives {role}, which is for programs with tokens"),
                });
            }
            if roles.contains(&Role::Department) && parts.department_claim.is_none() {
                return Err(fault(
                    "department_claim",
                    "name the claim that says whose tickets somebody with the role department may see",
                ));
            }
        }
        if parts.create_users && parts.roles.is_empty() {
            return Err(fault(
                "roles",
                "say which values of the claim mean which roles, to create users by them",
            ));
        }
        let http = HttpClient::new(parts.authorities.as_deref())?;
        Ok(Self {
            discovery: Discovery::new(issuer),
            http,
            parts,
        })
    }

    /// What it is called on the button.
    pub(crate) fn shown_name(&self) -> &str {
        &self.parts.shown_name
    }

    /// Begins a sign-in that comes back to an address of the console.
    pub(crate) async fn begin(&self, redirect_url: &str) -> Result<Begun, Status> {
        let client = self.client(redirect_url).await?;
        let binding = fresh_token().map_err(|error| Status::internal(error.to_string()))?;
        let bound = Bound::to(&binding);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&bound.verifier);
        let (state, nonce) = (bound.state, bound.nonce);
        let scopes = self.parts.scopes.iter().map(|scope| Scope::new(scope.clone()));
        let (url, ..) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state.clone()),
                move || nonce.clone(),
            )
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .url();
        Ok(Begun {
            url: url.to_string(),
            binding,
        })
    }

    /// Ends a sign-in: who it is, as the provider vouches.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when what came back does not belong to what was begun, or the provider refuses; `UNAVAILABLE`
    /// when it cannot be asked.
    pub(crate) async fn finish(&self, sent: &proto::FinishOpenIdRequest) -> Result<Claimed, Status> {
        let bound = Bound::to(&sent.binding);
        // Hashes are compared, so that the time tells nothing.
        if sent.binding.is_empty() || TokenHash::of(&sent.state) != TokenHash::of(&bound.state) {
            return Err(Status::unauthenticated(
                "the answer belongs to another browser, or to an older sign-in",
            ));
        }
        if !sent.issuer.is_empty() && sent.issuer != self.parts.issuer {
            return Err(Status::unauthenticated("the answer comes from another provider"));
        }
        if sent.code.is_empty() {
            return Err(Status::unauthenticated(
                "the provider sent no code: it refused, or the user gave up",
            ));
        }
        let client = self.client(&sent.redirect_url).await?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(sent.code.clone()))
            .map_err(|_| away(&NoTokens))?
            .set_pkce_verifier(bound.verifier)
            .request_async(&self.http.calling())
            .await;
        let tokens = tokens.map_err(|error| match error {
            RequestTokenError::ServerResponse(refused) => {
                Status::unauthenticated(format!("the provider refused the code: {}", refused.error()))
            }
            error => away(&error),
        })?;
        match self.claims(&client, &tokens, &bound.nonce) {
            Ok(claims) => self.completed(&client, &tokens, claims).await,
            Err(first) => {
                // The provider may have new keys since it was asked for them.
                if !self.discovery.forget() {
                    return Err(first);
                }
                let client = self.client(&sent.redirect_url).await?;
                let claims = self.claims(&client, &tokens, &bound.nonce)?;
                self.completed(&client, &tokens, claims).await
            }
        }
    }

    async fn client(&self, redirect_url: &str) -> Result<ProviderClient, Status> {
        let redirect = RedirectUrl::new(redirect_url.to_owned())
            .map_err(|_| Status::invalid_argument("redirect_url: it is not an address"))?;
        let metadata = self
            .discovery
            .metadata(&self.http)
            .await
            .map_err(|error| away(&*error))?;
        let secret = Some(self.parts.client_secret.clone()).filter(|secret| !secret.is_empty());
        let client = Client::from_provider_metadata(
            (*metadata).clone(),
            ClientId::new(self.parts.client_id.clone()),
            secret.map(ClientSecret::new),
        );
        Ok(client.set_redirect_uri(redirect))
    }

    /// The claims of the identity token, once signature, issuer, audience, times and nonce are checked.
    fn claims<'a>(
        &self,
        client: &ProviderClient,
        tokens: &'a Tokens,
        nonce: &Nonce,
    ) -> Result<&'a IdTokenClaims<MoreClaims, CoreGenderClaim>, Status> {
        let wrong =
            |what: &dyn std::fmt::Display| Status::unauthenticated(format!("the identity token: {what}"));
        let token = tokens.id_token().ok_or_else(|| wrong(&"there is none"))?;
        let clock = self.parts.clock.clone();
        let verifier = client.id_token_verifier().set_time_fn(move || clock());
        let claims = token.claims(&verifier, nonce).map_err(|error| wrong(&error))?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(|error| wrong(&error))?;
            let key = token.signing_key(&verifier).map_err(|error| wrong(&error))?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                .map_err(|error| wrong(&error))?;
            if actual != *expected {
                return Err(wrong(&"it belongs to another access token"));
            }
        }
        Ok(claims)
    }

    /// The claims, with those that the provider tells only when asked for the user's information.
    async fn completed(
        &self,
        client: &ProviderClient,
        tokens: &Tokens,
        claims: &IdTokenClaims<MoreClaims, CoreGenderClaim>,
    ) -> Result<Claimed, Status> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let mut claimed = Claimed {
            subject: claims.subject().to_string(),
            user_name: text(claims.preferred_username().map(|name| name.as_str())),
            shown_name: text(
                claims
                    .name()
                    .and_then(|name| name.get(None))
                    .map(|name| name.as_str()),
            ),
            more: claims.additional_claims().all.clone(),
        };
        // Without creating users nothing but the subject matters.
        if !self.parts.create_users || claim(&claimed.more, &self.parts.roles_claim).is_some() {
            return Ok(claimed);
        }
        let Ok(request) = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
        else {
            return Ok(claimed);
        };
        let told: UserInfoClaims<MoreClaims, CoreGenderClaim> = request
            .request_async(&self.http.calling())
            .await
            .map_err(|error| away(&error))?;
        claimed.user_name = claimed
            .user_name
            .or_else(|| text(told.preferred_username().map(|name| name.as_str())));
        claimed.shown_name = claimed.shown_name.or_else(|| {
            text(
                told.name()
                    .and_then(|name| name.get(None))
                    .map(|name| name.as_str()),
            )
        });
        claimed.more.extend(told.additional_claims().all.clone());
        Ok(claimed)
    }

    /// The user that somebody becomes whom nobody has added; `None` where that is not configured, or where the claims
    /// give no role.
    pub(crate) fn new_user(&self, claimed: &Claimed, at: DateTime<Utc>) -> Option<User> {
        if !self.parts.create_users {
            return None;
        }
        let values = texts(claim(&claimed.more, &self.parts.roles_claim));
        let roles = values
            .iter()
            .filter_map(|value| self.parts.roles.get(*value))
            .flatten();
        let mut roles: BTreeSet<Role> = roles.copied().collect();
        let said = |name: &Option<String>| {
            let name = name.as_ref()?;
            texts(claim(&claimed.more, name))
                .first()
                .map(|text| (*text).to_owned())
        };
        let department = said(&self.parts.department_claim).filter(|_| roles.contains(&Role::Department));
        if department.is_none() {
            roles.remove(&Role::Department);
        }
        let name = name_of(claimed)?;
        let user = User {
            shown_name: claimed.shown_name.clone().unwrap_or_else(|| name.to_string()),
            name,
            roles,
            department: department.map(DepartmentId::new),
            agent: said(&self.parts.agent_claim).map(AgentName::new),
            disabled: false,
            signs_in: SignsIn::Provider {
                subject: claimed.subject.clone(),
            },
            created_at: at.trunc_subsecs(3),
            last_sign_in_at: None,
            revision: 1,
        };
        match user.check() {
            Ok(()) => Some(user),
            Err(fault) => {
                tracing::info!(%fault, "the provider vouches for somebody who cannot be a user here");
                None
            }
        }
    }
}

/// The provider tells no address to exchange codes at.
#[derive(Debug, thiserror::Error)]
#[error("the provider names no token_endpoint")]
struct NoTokens;

/// What a sign-in is bound to, made of the browser's secret.
struct Bound {
    state: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

impl Bound {
    fn to(binding: &str) -> Self {
        let made = |purpose: &str| -> String {
            let mut mac = Hmac::<Sha256>::new_from_slice(binding.as_bytes()).expect("a key of any length");
            mac.update(purpose.as_bytes());
            mac.finalize()
                .into_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        Self {
            state: made("nrwdirekt openid state"),
            nonce: Nonce::new(made("nrwdirekt openid nonce")),
            verifier: PkceCodeVerifier::new(made("nrwdirekt openid verifier")),
        }
    }
}

/// The provider cannot be asked, or does not answer as it should.
fn away(error: &(dyn std::error::Error + '_)) -> Status {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        said = format!("{said}: {deeper}");
        cause = deeper.source();
    }
    tracing::warn!(error = said, "the OpenID Connect provider cannot be asked");
    Status::unavailable("the OpenID Connect provider cannot be asked; the log says why")
}

/// A claim by its name, or by names with dots between that lead into objects.
fn claim<'a>(claims: &'a HashMap<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.')
            .try_fold(claims.get(first)?, |value, part| value.get(part))
    })
}

/// The texts of a claim: one, or a list.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The name of a user whom the provider calls something: as much of it as a name may have.
fn name_of(claimed: &Claimed) -> Option<UserName> {
    let called = claimed.user_name.as_deref().unwrap_or(&claimed.subject);
    let called = called.split('@').next().unwrap_or_default().to_lowercase();
    let plain: String = called
        .chars()
        .map(|letter| match letter {
            'a'..='z' | '0'..='9' | '.' | '-' => letter.to_string(),
            'ä' => "ae".to_owned(),
            'ö' => "oe".to_owned(),
            'ü' => "ue".to_owned(),
            'ß' => "ss".to_owned(),
            _ => "-".to_owned(),
        })
        .collect();
    let plain = if plain.starts_with(|first: char| first.is_ascii_lowercase()) {
        plain
    } else {
        format!("u-{plain}")
    };
    user_name(&plain[..plain.len().min(64)]).ok()
}

#[cfg(test)]
mod tests;
