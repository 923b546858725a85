//! What of a webhook's address everybody may see.

use url::Url;

/// Scheme, host and the first part of the path, for those who may not change the webhook: what follows is often what
/// lets a caller in. `…` stands for what is left out.
pub fn shown_url(text: &str) -> String {
    const REST: &str = "…";
    let Ok(url) = Url::parse(text) else { return REST.to_owned() };
    let origin = url.origin().ascii_serialization();
    match url.path().trim_start_matches('/').split_once('/') {
        Some((head, _)) => format!("{origin}/{head}/{REST}"),
        None if url.path() == "/" && url.query().is_none() && url.fragment().is_none() => {
            format!("{origin}/")
        }
        // The only part may be the secret.
        None => format!("{origin}/{REST}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_credentials_and_the_rest_of_the_path_are_left_out() {
        for (url, shown) in [
            ("https://example.com", "https://example.com/"),
            ("https://example.com/", "https://example.com/"),
            ("https://example.com/?token=x", "https://example.com/…"),
            ("https://example.com/secret", "https://example.com/…"),
            (
                "https://hooks.example.com:8443/services/T1/B2/xyz?a=b#c",
                "https://hooks.example.com:8443/services/…",
            ),
            ("https://ani:secret@example.com/a/b", "https://example.com/a/…"),
            ("https://example.com//secret", "https://example.com/…"),
            ("https://[2606:4700::1111]/a/", "https://[2606:4700::1111]/a/…"),
            ("nothing", "…"),
        ] {
            assert_eq!(shown_url(url), shown, "{url}");
        }
    }
}
