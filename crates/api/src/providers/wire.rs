//! Providers as the wire shows them, and their fields as it brings them.

use bursar_sdk::{AiProvider, AiProviderType, Secret};
use model::{
    Name, addresses,
    prices::ProviderKind,
    providers::{Provider, parse_base_url},
};
use secrecy::SecretString;
use url::Url;

use crate::{
    error::{ApiError, ApiResult},
    validate::{Checked, wrong},
};

/// The greatest length of a provider's key, in bytes.
const API_KEY_MAX_BYTES: usize = 4096;

pub(crate) fn provider(provider: Provider) -> AiProvider {
    AiProvider {
        id: provider.id.0,
        name: provider.name.into(),
        kind: wire_kind(provider.kind),
        base_url: provider.base_url.into(),
        api_key_set: true,
        created_at: provider.created_at,
        updated_at: provider.updated_at,
    }
}

/// A type of provider as the wire shows it.
pub(crate) const fn wire_kind(kind: ProviderKind) -> AiProviderType {
    match kind {
        ProviderKind::OpenAi => AiProviderType::OpenAi,
        ProviderKind::Anthropic => AiProviderType::Anthropic,
        ProviderKind::OpenAiCompatible => AiProviderType::OpenAiCompatible,
    }
}

/// A type of provider as the wire brings it.
pub(crate) const fn kind(kind: AiProviderType) -> ProviderKind {
    match kind {
        AiProviderType::OpenAi => ProviderKind::OpenAi,
        AiProviderType::Anthropic => ProviderKind::Anthropic,
        AiProviderType::OpenAiCompatible => ProviderKind::OpenAiCompatible,
    }
}

/// Reads a provider's address. A host that is a name is checked when it is resolved.
pub(crate) fn base_url(text: &str) -> Checked<Url> {
    const FIELD: &str = "base_url";
    let url = parse_base_url(text).or_else(|error| wrong(FIELD, error))?;
    addresses::check_literal(&url).or_else(|error| wrong(FIELD, error))?;
    Ok(url)
}

/// Reads a key, which will be a header of requests.
pub(crate) fn api_key(key: &Secret) -> Checked<SecretString> {
    const FIELD: &str = "api_key";
    let key = key.expose().trim();
    if key.is_empty() || key.len() > API_KEY_MAX_BYTES {
        return wrong(
            FIELD,
            format_args!("must be between 1 and {API_KEY_MAX_BYTES} bytes"),
        );
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong(FIELD, "must be printable ASCII without spaces");
    }
    Ok(SecretString::from(key))
}

/// Reads the name in the path: what can be no name is no provider.
pub(crate) fn name(text: &str) -> ApiResult<Name> {
    text.parse().or(Err(ApiError::not_found()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_a_provider_and_not_into_the_machine_room() {
        let check = |text: &str, good: bool| assert_eq!(base_url(text).is_ok(), good, "{text}");
        check("https://api.openai.com/v1", true);
        check("http://127.0.0.1:1234/v1", true);
        check("http://10.1.2.3/v1", true);
        check("ftp://example.com", false);
        check("https://user:secret@example.com", false);
        check("http://169.254.169.254/latest/meta-data", false);
        check("http://2852039166/", false);
        check("http://[::ffff:169.254.169.254]/", false);
        check("http://[fe80::1]/", false);
        check("http://[fd00:ec2::254]/", false);
        check("http://0.0.0.0/", false);
        check("http://224.0.0.1/", false);
    }

    #[test]
    fn keys_fit_into_a_header() {
        let check = |key: &str, good: bool| {
            assert_eq!(api_key(&Secret::new(key)).is_ok(), good, "{key:?}");
        };
        check("sk-test", true);
        check(" sk-test\n", true);
        check("", false);
        check("  ", false);
        check("sk test", false);
        check("sk\r\ntest", false);
        check(&"x".repeat(4097), false);
    }
}
