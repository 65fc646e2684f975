//! The cookies of the console. There are two, both necessary: the session, and what a sign-in with a provider is bound to.

use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::Console;

const SESSION: &str = "nrwdirekt";
const BINDING: &str = "nrwdirekt-openid";

/// The name of a cookie: behind `__Host-` where TLS is, so that no other host and no plain connection can set it.
fn name(console: &Console, name: &str) -> String {
    if console.secure {
        format!("__Host-{name}")
    } else {
        name.to_owned()
    }
}

fn cookie(console: &Console, kind: &str, value: String) -> Cookie<'static> {
    // Lax, not strict: a link in a mail to a department leads to a page, not to signing in again.
    Cookie::build((name(console, kind), value))
        .path("/")
        .http_only(true)
        .secure(console.secure)
        .same_site(SameSite::Lax)
        .build()
}

/// The token of the session.
pub(crate) fn session(console: &Console, jar: &CookieJar) -> Option<String> {
    jar.get(&name(console, SESSION))
        .map(|cookie| cookie.value().to_owned())
}

/// With a session, until the browser is closed or the session ends.
pub(crate) fn with_session(console: &Console, jar: CookieJar, token: String) -> CookieJar {
    jar.add(cookie(console, SESSION, token))
}

/// Without a session.
pub(crate) fn without_session(console: &Console, jar: CookieJar) -> CookieJar {
    jar.remove(cookie(console, SESSION, String::new()))
}

/// What the sign-in with a provider is bound to.
pub(crate) fn binding(console: &Console, jar: &CookieJar) -> Option<String> {
    jar.get(&name(console, BINDING))
        .map(|cookie| cookie.value().to_owned())
}

/// With a sign-in begun.
pub(crate) fn with_binding(console: &Console, jar: CookieJar, binding: String) -> CookieJar {
    jar.add(cookie(console, BINDING, binding))
}

/// With the sign-in over.
pub(crate) fn without_binding(console: &Console, jar: CookieJar) -> CookieJar {
    jar.remove(cookie(console, BINDING, String::new()))
}
