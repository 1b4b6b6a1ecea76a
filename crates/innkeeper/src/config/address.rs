//! Addresses of services and of people.

use url::{Host, Url};

/// An address on the web that a secret may be sent to.
pub(super) fn web(text: &str) -> Result<Url, String> {
    let url = hook(text)?;
    if url.query().is_some() {
        return Err("must end with its path, before `?` or `#`".to_owned());
    }
    Ok(url)
}

/// An address on the web that something is told to. What it asks for may stand after its path.
pub(super) fn hook(text: &str) -> Result<Url, String> {
    // The text itself is not shown: it may hold a password.
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("must begin with https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must end with its path, before `?` or `#`".to_owned());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(format!(
            "must begin with https://; a secret would travel to {} in clear",
            url.host_str().unwrap_or_default()
        ));
    }
    Ok(url)
}

/// It leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// An address that mail could be sent to, as far as that shows.
pub(super) fn mail(text: String) -> Result<String, String> {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>(),;:\"".contains(c);
    let is_good = text.chars().all(is_plain)
        && text.split_once('@').is_some_and(|(user, domain)| {
            let mut labels = domain.split('.');
            !user.is_empty()
                && domain.contains('.')
                && labels.all(|label| !label.is_empty() && !label.contains('@'))
        });
    if is_good {
        Ok(text)
    } else {
        Err(format!(
            "`{text}` is not a mail address, such as identity-team@contoso.example"
        ))
    }
}
