//! What a file is by its bytes. A table of its own: files may be of nine types, which few bytes tell apart for sure, and
//! what a browser or a model makes of a file must not hang on a guess.

use std::str::from_utf8;

use serde::de::IgnoredAny;

/// Bytes, and where they are.
type Mark = (usize, &'static [u8]);

/// Types that begin with certain bytes.
const MAGIC: &[(&str, &[Mark])] = &[
    ("image/png", &[(0, b"\x89PNG\r\n\x1a\n")]),
    ("image/jpeg", &[(0, b"\xff\xd8\xff")]),
    ("image/gif", &[(0, b"GIF87a")]),
    ("image/gif", &[(0, b"GIF89a")]),
    ("image/webp", &[(0, b"RIFF"), (8, b"WEBP")]),
    ("application/pdf", &[(0, b"%PDF-")]),
];

/// What texts may be, and how their names end.
const TEXTS: &[(&str, &[&str])] = &[
    ("text/plain", &[]),
    ("text/markdown", &["md", "markdown"]),
    ("text/csv", &["csv"]),
    (JSON, &["json"]),
];
const JSON: &str = "application/json";
/// What is said of a file whose sender does not know what it is.
const UNKNOWN: &str = "application/octet-stream";

/// Why a file is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is of a type that is not kept.
    Type,
    /// It is not what its sender says.
    Mismatch,
}

/// What a sender says that a file is: `None` when that is nothing.
pub(super) fn declared(content_type: Option<&str>) -> Result<Option<&'static str>, Unfit> {
    let Some(text) = content_type else {
        return Ok(None);
    };
    let kind = text.split(';').next().unwrap_or_default().trim();
    if kind.is_empty() || kind.eq_ignore_ascii_case(UNKNOWN) {
        return Ok(None);
    }
    let known = model::chats::FILE_TYPES.iter();
    let mut known = known.filter(|known| known.eq_ignore_ascii_case(kind));
    known.next().map(|kind| Some(*kind)).ok_or(Unfit::Type)
}

/// What a file is by its bytes; which kind of text it is, its sender or its name tells.
pub(super) fn sniff(
    bytes: &[u8],
    declared: Option<&'static str>,
    name: &str,
) -> Result<&'static str, Unfit> {
    let found = by_magic(bytes).or_else(|| text(bytes).then(|| kind_of_text(declared, name)));
    let found = found.ok_or(Unfit::Type)?;
    if declared.is_some_and(|declared| declared != found) || (found == JSON && !json(bytes)) {
        return Err(Unfit::Mismatch);
    }
    Ok(found)
}

fn by_magic(bytes: &[u8]) -> Option<&'static str> {
    let at = |(place, expected): &Mark| {
        bytes
            .get(*place..)
            .is_some_and(|rest| rest.starts_with(expected))
    };
    let found = MAGIC.iter().find(|(_, marks)| marks.iter().all(at));
    found.map(|(kind, _)| *kind)
}

/// Whether it is UTF-8 with nothing in it that texts do not have.
fn text(bytes: &[u8]) -> bool {
    let odd = |char: char| char.is_control() && !matches!(char, '\t' | '\n' | '\r' | '\u{c}');
    from_utf8(bytes).is_ok_and(|text| !text.chars().any(odd))
}

fn kind_of_text(declared: Option<&'static str>, name: &str) -> &'static str {
    let texts = || TEXTS.iter();
    if let Some((kind, _)) = texts().find(|(kind, _)| Some(*kind) == declared) {
        return kind;
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let named = |endings: &[&str]| {
        ending.is_some_and(|ending| endings.iter().any(|one| one.eq_ignore_ascii_case(ending)))
    };
    let found = texts().find(|(_, endings)| named(endings));
    found.map_or("text/plain", |(kind, _)| *kind)
}

fn json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let check = |bytes: &[u8], said: Option<&str>, name: &str, expected| {
            let found = declared(said).and_then(|said| sniff(bytes, said, name));
            assert_eq!(found, expected, "{bytes:?} {said:?} {name}");
        };
        let rows: [(&[u8], &str); 5] = [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"%PDF-1.7\n\xe2\xe3\xcf\xd3", "application/pdf"),
        ];
        for (bytes, kind) in rows {
            check(bytes, None, "x", Ok(kind));
            check(bytes, Some(kind), "x", Ok(kind));
            check(bytes, Some("Application/Octet-Stream"), "x", Ok(kind));
            check(bytes, Some("text/plain"), "x", Err(Unfit::Mismatch));
        }
        check(PNG, Some("image/jpeg"), "x", Err(Unfit::Mismatch));
        check(b"hello", Some("image/png"), "x.png", Err(Unfit::Mismatch));
        check(
            b"hello",
            Some("text/plain; charset=utf-8"),
            "x",
            Ok("text/plain"),
        );
        check("größe\r\n".as_bytes(), None, "x", Ok("text/plain"));
        check(b"# Plan", None, "plan.MD", Ok("text/markdown"));
        check(
            b"# Plan",
            Some("text/markdown"),
            "plan",
            Ok("text/markdown"),
        );
        check(b"a,b\n1,2\n", None, "a.csv", Ok("text/csv"));
        check(b"{\"a\": 1}", None, "a.json", Ok(JSON));
        check(b"{\"a\": 1}", Some(JSON), "a", Ok(JSON));
        check(b"{\"a\": ", Some(JSON), "a", Err(Unfit::Mismatch));
        check(b"", None, "empty", Ok("text/plain"));
        // Words that begin like another type are words.
        check(b"BMW, GIF and PDF", None, "cars.txt", Ok("text/plain"));
        check(b"<html><script>", Some("text/plain"), "x", Ok("text/plain"));
        check(b"<html>", Some("text/html"), "x", Err(Unfit::Type));
        check(b"PK\x03\x04\0\0", None, "x.zip", Err(Unfit::Type));
        check(b"PK\x03\x04\0\0", Some("text/plain"), "x", Err(Unfit::Type));
        check(b"a\0b", None, "x.txt", Err(Unfit::Type));
        check(b"\xff\xfea\0", None, "x.txt", Err(Unfit::Type));
        check(b"\x1b[31mred", None, "x.txt", Err(Unfit::Type));
        check(b"MZ\x90\0", None, "x.exe", Err(Unfit::Type));
    }

    #[test]
    fn every_type_that_is_kept_is_known_here() {
        let known = MAGIC.iter().map(|(kind, _)| *kind);
        let known: Vec<_> = known.chain(TEXTS.iter().map(|(kind, _)| *kind)).collect();
        for kind in model::chats::FILE_TYPES {
            assert!(known.contains(kind), "{kind}");
        }
        for kind in known {
            assert!(model::chats::FILE_TYPES.contains(&kind), "{kind}");
        }
    }
}
